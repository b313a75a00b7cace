package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// ErrOverlay is the cause of every error about what an overlay's file says. A file
// that is not there is fs.ErrNotExist.
var ErrOverlay = errors.New("not an overlay")

const (
	overlayVersion = 1
	maxOverlay     = 256 << 20
)

// overlayFile is the file's form. The sum is over sequence and exceptions as they
// stand, because half an overlay that still reads as JSON would block what was lifted.
type overlayFile struct {
	Version    int             `json:"version"`
	Sequence   uint64          `json:"sequence"`
	Sum        string          `json:"sha256"`
	Exceptions json.RawMessage `json:"exceptions"`
}

// overlayEntry adds the names, in presentation format, to an exception.
type overlayEntry struct {
	Name string `json:"name"`
	Keep string `json:"keep,omitempty"`
	blocklists.Exception
}

// WriteOverlay keeps an overlay for the next start: written aside, synced, renamed.
func WriteOverlay(path string, overlay *Overlay) error {
	entries := []overlayEntry{}
	for _, exception := range overlay.Exceptions() {
		entry := overlayEntry{Name: exception.Name.String(), Exception: exception}
		if exception.Keep != "" {
			entry.Keep = exception.Keep.String()
		}
		entries = append(entries, entry)
	}
	exceptions, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("write overlay: %w", err)
	}
	file := overlayFile{Version: overlayVersion, Sequence: overlay.Sequence(), Exceptions: exceptions}
	file.Sum = file.sum()
	octets, err := json.Marshal(file)
	if err == nil {
		err = replace(path, append(octets, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write overlay: %w", err)
	}
	return nil
}

func (f *overlayFile) sum() string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %d\n", f.Version, f.Sequence)
	hash.Write(f.Exceptions)
	return hex.EncodeToString(hash.Sum(nil))
}

// replace leaves, whenever the machine stops, the old file or the new one.
func replace(path string, octets []byte) error {
	folder := filepath.Dir(path)
	aside, err := os.CreateTemp(folder, ".overlay-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = aside.Write(octets)
	err = errors.Join(err, aside.Sync(), aside.Close())
	if err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(aside.Name()))
	}
	directory, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// ReadOverlay reads what WriteOverlay wrote, whole or not at all.
func ReadOverlay(path string) (*Overlay, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read overlay: %w", err)
	}
	defer file.Close()
	octets, err := io.ReadAll(io.LimitReader(file, maxOverlay+1))
	if err != nil {
		return nil, fmt.Errorf("read overlay: %w", err)
	}
	overlay, err := parseOverlay(octets)
	if err != nil {
		return nil, fmt.Errorf("read overlay %q: %w", path, err)
	}
	return overlay, nil
}

func parseOverlay(octets []byte) (*Overlay, error) {
	if len(octets) > maxOverlay {
		return nil, fmt.Errorf("%w: longer than %d octets", ErrOverlay, maxOverlay)
	}
	var file overlayFile
	decoder := json.NewDecoder(bytes.NewReader(octets))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOverlay, err)
	}
	if file.Version != overlayVersion {
		return nil, fmt.Errorf("%w: version %d, not %d", ErrOverlay, file.Version, overlayVersion)
	}
	if file.Sum != file.sum() {
		return nil, fmt.Errorf("%w: its checksum is wrong", ErrOverlay)
	}
	var entries []overlayEntry
	if err := json.Unmarshal(file.Exceptions, &entries); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOverlay, err)
	}
	exceptions := make([]blocklists.Exception, len(entries))
	for i, entry := range entries {
		name, err := wire.ParseName(entry.Name)
		if err != nil {
			return nil, fmt.Errorf("%w: exception %d: %w", ErrOverlay, i, err)
		}
		exceptions[i] = entry.Exception
		exceptions[i].Name = name
		if entry.Keep == "" {
			continue
		}
		if exceptions[i].Keep, err = wire.ParseName(entry.Keep); err != nil {
			return nil, fmt.Errorf("%w: exception %d: %w", ErrOverlay, i, err)
		}
	}
	return NewOverlay(file.Sequence, exceptions), nil
}
