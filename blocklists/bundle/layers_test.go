package bundle_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// folderOf is the folder of a house's bundles.
func (h *house) folder() *bundle.Folder {
	return &bundle.Folder{Dir: filepath.Join(h.state, "bundles")}
}

// next writes the generation after previous, in which the lists named have moved, and opens it.
func (h *house) next(previous *bundle.Bundle, moved []string, own []bundle.Own, manifests ...*blocklists.Manifest) *bundle.Bundle {
	h.t.Helper()
	b, err := h.tryNext(previous, moved, own, manifests...)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

func (h *house) tryNext(previous *bundle.Bundle, moved []string, own []bundle.Own, manifests ...*blocklists.Manifest) (*bundle.Bundle, error) {
	catalog, err := blocklists.NewCatalog(manifests)
	if err != nil {
		return nil, err
	}
	input := bundle.Input{
		Catalog: catalog, Own: own, Store: h.store, Previous: previous, Now: h.now, Log: slog.New(slog.DiscardHandler),
		Unmoved: func(m *blocklists.Manifest) bool { return !strings.Contains(strings.Join(moved, " "), string(m.ID)) },
	}
	generation, _, err := h.folder().Write(context.Background(), &input)
	if err != nil {
		return nil, err
	}
	return h.folder().Open(generation, 0, catalog, own)
}

func (h *house) files() int {
	files, err := filepath.Glob(filepath.Join(h.folder().Dir, "*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return len(files)
}

// size is of the newest file.
func (h *house) size() int64 {
	files, err := filepath.Glob(filepath.Join(h.folder().Dir, "generation-*"))
	if err != nil || len(files) == 0 {
		h.t.Fatal(files, err)
	}
	info, err := os.Stat(files[len(files)-1])
	if err != nil {
		h.t.Fatal(err)
	}
	return info.Size()
}

func lines(format string, count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, format+"\n", i)
	}
	return text.String()
}

func TestAChangedListLiesOnTheOthers(t *testing.T) {
	h := newHouse(t)
	large := h.write("large", "domains", blocklists.Subtree, lines("a%d.example", 50000)+"both.example\n")
	small := h.write("small", "domains", blocklists.Exact, "both.example\nold.example\n")
	first := h.next(nil, nil, nil, small, large)
	whole := h.size()
	h.write("small", "domains", blocklists.Exact, "new.example\nboth.example\n")
	second := h.next(first, []string{"small"}, nil, small, large)
	if layered := h.size(); layered*4 > whole {
		t.Errorf("a file of %d octets for two names on one of %d", layered, whole)
	}
	wantMatches(t, second, "both.example", "small exact both.example:2", "large subtree both.example:50001")
	wantMatches(t, second, "new.example", "small exact new.example:1")
	wantMatches(t, second, "old.example")
	wantMatches(t, second, "x.a7.example", "large subtree a7.example:8")
	wantMatches(t, first, "old.example", "small exact old.example:2")
	if second.Len() != 50003 || second.Lists()[0].Entries != 2 || second.Lists()[1].Entries != 50001 || second.Generation() != 2 {
		t.Errorf("%d entries, lists %+v", second.Len(), second.Lists())
	}
	agreeWithItself(t, second, 50003)
}

// agreeWithItself holds All, Entry, Find and Match against each other.
func agreeWithItself(t *testing.T, b *bundle.Bundle, want int) {
	t.Helper()
	count := 0
	for id, entry := range b.All() {
		count++
		if again, ok := b.Entry(id); !ok || again != entry {
			t.Errorf("entry %d: %+v, in all %+v", id, again, entry)
		}
		if entry.Trigger == blocklists.OnName {
			if found, ok := b.Find(entry.List, entry.Name, entry.Scope); !ok || found != id {
				t.Errorf("find %+v: %d, %v", entry, found, ok)
			}
		}
	}
	if err := b.Err(); err != nil || count != want {
		t.Errorf("%d entries, want %d, error %v", count, want, err)
	}
}

func TestFirstSeenIsCarriedThroughLayers(t *testing.T) {
	h := newHouse(t)
	large := h.write("large", "domains", blocklists.Subtree, lines("a%d.example", 1000))
	small := h.write("small", "domains", blocklists.Exact, "kept.example\n")
	b := h.next(nil, nil, nil, small, large)
	for i := range 9 { // more than there may be layers
		h.write("small", "domains", blocklists.Exact, fmt.Sprintf("n%d.example\nkept.example\n", i))
		h.now = h.now.Add(time.Hour)
		b = h.next(b, []string{"small"}, nil, small, large)
	}
	for name, want := range map[string]time.Time{"kept.example": start, "n8.example": h.now} {
		id, _ := b.Find("small", wire.MustName(name), blocklists.Exact)
		if entry, ok := b.Entry(id); !ok || !entry.FirstSeen.Equal(want) {
			t.Errorf("%s: first seen %s, want %s", name, entry.FirstSeen, want)
		}
	}
	if got := h.files(); got > bundle.DefaultKeep+5 {
		t.Errorf("%d files are left", got)
	}
	agreeWithItself(t, b, 1002)
}

func TestWithAddsAtOnce(t *testing.T) {
	h := newHouse(t)
	one := h.write("one", "domains", blocklists.Subtree, "a.example\n")
	two := h.write("two", "domains", blocklists.Exact, "b.example\n")
	b := h.next(nil, nil, nil, one, two)
	prefix := netip.MustParsePrefix("192.0.2.0/24")
	added, err := b.With(
		blocklists.Entry{List: "two", Name: wire.MustName("a.example"), Scope: blocklists.Exact, Order: "7/2026", Terms: blocklists.Terms{Until: 99}},
		blocklists.Entry{List: "one", Trigger: blocklists.OnAddress, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	wantMatches(t, added, "a.example", "two exact a.example:0", "one subtree a.example:1")
	wantMatches(t, b, "a.example", "one subtree a.example:1")
	if b.Has(blocklists.OnAddress) || !added.Has(blocklists.OnAddress) || added.Generation() != b.Generation()+1 || added.Len() != 4 {
		t.Errorf("generation %d, %d entries", added.Generation(), added.Len())
	}
	ids := match(t, added, wire.MustName("a.example"), nil)
	if entry, _ := added.Entry(ids[0]); entry.Order != "7/2026" || added.Terms(ids[0]).Until != 99 {
		t.Errorf("entry %+v", entry)
	}
	again, err := added.With(blocklists.Entry{List: "one", Name: wire.MustName("c.example"), Scope: blocklists.Subtree})
	if err != nil {
		t.Fatal(err)
	}
	wantMatches(t, again, "x.c.example", "one subtree c.example:0")
	wantMatches(t, again, "a.example", "two exact a.example:0", "one subtree a.example:1")
	// What is laid on top takes the place of what was laid there, and of nothing that was added.
	laid, err := again.Lay([]blocklists.Entry{{List: "one", Name: wire.MustName("d.example"), Scope: blocklists.Subtree}}, 0)
	if err == nil {
		laid, err = laid.Lay([]blocklists.Entry{{List: "one", Name: wire.MustName("e.example"), Scope: blocklists.Subtree}}, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantMatches(t, laid, "d.example")
	wantMatches(t, laid, "e.example", "one subtree e.example:0")
	wantMatches(t, laid, "x.c.example", "one subtree c.example:0")
	if _, err := b.With(blocklists.Entry{List: "none", Name: wire.Root}); err == nil {
		t.Error("a list that is not there")
	}
	// The next compile does not have them.
	wantMatches(t, h.next(again, nil, nil, one, two), "c.example")
}
