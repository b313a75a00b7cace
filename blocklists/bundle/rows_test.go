package bundle

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// rowsOf makes a bundle of rows as a parser gives them, list by list.
func rowsOf(t interface{ Fatal(...any) }, inspector Inspector, previous *Bundle, lists ...[]parse.Row) *Bundle {
	var manifests []*blocklists.Manifest
	for i := range lists {
		manifests = append(manifests, &blocklists.Manifest{
			ID: blocklists.ListID(fmt.Sprintf("list-%d", i)), Purpose: blocklists.User, Category: "custom", Title: map[string]string{"en": "x"},
			Publisher: blocklists.Publisher{Name: "x"}, ReviewEvery: 1, Format: "domains", Source: blocklists.Source{File: "x"},
		})
	}
	catalog, err := blocklists.NewCatalog(manifests)
	if err != nil {
		t.Fatal(err)
	}
	c := newCompiler(&Input{Catalog: catalog, Previous: previous, Inspector: inspector, Log: slog.New(slog.DiscardHandler)})
	for number, rows := range lists {
		var g gathering
		for i := range rows {
			if err := g.add(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		// Two runs, so that they are merged.
		half := len(g.rows) / 2
		rest := gathering{arena: g.arena, rows: slices.Clone(g.rows[half:]), texts: g.texts}
		g.rows = g.rows[:half]
		c.runs[number] = []run{g.pack(uint32(number)), rest.pack(uint32(number))}
	}
	var to memory
	if err := c.writeWhole(context.Background(), &to); err != nil {
		t.Fatal(err)
	}
	b, err := openImages([][]byte{to.octets}, listsOf(catalog, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// drawRow draws a row of any trigger; few names and prefixes, so that they meet.
func drawRow(t *rapid.T) parse.Row {
	row := parse.Row{
		Trigger: blocklists.Trigger(rapid.IntRange(0, triggers-1).Draw(t, "trigger")),
		Action:  rapid.SampledFrom([]blocklists.Action{blocklists.Block, blocklists.Passthru, blocklists.LocalData}).Draw(t, "action"),
		Line:    uint32(rapid.IntRange(1, 3).Draw(t, "line")),
		Until:   rapid.SampledFrom([]uint32{0, 0, 7}).Draw(t, "until"),
	}
	if row.Action == blocklists.LocalData {
		row.Data = []byte(rapid.SampledFrom([]string{"one", "two"}).Draw(t, "data"))
	}
	if row.Trigger.ByAddress() {
		row.Prefix = netip.PrefixFrom(drawAddress(t), rapid.IntRange(0, 32).Draw(t, "length")).Masked()
		return row
	}
	row.Name = []byte(drawName(t))
	row.Scope = blocklists.Scope(rapid.IntRange(0, 2).Draw(t, "scope"))
	return row
}

func drawAddress(t *rapid.T) netip.Addr {
	octet := uint8(rapid.SampledFrom([]int{0, 1, 3, 128}).Draw(t, "octet"))
	if rapid.Bool().Draw(t, "six") {
		return netip.AddrFrom16([16]byte{octet, 1, octet})
	}
	return netip.AddrFrom4([4]byte{octet, 1, octet, 1})
}

func drawName(t *rapid.T) wire.Name {
	label := rapid.SampledFrom([]string{"a", "b", "aa", "ab\x00", "\x00", strings.Repeat("x", 63)})
	name := wire.Root
	for _, label := range rapid.SliceOfN(label, 0, 3).Draw(t, "labels") {
		name, _ = name.Child(label)
	}
	return name
}

// plainRow is what a row must come out as.
type plainRow struct {
	list int
	row  parse.Row
}

// plain puts rows together as a bundle must: one entry of rows that say the same.
func plain(lists [][]parse.Row) []plainRow {
	var all []plainRow
	for list, rows := range lists {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b parse.Row) int { return cmp.Compare(a.Line, b.Line) })
		for _, row := range rows {
			at := slices.IndexFunc(all, func(p plainRow) bool {
				return p.list == list && p.row.Trigger == row.Trigger && bytes.Equal(p.row.Name, row.Name) && p.row.Prefix == row.Prefix &&
					p.row.Scope == row.Scope && p.row.Action == row.Action && p.row.Until == row.Until
			})
			if at < 0 {
				all = append(all, plainRow{list, row})
			} else if row.Action == blocklists.LocalData {
				all[at].row.Data = append(slices.Clone(all[at].row.Data), row.Data...)
			}
		}
	}
	return all
}

func (p *plainRow) String() string {
	return fmt.Sprintf("list-%d %s %q %s %s %s %q until %d line %d", p.list, p.row.Trigger, wire.Name(p.row.Name), p.row.Prefix, p.row.Scope, p.row.Action, p.row.Data, p.row.Until, p.row.Line)
}

func entryString(e *blocklists.Entry) string {
	return fmt.Sprintf("%s %s %q %s %s %s %q until %d line %d", e.List, e.Trigger, e.Name, e.Prefix, e.Scope, e.Action, e.Data, e.Until, e.Line)
}

func (b *Bundle) strings(t *rapid.T, ids []uint32) []string {
	found := []string{}
	for _, id := range ids {
		entry, ok := b.Entry(id)
		if !ok {
			t.Fatalf("id %d is none: %v", id, b.Err())
		}
		if terms := b.Terms(id); terms != entry.Terms {
			t.Errorf("terms %+v of %+v", terms, entry)
		}
		found = append(found, entryString(&entry))
	}
	slices.Sort(found)
	return found
}

func TestEveryTriggerAgreesWithPlainRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawRow), 0, 40), 1, 3).Draw(t, "lists")
		for _, rows := range lists {
			for i := range rows {
				rows[i].Line = uint32(i) + 1 // a parser goes line by line
			}
		}
		b, want := rowsOf(t, nil, nil, lists...), plain(lists)
		if b.Len() != len(want) {
			t.Errorf("%d entries, want %d", b.Len(), len(want))
		}
		for trigger := range blocklists.Trigger(triggers) {
			has := slices.ContainsFunc(want, func(p plainRow) bool { return p.row.Trigger == trigger })
			if b.Has(trigger) != has {
				t.Errorf("has %s: %v", trigger, !has)
			}
			compareTrigger(t, b, want, trigger)
		}
	})
}

