package fetch

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	seenFile   = "first-seen"
	seenMark   = "RCFS0001"
	recordSize = 12
	crcSize    = 4
)

// Seen is when each name of one list was first seen in it. It is for one compile.
type Seen struct {
	store   *Store
	path    string
	list    blocklists.ListID
	before  []record // sorted by key
	present []record
}

// record is one name and scope, hashed, and seconds since 1970.
type record struct {
	key  uint64
	when uint32
}

// Seen reads what is known of the list. A damaged file is as good as none.
func (s *Store) Seen(id blocklists.ListID) *Seen {
	seen := &Seen{store: s, list: id, path: filepath.Join(s.dir, string(id), seenFile)}
	before, err := readSeen(seen.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("list: first-seen is lost, names count as new", "list", id, "error", err)
	}
	seen.before = before
	return seen
}

// Forget drops what At noted, for a list that is read again from its start.
func (s *Seen) Forget() { s.present = s.present[:0] }

// At gives the time at which the name first was in the list, now for a new one, and notes
// that it is there.
func (s *Seen) At(name wire.Name, scope blocklists.Scope, now time.Time) time.Time {
	found := record{key: keyOf(name, scope), when: uint32(max(0, now.Unix()))}
	if i, known := slices.BinarySearchFunc(s.before, found.key, compareKey); known {
		found.when = s.before[i].when
	}
	s.present = append(s.present, found)
	return time.Unix(int64(found.when), 0).UTC()
}

func compareKey(r record, key uint64) int {
	switch {
	case r.key < key:
		return -1
	case r.key > key:
		return 1
	}
	return 0
}

// keyOf cuts a cryptographic hash, so that nobody can make two names look like one.
func keyOf(name wire.Name, scope blocklists.Scope) uint64 {
	var octets [wire.MaxName + 1]byte
	length := copy(octets[:wire.MaxName], name)
	octets[length] = byte(scope)
	sum := sha256.Sum256(octets[:length+1])
	return binary.BigEndian.Uint64(sum[:])
}

// Save writes down what is present now and forgets what is not, if the two differ.
func (s *Seen) Save() error {
	slices.SortFunc(s.present, func(a, b record) int { return compareKey(a, b.key) })
	s.present = slices.CompactFunc(s.present, func(a, b record) bool { return a.key == b.key })
	if s.store.mode != whole || slices.Equal(s.present, s.before) {
		return nil
	}
	if err := writeFile(s.path, s.write); err != nil {
		return fmt.Errorf("list %q: first-seen: %w", s.list, err)
	}
	return nil
}

func (s *Seen) write(w io.Writer) error {
	sum := crc32.NewIEEE()
	both := io.MultiWriter(w, sum)
	if _, err := io.WriteString(both, seenMark); err != nil {
		return err
	}
	var octets [recordSize]byte
	for _, r := range s.present {
		binary.BigEndian.PutUint64(octets[:], r.key)
		binary.BigEndian.PutUint32(octets[8:], r.when)
		if _, err := both.Write(octets[:]); err != nil {
			return err
		}
	}
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

func readSeen(path string) ([]record, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	octets, err := io.ReadAll(io.LimitReader(file, int64(len(seenMark))+int64(parse.MaxEntries)*recordSize+crcSize+1))
	if err != nil {
		return nil, err
	}
	return decodeSeen(octets)
}

var errSeen = errors.New("not a first-seen file")

func decodeSeen(octets []byte) ([]record, error) {
	body := len(octets) - len(seenMark) - crcSize
	if body < 0 || body%recordSize != 0 || !bytes.HasPrefix(octets, []byte(seenMark)) {
		return nil, errSeen
	}
	octets, sum := octets[:len(octets)-crcSize], octets[len(octets)-crcSize:]
	if crc32.ChecksumIEEE(octets) != binary.BigEndian.Uint32(sum) {
		return nil, fmt.Errorf("%w: damaged", errSeen)
	}
	records := make([]record, 0, body/recordSize)
	for rest := octets[len(seenMark):]; len(rest) > 0; rest = rest[recordSize:] {
		records = append(records, record{binary.BigEndian.Uint64(rest), binary.BigEndian.Uint32(rest[8:])})
	}
	if !slices.IsSortedFunc(records, func(a, b record) int { return compareKey(a, b.key) }) {
		return nil, fmt.Errorf("%w: not sorted", errSeen)
	}
	return records, nil
}
