package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

const (
	noteFile  = "versions.json"
	octetsEnd = ".list"
	incoming  = "incoming-"
	writing   = "writing-"
	maxNote   = 1 << 16
)

// Version is one set of octets of a list, with what its source said of them.
type Version struct {
	SHA256    string    `json:"sha256"`
	Size      int64     `json:"size"`
	FetchedAt time.Time `json:"fetched_at"`
	Source    string    `json:"source"`
	Format    string    `json:"format"`
	// SaidAt is when the source last gave the same octets again, or said that it has no others;
	// zero where it gave them once. A file says so when it is written anew.
	SaidAt time.Time `json:"said_at,omitzero"`
	// From identifies the source with its keys: what another source said, or one that
	// nobody verified, is no reason not to bring the octets anew.
	From string `json:"from"`
	Marks
}

// Marks is what a source said of its octets beside them.
type Marks struct {
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	SignedAt     time.Time `json:"signed_at,omitzero"`
	Zone         *Timers   `json:"zone,omitempty"`
}

// Timers is what the SOA record of a zone says, in seconds.
type Timers struct {
	Serial  uint32 `json:"serial"`
	Refresh uint32 `json:"refresh"`
	Retry   uint32 `json:"retry"`
	Expire  uint32 `json:"expire"`
}

// note is what is written down of a list. Good was read whole; Before was good before
// that; Candidate was brought and nobody has read it yet.
type note struct {
	Good      *Version `json:"good,omitempty"`
	Before    *Version `json:"before,omitempty"`
	Candidate *Version `json:"candidate,omitempty"`
	// Trouble is why the source cannot be used; absent when it can.
	Trouble *trouble `json:"trouble,omitempty"`
	// AskedAt is when the source was last asked, and ConfirmedAt when it last answered
	// with something usable. NotBefore is when it wants to be asked again.
	AskedAt     time.Time `json:"asked_at,omitzero"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	NotBefore   time.Time `json:"not_before,omitzero"`
}

// trouble says since when the source cannot be used, and how often in a row.
type trouble struct {
	Since    time.Time `json:"since"`
	Error    string    `json:"error"`
	Failures int       `json:"failures"`
}

// newest is the version that the source had last, among those that may be good.
func (n *note) newest() *Version {
	if n.Candidate != nil {
		return n.Candidate
	}
	return n.Good
}

// readNote finds what is written down; versions of another format are none.
func (k *keeper) readNote() *note {
	found := new(note)
	file, err := os.Open(filepath.Join(k.dir, noteFile))
	if errors.Is(err, fs.ErrNotExist) {
		return found
	}
	if err == nil {
		defer file.Close()
		err = json.NewDecoder(io.LimitReader(file, maxNote)).Decode(found)
	}
	if err != nil {
		k.store.log.Warn("list: what is written down of its copies is lost", "list", k.manifest.ID, "error", err)
		return new(note)
	}
	found.Good, found.Before, found.Candidate = k.usable(found.Good), k.usable(found.Before), k.usable(found.Candidate)
	return found
}

func (k *keeper) usable(v *Version) *Version {
	if v == nil || v.Format != k.manifest.Format || !isHash(v.SHA256) {
		return nil
	}
	return v
}

// saveNote writes down what is known, and clears away octets that it does not name. What
// the disk does not take is remembered until it does.
func (k *keeper) saveNote() error {
	if k.store.mode != whole {
		return nil
	}
	k.memory.unsaved = k.note
	text, err := json.MarshalIndent(k.note, "", "  ")
	if err != nil {
		return err
	}
	err = writeFile(filepath.Join(k.dir, noteFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	k.memory.unsaved = nil
	return k.clear()
}

func (k *keeper) clear() error {
	names := map[string]bool{k.memory.aside: true}
	for _, version := range []*Version{k.note.Good, k.note.Before, k.note.Candidate} {
		if version != nil {
			names[version.SHA256+octetsEnd] = true
		}
	}
	old, err := os.ReadDir(k.dir)
	for _, entry := range old {
		if isOurs(entry.Name()) && !names[entry.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(k.dir, entry.Name())))
		}
	}
	return err
}

// isOurs knows octets, and what a crash may have left half written.
func isOurs(name string) bool {
	return strings.HasSuffix(name, octetsEnd) || strings.HasPrefix(name, incoming) || strings.HasPrefix(name, writing)
}

// identity is what a version's From is for a source.
func identity(m *blocklists.Manifest) string {
	source := &m.Source
	text, err := json.Marshal([]any{source.File, source.URL, source.RPZ, source.Catalog, source.Verify})
	if err != nil {
		return "" // strings alone: it cannot be
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func isHash(text string) bool {
	octets, err := hex.DecodeString(text)
	return err == nil && len(octets) == sha256.Size
}
