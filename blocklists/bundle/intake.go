package bundle

import (
	"bytes"
	"context"
	"io"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// Inspector is the safeguards: how far what a list brings may go before it takes effect.
type Inspector interface {
	// Inspect judges each row of each list that is read: its standing, and what a safeguard
	// has to say of it. Known says that the row was an active entry of the generation
	// before. The row is good until it returns.
	Inspect(list *blocklists.Manifest, row *parse.Row, known bool) (standing blocklists.Standing, because string)
	// Head judges the beginning of a list's text. An error refuses the reading, and the last
	// good one stays.
	Head(list *blocklists.Manifest, head []byte) error
	// Weigh judges a list as a whole, by what its reading would change.
	Weigh(list *blocklists.Manifest, change Change) Ruling
}

// Change is what a reading of a list would change.
type Change struct {
	Before int // entries in force in the generation before; 0 where there was none
	Kept   int // those of them that the reading has
	Added  int // entries that would take effect and did not before
	// Source is how the source stands of which they were read.
	Source fetch.Status
}

// Ruling is what becomes of a list as a whole. The zero value takes it as it is.
type Ruling struct {
	Hold   string // why all that is new in it is held
	Keep   error  // why it stays as it was
	Shrunk bool   // it stays because of how many of its entries are gone
}

// MaxNotes is how many entries of a list an intake keeps of which a safeguard spoke.
const MaxNotes = 10_000

// Intake is what the safeguards said of one reading.
type Intake struct {
	// Held is how many entries are held.
	Held int `json:"held"`
	// Noted are the entries of which a safeguard spoke, the first MaxNotes of them.
	Noted []Note `json:"noted,omitempty"`
	// Because is why everything new is held; empty where it is not.
	Because string `json:"held_because,omitempty"`
	// Count is how many entries would be in force without that.
	Count int `json:"count,omitempty"`
	// Serial is the number of the edition; 0 where it has none.
	Serial uint64 `json:"serial,omitempty"`
	// Shrunk says that the list stays as it was because it lost too much.
	Shrunk bool `json:"shrunk,omitempty"`
	// Untaken says that the list stays as it was by what the safeguards say of it as a whole:
	// what was read of it must not become the last good copy.
	Untaken bool `json:"untaken,omitempty"`
	// Pinned says that the list was not read, because a rollback fixed it.
	Pinned bool `json:"pinned,omitempty"`
}

// Note is an entry of which a safeguard spoke, and what it said.
type Note struct {
	Row      parse.Row           `json:"row"` // its own copy
	Standing blocklists.Standing `json:"standing"`
	Because  string              `json:"because"`
}

func noteOf(row *parse.Row, standing blocklists.Standing, because string) Note {
	own := *row
	own.Name, own.Data = bytes.Clone(row.Name), nil
	return Note{Row: own, Standing: standing, Because: because}
}

// maxHead is how much of a list's beginning its header is sought in.
const maxHead = 4096

// head keeps the beginning of what is written to it.
type head struct{ text []byte }

func (h *head) Write(octets []byte) (int, error) {
	if room := maxHead - len(h.text); room > 0 {
		h.text = append(h.text, octets[:min(room, len(octets))]...)
	}
	return len(octets), nil
}

// headed has a list read, and its beginning judged.
func (c *compiler) headed(manifest *blocklists.Manifest, r io.Reader, report *ListReport, read func(io.Reader) error) error {
	if c.Inspector == nil {
		return read(r)
	}
	var beginning head
	if err := read(io.TeeReader(r, &beginning)); err != nil {
		return err
	}
	report.Serial, _ = parse.Serial(beginning.text)
	return c.Inspector.Head(manifest, beginning.text)
}

// weigh asks the safeguards of each list that was read as a whole, once all is merged.
// It says whether any of them changes what is to be written.
func (c *compiler) weigh() (again bool) {
	if c.Inspector == nil {
		return false
	}
	for i := range c.reports {
		list, report := &c.joiner.lists[i], &c.reports[i]
		if list.carried || list.ruled || report.Fetch.State.Absent() {
			continue
		}
		change := Change{Kept: list.kept, Added: list.added, Source: report.Fetch}
		before := c.before[report.List]
		if before != nil {
			change.Before = before.Entries - before.Held
		}
		ruling := c.Inspector.Weigh(list.manifest, change)
		report.Count = change.Kept + change.Added
		if ruling.Hold == "" && ruling.Keep == nil {
			continue
		}
		list.ruled, again = true, true
		report.Because, report.Shrunk, list.holdNew = ruling.Hold, ruling.Shrunk, ruling.Hold
		if ruling.Keep != nil {
			c.keepBefore(i, before, ruling.Keep)
		}
	}
	return again
}

// keepBefore leaves a list as it was in the bundle before; where that has none, without entries.
func (c *compiler) keepBefore(number int, before *listMeta, why error) {
	report := &c.reports[number]
	report.Fetch.Err, report.Fetch.State, report.Untaken = why, fetch.Missing, true
	c.runs[number] = nil
	if before != nil && before.Reading == c.readings[number] {
		c.joiner.lists[number].carried = true
		report.Parse.Entries, report.Fetch.State = before.Entries, fetch.Kept
		report.Held, report.Noted = before.Report.Held, before.Report.Noted
	}
}

// twice writes and, where the safeguards of whole lists change what was written, once more.
func (c *compiler) twice(ctx context.Context, write func() error) error {
	if err := write(); err != nil || !c.weigh() || ctx.Err() != nil {
		return err
	}
	for i := range c.joiner.lists {
		list := &c.joiner.lists[i]
		list.duplicates, list.kept, list.added, list.held, list.notes = 0, 0, 0, 0, nil
	}
	return write()
}

// pinned takes a list that a rollback fixed from the bundle before.
func (c *compiler) pinned(number int, before *listMeta) bool {
	if before == nil || c.Pinned == nil || !c.Pinned(c.lists[number].ID) {
		return false
	}
	c.joiner.lists[number].carried = true
	c.reports[number] = before.Report
	c.reports[number].Pinned, c.reports[number].Fetch.Changed = true, false
	return true
}
