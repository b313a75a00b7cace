package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

const (
	goodFile    = "last-good.json"
	troubleFile = "trouble.json"
	octetsEnd   = ".list"
	incoming    = "incoming-"
	writing     = "writing-"
	maxNote     = 1 << 16
)

// good describes the last good copy.
type good struct {
	SHA256    string    `json:"sha256"`
	Size      int64     `json:"size"`
	FetchedAt time.Time `json:"fetched_at"`
	Source    string    `json:"source"`
	Format    string    `json:"format"`
}

// trouble says since when the source cannot be used.
type trouble struct {
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

// keep makes the copy the last good one and clears away what was before.
func (k *keeper) keep(aside *os.File, found good) error {
	if err := aside.Sync(); err != nil {
		return err
	}
	name := found.SHA256 + octetsEnd
	if err := os.Rename(aside.Name(), filepath.Join(k.dir, name)); err != nil {
		return err
	}
	if err := k.writeNote(goodFile, found); err != nil {
		return err
	}
	old, err := os.ReadDir(k.dir)
	for _, entry := range old {
		if isOurs(entry.Name()) && entry.Name() != name {
			err = errors.Join(err, os.Remove(filepath.Join(k.dir, entry.Name())))
		}
	}
	return err
}

// isOurs knows octets, and what a crash may have left half written.
func isOurs(name string) bool {
	return strings.HasSuffix(name, octetsEnd) || strings.HasPrefix(name, incoming) || strings.HasPrefix(name, writing)
}

var errDamaged = errors.New("the last good copy is damaged")

// fromGood reads the last good copy and makes sure that it is what was kept.
func (k *keeper) fromGood(ctx context.Context, read func(io.Reader) error) error {
	if k.good == nil {
		return errors.New("there is no last good copy")
	}
	file, err := os.Open(filepath.Join(k.dir, k.good.SHA256+octetsEnd))
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer file.Close()
	// The hash comes first: nobody should act on octets that are not what was kept.
	sum := sha256.New()
	if _, err := io.Copy(sum, &guarded{ctx, file, parse.MaxBytes}); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if hexOf(sum) != k.good.SHA256 {
		return errDamaged
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return read(&guarded{ctx, file, parse.MaxBytes})
}

// readGood finds the last good copy; one of another format is none.
func (k *keeper) readGood() *good {
	var found good
	err := k.readNote(goodFile, &found)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		k.store.log.Warn("list: the last good copy is lost", "list", k.manifest.ID, "error", err)
		return nil
	case found.Format != k.manifest.Format || !isHash(found.SHA256):
		return nil
	}
	return &found
}

// noteTrouble says since when there has been trouble, and writes down a new one.
func (k *keeper) noteTrouble(cause error) time.Time {
	var before trouble
	if err := k.readNote(troubleFile, &before); err == nil && !before.Since.IsZero() {
		return before.Since
	}
	now := trouble{Since: time.Now().UTC().Truncate(time.Second), Error: cause.Error()}
	if k.store.writes {
		if err := k.writeNote(troubleFile, now); err != nil {
			k.store.log.Warn("list: its trouble is not written down", "list", k.manifest.ID, "error", err)
		}
	}
	return now.Since
}

func (k *keeper) clearTrouble() {
	if !k.store.writes {
		return
	}
	if err := os.Remove(filepath.Join(k.dir, troubleFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.store.log.Warn("list: its trouble is over but still written down", "list", k.manifest.ID, "error", err)
	}
}

func (k *keeper) readNote(name string, into any) error {
	file, err := os.Open(filepath.Join(k.dir, name))
	if err != nil {
		return err
	}
	defer file.Close()
	return json.NewDecoder(io.LimitReader(file, maxNote)).Decode(into)
}

func (k *keeper) writeNote(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(k.dir, name), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

func hexOf(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }

func isHash(text string) bool {
	octets, err := hex.DecodeString(text)
	return err == nil && len(octets) == sha256.Size
}
