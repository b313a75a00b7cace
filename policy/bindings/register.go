package bindings

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
)

// Register is a table that outlives a restart.
type Register struct {
	*Table
	logger *slog.Logger

	mu      sync.Mutex // guards what follows: one Apply at a time, so that the file has its order
	log     *sealed.Log
	written names // what the file has of names
	compact int64 // how large the file was when it was last written anew
}

// names are those that a file has given numbers, in the order in which it names them.
type names struct{ profiles, jurisdictions map[string]uint64 }

func newNames() names {
	return names{profiles: map[string]uint64{"": 0}, jurisdictions: map[string]uint64{"": 0}}
}

// OpenRegister reads what was bound when the file was last written. What cannot be read of a
// damaged file is said and is lost; what could be is in force.
func OpenRegister(path string, key sealed.Key, logger *slog.Logger) (*Register, error) {
	r := &Register{Table: New(), logger: logger, written: newNames()}
	reader := reader{table: r.Table}
	log, err := sealed.Open(path, key, reader.read)
	if log == nil {
		return nil, fmt.Errorf("bindings: %w", err)
	}
	r.log = log
	reader.flush()
	r.Sweep(time.Now())
	if err != nil {
		logger.Error("not all bindings of clients could be read; the others are in force, and the file is kept aside", "error", err, "bindings", r.Len())
	}
	if err := r.rewrite(); err != nil {
		return nil, errors.Join(fmt.Errorf("bindings: %w", err), log.Close())
	}
	return r, nil
}

// Apply is that of the table, and written down. The error says that what is in force is not.
func (r *Register) Apply(changes []Change, at time.Time) (refused map[int]error, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused = r.Table.Apply(changes, at)
	w := writer{names: &r.written, emit: r.log.Append}
	for i := range changes {
		if refused[i] == nil {
			w.add(&changes[i])
		}
	}
	return refused, w.end()
}

// intervals of what is done beside.
const (
	sweepEvery = time.Minute
	syncEvery  = 5 * time.Second
)

// Run sweeps, and has the disk keep what was written, until the context ends.
func (r *Register) Run(ctx context.Context) {
	sweep, sync := time.NewTicker(sweepEvery), time.NewTicker(syncEvery)
	defer sweep.Stop()
	defer sync.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-sync.C:
			err = r.sync()
		case at := <-sweep.C:
			r.Sweep(at)
			err = r.tidy()
		}
		if err != nil {
			r.logger.Error("bindings of clients are not on the disk", "error", err)
		}
	}
}

func (r *Register) sync() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Sync()
}

// slack is how much a file may hold of what is out of date, whatever its size.
const slack = 1 << 20

// tidy writes the file anew when most of it is out of date.
func (r *Register) tidy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.log.Size() < 2*r.compact+slack {
		return nil
	}
	return r.rewrite()
}

func (r *Register) rewrite() error {
	fresh := newNames()
	err := r.log.Rewrite(func(emit func([]byte) error) error {
		w := writer{names: &fresh, emit: emit}
		for subject, binding := range r.All {
			w.add(&Change{Subject: subject, Profile: binding.Profile, Jurisdiction: binding.Jurisdiction, Until: binding.Until})
		}
		return w.end()
	})
	if err == nil {
		r.written, r.compact = fresh, r.log.Size()
	}
	return err
}

// Close ends the file.
func (r *Register) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.log.Sync(), r.log.Close())
}

// Kinds of what a record has. Subjects follow theirs.
const (
	hasProfile      = 'p' // the next profile's name
	hasJurisdiction = 'j'
	hasBinding      = 'b'
	hasEnd          = 'e'
)

// recordSize is how much is sealed together, about.
const recordSize = 256 << 10

// writer makes records.
type writer struct {
	names  *names
	emit   func([]byte) error
	record []byte
	failed error
}

func (w *writer) add(c *Change) {
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

func (w *writer) name(has byte, known map[string]uint64, name string) uint64 {
	number, found := known[name]
	if !found {
		number = uint64(len(known))
		known[name] = number
		w.record = binary.AppendUvarint(append(w.record, has), uint64(len(name)))
		w.record = append(w.record, name...)
	}
	return number
}

func (w *writer) subject(has byte, kind int, k *key) {
	w.record = append(w.record, has, byte(kind), k.length)
	for _, word := range k.words[:wordsOf[kind]] {
		w.record = binary.BigEndian.AppendUint32(w.record, word)
	}
}

func (w *writer) flush() {
	if len(w.record) > 0 && w.failed == nil {
		w.failed = w.emit(w.record)
	}
	w.record = w.record[:0]
}

func (w *writer) end() error {
	w.flush()
	return w.failed
}

// readAtOnce is how many bindings are put in force together at the start.
const readAtOnce = 1 << 20

// reader puts in force what records say.
type reader struct {
	table                   *Table
	profiles, jurisdictions []string
	changes                 []Change
}

var errRecord = errors.New("a record of bindings that makes no sense")

func (r *reader) read(record []byte) error {
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

func (r *reader) change(record []byte, remove bool) ([]byte, error) {
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

func (r *reader) value(record []byte, into *Change) ([]byte, error) {
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

// flush puts the changes in force. What the table refuses now it had once refused, or had
// for a time that is over.
func (r *reader) flush() {
	r.table.Apply(r.changes, time.Now())
	r.changes = r.changes[:0]
}
