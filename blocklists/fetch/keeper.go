package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// keeper is one load of one list.
type keeper struct {
	store    *Store
	dir      string
	manifest *blocklists.Manifest
	good     *good // the last good copy before this load; nil if there is none
}

// errNotKept marks that the copy could not be written, which is no fault of the list.
var errNotKept = errors.New("no copy could be kept")

// fromSource reads the source. When its octets are those of the last good copy, only
// their hash is taken and nothing is written.
func (k *keeper) fromSource(ctx context.Context, read func(io.Reader) error) (Status, error) {
	file, mark, err := k.store.open(k.manifest)
	k.store.remember(k.manifest.ID, mark)
	if err != nil {
		return Status{}, fmt.Errorf("source: %w", err)
	}
	defer file.Close()
	if err := k.sameAsGood(ctx, file, mark.size, read); err == nil {
		return k.status(*k.good, false), nil
	} else if !errors.Is(err, errDiffers) {
		return Status{}, err
	}
	found, err := k.bring(ctx, read)
	if err != nil {
		return Status{}, err
	}
	return k.status(found, k.good == nil || k.good.SHA256 != found.SHA256), nil
}

func (k *keeper) status(of good, changed bool) Status {
	return Status{List: k.manifest.ID, State: OK, FetchedAt: of.FetchedAt, SHA256: of.SHA256, Size: of.Size, Changed: changed}
}

// errDiffers says that the source is not the last good copy, or that the copy is damaged.
var errDiffers = errors.New("differs from the last good copy")

func (k *keeper) sameAsGood(ctx context.Context, source io.Reader, size int64, read func(io.Reader) error) error {
	if k.good == nil || k.good.Size != size {
		return errDiffers
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, &guarded{ctx, source, parse.MaxBytes}); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if hexOf(sum) != k.good.SHA256 {
		return errDiffers
	}
	err := k.fromGood(ctx, read)
	if errors.Is(err, errDamaged) {
		return errDiffers
	}
	return err
}

// bring reads the source from its start into a copy and the copy by read, and keeps
// the copy if that is good. Where no copy can be written it reads the source itself.
func (k *keeper) bring(ctx context.Context, read func(io.Reader) error) (good, error) {
	if k.store.writes {
		found, err := k.bringCopy(ctx, read)
		if !errors.Is(err, errNotKept) {
			return found, err
		}
		k.store.log.Warn("list: no copy is kept", "list", k.manifest.ID, "error", err)
	}
	file, _, err := k.store.open(k.manifest)
	if err != nil {
		return good{}, fmt.Errorf("source: %w", err)
	}
	defer file.Close()
	return k.readHashed(ctx, file, read)
}

func (k *keeper) bringCopy(ctx context.Context, read func(io.Reader) error) (good, error) {
	if err := os.MkdirAll(k.dir, 0o750); err != nil {
		return good{}, fmt.Errorf("%w: %w", errNotKept, err)
	}
	aside, err := os.CreateTemp(k.dir, incoming+"*")
	if err != nil {
		return good{}, fmt.Errorf("%w: %w", errNotKept, err)
	}
	defer os.Remove(aside.Name()) // gone already when it was kept
	defer aside.Close()
	if err := k.copySource(ctx, aside); err != nil {
		return good{}, err
	}
	found, err := k.readHashed(ctx, aside, read)
	if err != nil {
		return good{}, err
	}
	if err := k.keep(aside, found); err != nil {
		k.store.log.Warn("list: no copy is kept", "list", k.manifest.ID, "error", err)
	}
	return found, nil
}

func (k *keeper) copySource(ctx context.Context, aside *os.File) error {
	file, _, err := k.store.open(k.manifest)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer file.Close()
	written := &writeErrors{to: aside}
	if _, err = io.Copy(written, &guarded{ctx, file, parse.MaxBytes}); err == nil {
		_, err = aside.Seek(0, io.SeekStart)
	}
	switch {
	case written.err != nil:
		return fmt.Errorf("%w: %w", errNotKept, written.err)
	case err != nil:
		return fmt.Errorf("source: %w", err)
	}
	return nil
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

// readHashed has the octets read and says what they were.
func (k *keeper) readHashed(ctx context.Context, from io.Reader, read func(io.Reader) error) (good, error) {
	sum, count := sha256.New(), &counter{}
	tee := io.TeeReader(&guarded{ctx, from, parse.MaxBytes}, io.MultiWriter(sum, count))
	if err := read(tee); err != nil {
		return good{}, err
	}
	if _, err := io.Copy(io.Discard, tee); err != nil { // what the caller left unread is part of the file
		return good{}, fmt.Errorf("source: %w", err)
	}
	return good{SHA256: hexOf(sum), Size: count.octets, FetchedAt: time.Now().UTC().Truncate(time.Second),
		Source: k.manifest.Source.File, Format: k.manifest.Format}, nil
}

type counter struct{ octets int64 }

func (c *counter) Write(octets []byte) (int, error) {
	c.octets += int64(len(octets))
	return len(octets), nil
}