func compareTrigger(t *rapid.T, b *Bundle, all []plainRow, trigger blocklists.Trigger) {
	name, address := drawName(t), drawAddress(t)
	var ids []uint32
	var err error
	covers := func(p *plainRow) bool { return p.row.Scope.Covers(wire.Name(p.row.Name), name) }
	switch trigger {
	case blocklists.OnName:
		ids, err = b.Match(name, nil)
	case blocklists.OnServer:
		ids, err = b.MatchServer(name, nil)
	default:
		ids, err = b.MatchAddress(trigger, address, nil)
		covers = func(p *plainRow) bool { return p.row.Prefix.Contains(address) }
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	want := []string{}
	for i := range all {
		if p := &all[i]; p.row.Trigger == trigger && covers(p) {
			want = append(want, p.String())
		}
	}
	slices.Sort(want)
	if got := b.strings(t, ids); !slices.Equal(got, want) {
		t.Errorf("%s of %q or %s:\n got %q\nwant %q", trigger, name, address, got, want)
	}
	for i := 1; i < len(ids); i++ {
		before, _ := b.Entry(ids[i-1])
		after, _ := b.Entry(ids[i])
		if len(before.Name) < len(after.Name) || before.Prefix.Bits() < after.Prefix.Bits() {
			t.Errorf("%+v stands before %+v", before, after)
		}
	}
}

func TestADeltaGivesTheSameEntries(t *testing.T) {
	folder := Folder{Dir: t.TempDir()}
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawRow), 0, 30), 2, 2)
		from := rowsOf(t, nil, nil, lists.Draw(t, "from")...)
		to := rowsOf(t, nil, from, lists.Draw(t, "to")...)
		var delta bytes.Buffer
		if err := Delta(from, to, &delta); err != nil {
			t.Fatal(err)
		}
		generation, err := folder.Apply(context.Background(), from, bytes.NewReader(delta.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		made, err := folder.open(generation, to.lists)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := everything(made), everything(to); !slices.Equal(got, want) || made.generation != to.generation {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if delta.Len() > 0 && from.Len() > 0 {
			if _, err := folder.Apply(context.Background(), Empty(), bytes.NewReader(delta.Bytes())); err == nil {
				t.Errorf("applied to another bundle")
			}
		}
		octets := delta.Bytes()
		at := bytes.IndexByte(octets, '\n') + rapid.IntRange(1, len(octets)-bytes.IndexByte(octets, '\n')-1).Draw(t, "damage")
		octets[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := folder.Apply(context.Background(), from, bytes.NewReader(octets)); err == nil {
			t.Errorf("a damaged delta was applied")
		}
	})
}

func everything(b *Bundle) []string {
	var all []string
	for _, entry := range b.All() {
		all = append(all, entryString(&entry)+entry.FirstSeen.String())
	}
	return all
}

// holder holds what it is told to.
type holder struct{ known []string }

func (*holder) Head(*blocklists.Manifest, []byte) error { return nil }

func (*holder) Weigh(*blocklists.Manifest, Change) Ruling { return Ruling{} }

func (h *holder) Inspect(_ *blocklists.Manifest, row *parse.Row, known bool) (blocklists.Standing, string) {
	if known {
		h.known = append(h.known, wire.Name(row.Name).String())
	}
	if strings.HasPrefix(wire.Name(row.Name).String(), "hold") {
		return blocklists.Held, "rank 7"
	}
	return blocklists.Active, ""
}

func TestTheInspectorHoldsRows(t *testing.T) {
	row := func(name string) parse.Row { return parse.Row{Name: []byte(wire.MustName(name)), Line: 1} }
	rows := []parse.Row{row("hold.example"), row("free.example"), {Name: []byte(wire.MustName("hold.local")), Action: blocklists.LocalData, Data: []byte("data")}}
	inspector := new(holder)
	b := rowsOf(t, inspector, nil, rows)
	if len(inspector.known) > 0 {
		t.Errorf("known before anything was: %q", inspector.known)
	}
	for name, want := range map[string]string{"hold.example": "rank 7", "free.example": "", "hold.local": "rank 7"} {
		id, found := b.Find("list-0", wire.MustName(name), blocklists.Exact)
		if held := b.Terms(id).Standing == blocklists.Held; !found || held != (want != "") || b.Because(id) != want {
			t.Errorf("%s: held %v, because %q", name, held, b.Because(id))
		}
	}
	if id, _ := b.Find("list-0", wire.MustName("hold.local"), blocklists.Exact); true {
		if entry, _ := b.Entry(id); entry.Data != "data" {
			t.Errorf("local data is %q", entry.Data)
		}
	}
	rowsOf(t, inspector, b, rows)
	if !slices.Equal(inspector.known, []string{"free.example"}) {
		t.Errorf("known: %q", inspector.known)
	}
}
