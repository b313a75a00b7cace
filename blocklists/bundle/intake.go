package bundle

import (
	"bytes"
	"io"
	"math/bits"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Inspector says how far what a list brings may go before it takes effect.
type Inspector interface {
	// Inspect judges one entry: its standing, and what a safeguard has to say of it. Known
	// says that the generation before had the entry in force.
	Inspect(list *blocklists.Manifest, row *parse.Row, known bool) (blocklists.Standing, string)
	// Weigh judges a list as a whole. With a reason, what is new in it is held. An error
	// refuses the reading, and the last good one stays.
	Weigh(list *blocklists.Manifest, change Change) (because string, err error)
	// Pinned says that a list stays as it was in the generation before.
	Pinned(list blocklists.ListID) bool
}

// Change is what a reading of a list would change.
type Change struct {
	Before int    // entries in force in the generation before; 0 where there was none
	Kept   int    // those of them that the reading has
	Added  int    // entries that would take effect and did not before
	Head   []byte // the beginning of the text
}

// MaxNotes is how many entries of a list an intake keeps of which a safeguard spoke.
const MaxNotes = 10_000

// Intake is what the safeguards said of one reading.
type Intake struct {
	// Held is how many rows are held, with those that are held because of all the list.
	Held int `json:"held"`
	// Noted are the entries of which a safeguard spoke, the first MaxNotes of them.
	Noted []Note `json:"-"`
	// Because is why everything new is held; empty where it is not.
	Because string `json:"held_because,omitempty"`
	// Count is how many entries the list would have with what is held.
	Count int `json:"-"`
	// Serial is the number of the edition; 0 where it has none.
	Serial uint64 `json:"serial,omitempty"`
	// Pinned says that the list was not read, because a rollback fixed it.
	Pinned bool `json:"pinned,omitempty"`
}

// Note is an entry of which a safeguard spoke, and what it said.
type Note struct {
	Row      parse.Row // its own copy
	Standing blocklists.Standing
	Because  string
}

// intake is one reading of one list on its way through the safeguards.
type intake struct {
	Intake
	compiler *compiler
	manifest *blocklists.Manifest
	// kept has a bit for each entry of the bundle before that the reading has.
	kept   []uint64
	before int
	fresh  []uint32 // rows, counted from the list's first, that are active and new
	row    uint32
	head   head
}

func (c *compiler) begin(manifest *blocklists.Manifest) *intake {
	in := &intake{compiler: c, manifest: manifest}
	if c.inspector == nil {
		return in
	}
	in.kept = make([]uint64, (len(c.previous.entries)+63)/64)
	for i := range c.previous.lists {
		if list := &c.previous.lists[i]; list.Kind == Feed && list.ID == manifest.ID {
			in.before = list.Entries - list.Held
		}
	}
	return in
}

// reader keeps the beginning of what is read.
func (in *intake) reader(r io.Reader) io.Reader {
	if in.compiler.inspector == nil {
		return r
	}
	return io.TeeReader(r, &in.head)
}

// maxHead is how much of a list's beginning its header is sought in.
const maxHead = 4096

type head struct{ text []byte }

func (h *head) Write(octets []byte) (int, error) {
	if room := maxHead - len(h.text); room > 0 {
		h.text = append(h.text, octets[:min(room, len(octets))]...)
	}
	return len(octets), nil
}

// inspect asks the safeguards of one row.
func (in *intake) inspect(row *parse.Row) blocklists.Standing {
	inspector := in.compiler.inspector
	if inspector == nil {
		return blocklists.Active
	}
	known := in.known(row)
	standing, because := inspector.Inspect(in.manifest, row, known)
	if because != "" {
		in.note(row, standing, because)
	}
	switch {
	case standing == blocklists.Held:
		in.Held++
	case !known:
		in.fresh = append(in.fresh, in.row)
	}
	in.row++
	return standing
}

func (in *intake) note(row *parse.Row, standing blocklists.Standing, because string) {
	if len(in.Noted) >= MaxNotes {
		return
	}
	own := *row
	own.Name, own.Data = bytes.Clone(row.Name), bytes.Clone(row.Data)
	in.Noted = append(in.Noted, Note{Row: own, Standing: standing, Because: because})
}

// known says whether the bundle before had the row in force, and notes that it is there still.
func (in *intake) known(row *parse.Row) bool {
	previous := in.compiler.previous
	id, found := previous.Find(in.manifest.ID, wire.Name(row.Name), row.Scope)
	if !found {
		return false
	}
	if previous.entries[id].standing == blocklists.Held {
		return false
	}
	in.kept[id/64] |= 1 << (id % 64)
	return previous.entries[id].standing != blocklists.Staged ||
		in.manifest.Stage.Over(previous.entries[id].seen, in.compiler.now)
}

// weigh asks the safeguards of the list as a whole, and holds what is new where they say so.
func (in *intake) weigh(b *builder, first int) error {
	inspector := in.compiler.inspector
	if inspector == nil {
		return nil
	}
	kept := 0
	for _, word := range in.kept {
		kept += bits.OnesCount64(word)
	}
	added := distinct(b.rows[first:], in.fresh)
	in.Count = kept + added
	in.Serial, _ = parse.Serial(in.head.text)
	because, err := inspector.Weigh(in.manifest, Change{Before: in.before, Kept: kept, Added: added, Head: in.head.text})
	if err != nil || because == "" {
		return err
	}
	in.Because = because
	for _, row := range in.fresh {
		b.rows[first+int(row)].entry.standing = blocklists.Held
	}
	in.Held += len(in.fresh)
	return nil
}

// distinct counts rows without those that say the same again.
func distinct(rows []row, chosen []uint32) int {
	keys := make([]uint64, 0, len(chosen))
	for _, i := range chosen {
		keys = append(keys, uint64(rows[i].owner)<<8|uint64(rows[i].entry.scope))
	}
	slices.Sort(keys)
	return len(slices.Compact(keys))
}

func (c *compiler) pinned(manifest *blocklists.Manifest) bool {
	return c.inspector != nil && c.inspector.Pinned(manifest.ID)
}

// pin takes a list from the generation before.
func (c *compiler) pin(manifest *blocklists.Manifest, report ListReport) ListReport {
	report.Pinned = true
	report.Fetch = fetch.Status{List: manifest.ID, State: fetch.Missing}
	c.carryOver(manifest, &report)
	return report
}
