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
)

const builtinPrefix = "builtin:"

// stamp tells two versions of a file apart without reading them.
type stamp struct {
	size     int64
	modified time.Time
}

// open opens the list's source and stamps it.
func (s *Store) open(m *blocklists.Manifest) (fs.File, stamp, error) {
	file, err := s.openAny(m.Source.File)
	if err != nil {
		return nil, stamp{}, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%q is not a regular file", m.Source.File)
	case info.Size() > parse.MaxBytes:
		err = fmt.Errorf("%q has more than %d octets", m.Source.File, parse.MaxBytes)
	default:
		return file, stamp{size: info.Size(), modified: info.ModTime()}, nil
	}
	_ = file.Close() // nothing was read or written
	return nil, stamp{}, err
}

func (s *Store) openAny(path string) (fs.File, error) {
	if path == "" {
		return nil, fmt.Errorf("the list has no source file")
	}
	name, builtin := strings.CutPrefix(path, builtinPrefix)
	switch {
	case !builtin:
		// Without O_NONBLOCK the opening of a named pipe would wait for its writer.
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	case s.builtin == nil:
		return nil, fmt.Errorf("no list is built in, but the source is %q", path)
	}
	return s.builtin.Open(name)
}

// Moved says whether the list's source is another than at its last load here, by size
// and time of change, and so whether a load could bring something new. A source that
// cannot be looked at counts as moved once.
func (s *Store) Moved(m *blocklists.Manifest) bool {
	file, now, err := s.open(m)
	if err == nil {
		_ = file.Close() // only looked at
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.stamps[m.ID]
	return !known || last.size != now.size || !last.modified.Equal(now.modified)
}

// Looked notes the source as it is now, for a load that another process does.
func (s *Store) Looked(m *blocklists.Manifest) {
	file, now, err := s.open(m)
	if err == nil {
		_ = file.Close() // only looked at
	}
	s.remember(m.ID, now)
}

// remember notes the stamp before the source is read, so that a change during the
// reading is seen as one afterwards. The zero stamp is that of a source that cannot be opened.
func (s *Store) remember(id blocklists.ListID, now stamp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stamps[id] = now
}

// guarded ends a reading when the context ends, and one octet after the limit.
type guarded struct {
	ctx  context.Context
	from io.Reader
	left int64
}

func (g *guarded) Read(into []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := g.from.Read(into)
	if g.left -= int64(n); g.left < 0 {
		return 0, fmt.Errorf("more than %d octets", parse.MaxBytes)
	}
	return n, err
}
