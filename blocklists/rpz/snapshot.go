package rpz

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// state is what is written down of one published zone.
type state struct {
	Serial uint32 `json:"serial"`
	Rules  int    `json:"rules"`
	// Differences lead from serial to serial up to the one above, oldest first.
	Differences []difference `json:"differences,omitempty"`
}

// difference is what came and went between two serials.
type difference struct {
	From    uint32 `json:"from"`
	To      uint32 `json:"to"`
	Removed int    `json:"removed"`
	Added   int    `json:"added"`
}

func (s *state) file() string         { return fmt.Sprintf("%d.zone", s.Serial) }
func (d *difference) removed() string { return fmt.Sprintf("%d-%d.removed", d.From, d.To) }
func (d *difference) added() string   { return fmt.Sprintf("%d-%d.added", d.From, d.To) }
func (d *difference) size() int       { return d.Removed + d.Added }
func (s *state) named() map[string]bool { // all files that the state needs
	names := map[string]bool{stateFile: true, s.file(): true}
	for i := range s.Differences {
		names[s.Differences[i].removed()], names[s.Differences[i].added()] = true, true
	}
	return names
}

const (
	stateFile = "zone.json"
	// maxState bounds the file, maxDifferences how many steps back are kept.
	maxState       = 1 << 20
	maxDifferences = 64
)

// readState finds what was published before; nothing where it cannot be read.
func readState(dir string) (*state, error) {
	file, err := os.Open(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return new(state), nil
	}
	if err != nil {
		return new(state), err
	}
	defer file.Close()
	found := new(state)
	if err := json.NewDecoder(io.LimitReader(file, maxState)).Decode(found); err != nil {
		return new(state), err
	}
	return found, nil
}

// save writes the state in place of the one before and removes what it does not name.
func (s *state) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	aside, err := os.CreateTemp(dir, "writing-*")
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name()) // gone already when it was renamed
	_, err = aside.Write(append(text, '\n'))
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside.Name(), filepath.Join(dir, stateFile)); err != nil {
		return err
	}
	names := s.named()
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if isOurs(entry.Name()) && !names[entry.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

func isOurs(name string) bool {
	for _, end := range []string{".zone", ".removed", ".added"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(name, "writing-") || strings.HasPrefix(name, "sorting-")
}

// next is the state after a change, with as many differences as are worth keeping: those that
// are together no larger than the zone itself.
func (s *state) next(serial uint32, rules int, change difference) *state {
	made := &state{Serial: serial, Rules: rules}
	if s.Serial != 0 {
		made.Differences = append(append([]difference(nil), s.Differences...), change)
	}
	total := 0
	for i := len(made.Differences) - 1; i >= 0; i-- {
		if total += made.Differences[i].size(); total > rules || len(made.Differences)-i > maxDifferences {
			made.Differences = made.Differences[i+1:]
			break
		}
	}
	return made
}

// since gives the steps from a serial to the newest; false where they are not kept.
func (s *state) since(serial uint32) ([]difference, bool) {
	for i := range s.Differences {
		if s.Differences[i].From == serial {
			return s.Differences[i:], true
		}
	}
	return nil, false
}

// ruleReader reads rules from a file of them.
type ruleReader struct {
	in   *bufio.Reader
	room []byte
}

func newRuleReader(from io.Reader) *ruleReader {
	return &ruleReader{in: bufio.NewReaderSize(from, 64<<10)}
}

// next gives a rule that is valid until the next; io.EOF at the end.
func (r *ruleReader) next() (rule, error) {
	record, err := readRecord(r.in, r.room)
	if err != nil {
		return nil, err
	}
	r.room = record
	if !rule(record).valid() {
		return nil, errRecord
	}
	return record, nil
}

// differ compares rules that come in order with those of the zone before, and writes all
// three files on the way.
type differ struct {
	old       *ruleReader // nil where there is none
	left      rule        // the old rule that is next; nil at the end
	last      []byte
	all       *bufio.Writer
	removed   *bufio.Writer
	added     *bufio.Writer
	rules     int
	different difference
}

func newDiffer(old io.Reader, all, removed, added io.Writer) (*differ, error) {
	d := &differ{all: bufio.NewWriterSize(all, 64<<10), removed: bufio.NewWriter(removed), added: bufio.NewWriter(added)}
	if old != nil {
		d.old = newRuleReader(old)
	}
	return d, d.advance()
}

func (d *differ) advance() (err error) {
	if d.old == nil {
		return nil
	}
	if d.left, err = d.old.next(); errors.Is(err, io.EOF) {
		d.left, d.old = nil, nil
		return nil
	}
	return err
}

var errOrder = errors.New("rules came out of order; please report this")

// add takes the next rule of the new zone.
func (d *differ) add(r rule) error {
	if d.rules > 0 && bytes.Compare(r.place(), d.last) <= 0 {
		return errOrder
	}
	d.last = append(d.last[:0], r.place()...)
	d.rules++
	if err := writeRecord(d.all, r); err != nil {
		return err
	}
	for d.left != nil && compareRules(d.left, r) < 0 {
		if err := d.remove(); err != nil {
			return err
		}
	}
	if d.left != nil && compareRules(d.left, r) == 0 {
		if bytes.Equal(d.left, r) {
			return d.advance()
		}
		if err := d.remove(); err != nil {
			return err
		}
	}
	d.different.Added++
	return writeRecord(d.added, r)
}

func (d *differ) remove() error {
	d.different.Removed++
	if err := writeRecord(d.removed, d.left); err != nil {
		return err
	}
	return d.advance()
}

// end takes what is left of the old zone as removed.
func (d *differ) end() error {
	for d.left != nil {
		if err := d.remove(); err != nil {
			return err
		}
	}
	return errors.Join(d.all.Flush(), d.removed.Flush(), d.added.Flush())
}
