package bindings

import (
	"encoding/binary"
	"errors"
	"time"
)

// Kinds of what a record has. Subjects follow theirs.
const (
	hasProfile      = 'p' // the next profile's name
	hasJurisdiction = 'j'
	hasBinding      = 'b'
	hasEnd          = 'e'
)

// recordSize is how much is sealed together, about.
const recordSize = 256 << 10

// Writer makes records, of names and of what changes.
type Writer struct {
	names  *names
	emit   func([]byte) error
	record []byte
	failed error
}

// Add puts a change into a record.
func (w *Writer) Add(c *Change) {
	kind, k := keyFor(c.Subject)
	if c.Remove {
		w.subject(hasEnd, kind, &k)
	} else {
		named := w.name(hasProfile, w.names.profiles, c.Profile)
		code := w.name(hasJurisdiction, w.names.jurisdictions, c.Jurisdiction)
		w.subject(hasBinding, kind, &k)
		w.record = binary.BigEndian.AppendUint32(w.record, uint32(c.Until.Unix()))
		w.record = binary.AppendUvarint(binary.AppendUvarint(w.record, named), code)
	}
	if len(w.record) >= recordSize {
		w.flush()
	}
}

// NewWriter makes one that names everything anew. What is emitted is its own again afterwards.
func NewWriter(emit func(record []byte) error) *Writer {
	fresh := newNames()
	return &Writer{names: &fresh, emit: emit}
}

func (w *Writer) name(has byte, known map[string]uint64, name string) uint64 {
	number, found := known[name]
	if !found {
		number = uint64(len(known))
		known[name] = number
		w.record = binary.AppendUvarint(append(w.record, has), uint64(len(name)))
		w.record = append(w.record, name...)
	}
	return number
}

func (w *Writer) subject(has byte, kind int, k *key) {
	w.record = append(w.record, has, byte(kind), k.length)
	for _, word := range k.words[:wordsOf[kind]] {
		w.record = binary.BigEndian.AppendUint32(w.record, word)
	}
}

func (w *Writer) flush() {
	if len(w.record) > 0 && w.failed == nil {
		w.failed = w.emit(w.record)
	}
	w.record = w.record[:0]
}

// End gives out the last record.
func (w *Writer) End() error {
	w.flush()
	return w.failed
}

// readAtOnce is how many bindings are put in force together.
const readAtOnce = 1 << 20

// Reader reads records, in the order in which they were written.
type Reader struct {
	apply                   func([]Change)
	profiles, jurisdictions []string
	changes                 []Change
}

var errRecord = errors.New("a record of bindings that makes no sense")

// NewReader hands changes out, many at once, in a slice that is its own again afterwards.
func NewReader(apply func([]Change)) *Reader { return &Reader{apply: apply} }

// Read reads one record, which it does not keep.
func (r *Reader) Read(record []byte) error {
	if r.profiles == nil {
		r.profiles, r.jurisdictions = []string{""}, []string{""}
	}
	for len(record) > 0 {
		has := record[0]
		var err error
		switch has {
		case hasProfile:
			record, err = readName(record[1:], &r.profiles)
		case hasJurisdiction:
			record, err = readName(record[1:], &r.jurisdictions)
		case hasBinding, hasEnd:
			record, err = r.change(record[1:], has == hasEnd)
		default:
			err = errRecord
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readName(record []byte, names *[]string) ([]byte, error) {
	size, used := binary.Uvarint(record)
	if used <= 0 || size > uint64(len(record)-used) {
		return nil, errRecord
	}
	end := used + int(size)
	*names = append(*names, string(record[used:end]))
	return record[end:], nil
}

func (r *Reader) change(record []byte, remove bool) ([]byte, error) {
	if len(record) < 2 || int(record[0]) >= kinds {
		return nil, errRecord
	}
	kind, k := int(record[0]), key{length: record[1]}
	record = record[2:]
	if len(record) < 4*wordsOf[kind] {
		return nil, errRecord
	}
	for i := range wordsOf[kind] {
		k.words[i] = binary.BigEndian.Uint32(record[4*i:])
	}
	record = record[4*wordsOf[kind]:]
	c := Change{Subject: subjectOf(kind, k), Remove: remove}
	if !remove {
		var err error
		if record, err = r.value(record, &c); err != nil {
			return nil, err
		}
	}
	if r.changes = append(r.changes, c); len(r.changes) == readAtOnce {
		r.flush()
	}
	return record, nil
}

func (r *Reader) value(record []byte, into *Change) ([]byte, error) {
	if len(record) < 4 {
		return nil, errRecord
	}
	into.Until = time.Unix(int64(binary.BigEndian.Uint32(record)), 0).UTC()
	record, err := readNumber(record[4:], r.profiles, &into.Profile)
	if err != nil {
		return nil, err
	}
	return readNumber(record, r.jurisdictions, &into.Jurisdiction)
}

func readNumber(record []byte, names []string, into *string) ([]byte, error) {
	number, used := binary.Uvarint(record)
	if used <= 0 || number >= uint64(len(names)) {
		return nil, errRecord
	}
	*into = names[number]
	return record[used:], nil
}

// End hands out the last changes.
func (r *Reader) End() { r.flush() }

// flush hands the changes out. What a table refuses now it had once refused, or had
// for a time that is over.
func (r *Reader) flush() {
	r.apply(r.changes)
	r.changes = r.changes[:0]
}
