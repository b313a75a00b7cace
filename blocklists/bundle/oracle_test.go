package bundle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// oracle is what a bundle must agree with: all entries in a plain map.
type oracle map[wire.Name][]blocklists.Entry

// covering asks every entry whether it covers the name.
func (o oracle) covering(name wire.Name) []string {
	var found []string
	for _, entries := range o {
		for _, entry := range entries {
			if entry.Covers(name) {
				found = append(found, fmt.Sprintf("%s %s %s:%d", entry.List, entry.Scope, entry.Name, entry.Line))
			}
		}
	}
	slices.Sort(found)
	return found
}

// list turns lines of the wildcard format into entries, the first of equal ones.
func (o oracle) list(id blocklists.ListID, scope blocklists.Scope, lines []string) {
	for i, line := range lines {
		entry := blocklists.Entry{List: id, Scope: scope, Line: uint32(i) + 1}
		rest, star := strings.CutPrefix(line, "*.")
		if star {
			entry.Scope = blocklists.Below
		}
		entry.Name = wire.MustName(rest)
		same := func(e blocklists.Entry) bool { return e.List == id && e.Scope == entry.Scope }
		if !slices.ContainsFunc(o[entry.Name], same) {
			o[entry.Name] = append(o[entry.Name], entry)
		}
	}
}

func TestMatchAgreesWithAPlainMap(t *testing.T) {
	// Few labels, so that names meet often.
	label := rapid.SampledFrom([]string{"a", "b", "aa", "ab", "1", "-"})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(append(rapid.SliceOfN(label, 1, 4).Draw(t, "labels"), "x"), ".")
	})
	line := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "*."}).Draw(t, "star") + name.Draw(t, "name")
	})
	rapid.Check(t, func(rt *rapid.T) {
		h, want := newHouse(t), make(oracle)
		var manifests []*blocklists.Manifest
		for i := range rapid.IntRange(1, 3).Draw(rt, "lists") {
			id := fmt.Sprintf("list-%d", i)
			scope := rapid.SampledFrom([]blocklists.Scope{blocklists.Exact, blocklists.Subtree, blocklists.Below}).Draw(rt, "scope")
			lines := rapid.SliceOfN(line, 1, 30).Draw(rt, "lines")
			want.list(blocklists.ListID(id), scope, lines)
			manifests = append(manifests, h.write(id, "wildcard", scope, strings.Join(lines, "\n")))
		}
		b, _ := h.compile(nil, nil, manifests...)
		for _, question := range rapid.SliceOfN(name, 1, 30).Draw(rt, "questions") {
			agree(rt, b, want, wire.MustName(question))
		}
	})
}

type failer interface {
	Errorf(format string, args ...any)
}

func agree(t failer, b *bundle.Bundle, want oracle, name wire.Name) {
	ids := match(t, b, name, nil)
	var got []string
	for i, id := range ids {
		entry, _ := b.Entry(id)
		got = append(got, fmt.Sprintf("%s %s %s:%d", entry.List, entry.Scope, entry.Name, entry.Line))
		if i > 0 && !inOrder(b, ids[i-1], id) {
			t.Errorf("%s: id %d before id %d", name, ids[i-1], id)
		}
	}
	slices.Sort(got)
	if expected := want.covering(name); !slices.Equal(got, expected) {
		t.Errorf("%s:\n got %q\nwant %q", name, got, expected)
	}
}

// inOrder is the order that Match promises.
func inOrder(b *bundle.Bundle, first, second uint32) bool {
	x, _ := b.Entry(first)
	y, _ := b.Entry(second)
	switch {
	case x.Name != y.Name:
		return len(x.Name) > len(y.Name)
	case (x.Scope == blocklists.Exact) != (y.Scope == blocklists.Exact):
		return x.Scope == blocklists.Exact
	}
	return b.ListIndex(first) <= b.ListIndex(second)
}

func FuzzMatch(f *testing.F) {
	lines := []string{"a.x", "*.a.x", "b.a.x", "*.x", "c.x", "_d.x", "*.e.d.c.b.a.x"}
	h, want := newHouse(f), make(oracle)
	b, _ := h.compile(nil, nil, h.write("one", "wildcard", blocklists.Exact, strings.Join(lines, "\n")),
		h.write("two", "wildcard", blocklists.Subtree, strings.Join(lines, "\n")))
	want.list("one", blocklists.Exact, lines)
	want.list("two", blocklists.Subtree, lines)
	for _, seed := range []string{"", "\x00", "\x01a\x01x\x00", "\x01b\x01a\x01x\x00", "\x01q\x01a\x01x\x00", "\x01a\x01x", "\xff", "\x02a"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		name := wire.Name(octets)
		ids := match(t, b, name, nil)
		again, err := wire.ParseName(name.String())
		if err == nil && again == name { // well formed
			agree(t, b, want, name)
			return
		}
		for _, id := range ids {
			if _, found := b.Entry(id); !found {
				t.Errorf("%q: id %d is none", name, id)
			}
		}
	})
}
