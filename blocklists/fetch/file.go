package fetch

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/blocklists/turns"
)

const builtinPrefix = "builtin:"

// files is the origin of lists that lie on this machine or in the program.
type files struct {
	builtin fs.FS
	copying turns.Shared
}

// Serves says whether the source is a file; one that says nothing is told so when opened.
func (f *files) Serves(source *blocklists.Source) bool { return source.URL == "" && !source.IsZone() }

// Bring copies the file, so that a change during the reading cannot pass as one file and
// be kept as another, and verifies the copy.
func (f *files) Bring(ctx context.Context, m *blocklists.Manifest, _ Known, into *os.File) (Brought, error) {
	file, _, err := f.open(m.Source.File)
	if err != nil {
		return Brought{}, err
	}
	defer file.Close()
	work := f.copying.Begin()
	defer work.End()
	written := &writeErrors{to: into}
	if _, err := io.Copy(written, &guarded{ctx, file, parse.MaxBytes, work}); written.err != nil {
		return Brought{}, fmt.Errorf("%w: %w", errNotKept, written.err)
	} else if err != nil {
		return Brought{}, err
	}
	signedAt, err := verify(ctx, m, into, f.beside(m.Source.File))
	return Brought{Marks: Marks{SignedAt: signedAt}}, err
}

// beside reads signatures and sums: a file named by itself, or by what to add to the list's name.
func (f *files) beside(path string) companion {
	return func(_ context.Context, named string) ([]byte, error) {
		if strings.HasPrefix(named, ".") && !strings.ContainsAny(named, "/\\") {
			named = path + named
		}
		file, _, err := f.open(named)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return readSmall(file)
	}
}

// stamp tells two versions of a file apart without reading them.
type stamp struct {
	size     int64
	modified time.Time
}

func (s stamp) equal(other stamp) bool {
	return s.size == other.size && s.modified.Equal(other.modified)
}

// open opens a file and stamps it.
func (f *files) open(path string) (fs.File, stamp, error) {
	file, err := f.openAny(path)
	if err != nil {
		return nil, stamp{}, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%q is not a regular file", path)
	case info.Size() > parse.MaxBytes:
		err = fmt.Errorf("%q has more than %d octets", path, parse.MaxBytes)
	default:
		return file, stamp{size: info.Size(), modified: info.ModTime()}, nil
	}
	_ = file.Close() // nothing was read or written
	return nil, stamp{}, err
}

func (f *files) openAny(path string) (fs.File, error) {
	if path == "" {
		return nil, fmt.Errorf("the list has no source file")
	}
	name, builtin := strings.CutPrefix(path, builtinPrefix)
	switch {
	case !builtin:
		// Without O_NONBLOCK the opening of a named pipe would wait for its writer.
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	case f.builtin == nil:
		return nil, fmt.Errorf("no list is built in, but the source is %q", path)
	}
	return f.builtin.Open(name)
}

// Moved says whether the list's file is another than at its last fetch here, by size
// and time of change, and so whether a fetch could bring something new. A file that
// cannot be looked at counts as moved once.
func (s *Store) Moved(m *blocklists.Manifest) bool {
	k, done, err := s.keeper(m)
	if err != nil {
		return false
	}
	defer done()
	return !k.memory.stamped || !k.memory.stamp.equal(s.look(m))
}

// look stamps the file as it is now; the zero stamp is that of one that cannot be opened.
func (s *Store) look(m *blocklists.Manifest) stamp {
	local, is := s.origins[0].(*files)
	if !is {
		return stamp{}
	}
	file, now, err := local.open(m.Source.File)
	if err == nil {
		_ = file.Close() // only looked at
	}
	return now
}

// writeErrors tells the errors of the disk from those of the source.
type writeErrors struct {
	to  io.Writer
	err error
}

func (w *writeErrors) Write(octets []byte) (int, error) {
	n, err := w.to.Write(octets)
	if err != nil {
		w.err = err
	}
	return n, err
}
