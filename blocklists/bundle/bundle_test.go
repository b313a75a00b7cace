package bundle_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// house is a state folder and a folder of sources.
type house struct {
	t     testing.TB
	state string
	lists string
	store *fetch.Store
	now   time.Time
}

func newHouse(t testing.TB) *house {
	h := &house{t: t, state: t.TempDir(), lists: t.TempDir(), now: start}
	h.store = fetch.New(h.state, nil, slog.New(slog.DiscardHandler))
	return h
}

// write writes a source and gives a manifest for it.
func (h *house) write(id, format string, scope blocklists.Scope, text string) *blocklists.Manifest {
	h.t.Helper()
	path := filepath.Join(h.lists, id)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return &blocklists.Manifest{
		ID: blocklists.ListID(id), Purpose: blocklists.User, Category: "custom", Title: map[string]string{"en": id},
		Publisher: blocklists.Publisher{Name: "Example"}, ReviewEvery: time.Hour,
		Source: blocklists.Source{File: path}, Format: format, Scope: scope,
	}
}

func (h *house) compile(previous *bundle.Bundle, own []bundle.Own, manifests ...*blocklists.Manifest) (*bundle.Bundle, []bundle.ListReport) {
	h.t.Helper()
	return h.compileAt(start, previous, own, manifests...)
}

func (h *house) compileAt(now time.Time, previous *bundle.Bundle, own []bundle.Own, manifests ...*blocklists.Manifest) (*bundle.Bundle, []bundle.ListReport) {
	h.t.Helper()
	catalog, err := blocklists.NewCatalog(manifests)
	if err != nil {
		h.t.Fatal(err)
	}
	b, reports, err := bundle.Compile(context.Background(), catalog, own, h.store, previous, nil, now, slog.New(slog.DiscardHandler))
	if err != nil {
		h.t.Fatal(err)
	}
	return b, reports
}

func match(t failer, b *bundle.Bundle, name wire.Name, into []uint32) []uint32 {
	ids, err := b.Match(name, into)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return ids
}

// matches gives what covers a name as "list scope owner:line".
func matches(t testing.TB, b *bundle.Bundle, name string) []string {
	t.Helper()
	var found []string
	for _, id := range match(t, b, wire.MustName(name), nil) {
		entry, ok := b.Entry(id)
		if !ok {
			t.Fatalf("match gave id %d, which is none", id)
		}
		found = append(found, fmt.Sprintf("%s %s %s:%d", entry.List, entry.Scope, entry.Name, entry.Line))
	}
	return found
}

func wantMatches(t testing.TB, b *bundle.Bundle, name string, want ...string) {
	t.Helper()
	if got := matches(t, b, name); !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", name, got, want)
	}
}

func TestMatchOrderAndScopes(t *testing.T) {
	h := newHouse(t)
	b, _ := h.compile(nil, []bundle.Own{
		{Kind: bundle.ProfileDeny, Names: []wire.Name{wire.MustName("www.example.com")}},
		{Kind: bundle.OperatorException, Names: []wire.Name{wire.MustName("com")}},
	},
		h.write("wild", "wildcard", blocklists.Exact, "*.www.example.com\n*.example.com\nexample.com\n"),
		h.write("deep", "domains", blocklists.Subtree, "example.com\nwww.example.com\n"),
		h.write("flat", "domains", blocklists.Exact, "www.example.com\nexample.com\n"),
	)
	wantMatches(t, b, "www.example.com", "flat exact www.example.com:1", "deep subtree www.example.com:2",
		"profiles:deny subtree www.example.com:1", "wild below example.com:2", "deep subtree example.com:1", "operator:exceptions subtree com:1")
	wantMatches(t, b, "example.com", "wild exact example.com:3", "flat exact example.com:2", "deep subtree example.com:1", "operator:exceptions subtree com:1")
	wantMatches(t, b, "a.www.example.com", "wild below www.example.com:1", "deep subtree www.example.com:2", "profiles:deny subtree www.example.com:1",
		"wild below example.com:2", "deep subtree example.com:1", "operator:exceptions subtree com:1")
	wantMatches(t, b, "xexample.com", "operator:exceptions subtree com:1")
	wantMatches(t, b, "example.org")
	wantMatches(t, b, ".")
}

func TestAnOwnNameAtTheRootCoversEverything(t *testing.T) {
	b, _ := newHouse(t).compile(nil, []bundle.Own{{Kind: bundle.ProfileDeny, Names: []wire.Name{wire.Root}}})
	wantMatches(t, b, "a.example", "profiles:deny subtree .:1")
	wantMatches(t, b, ".", "profiles:deny subtree .:1")
}

func TestListsAndProvenance(t *testing.T) {
	h := newHouse(t)
	manifest := h.write("ads", "domains", blocklists.Exact, "# c\na.example\n\nb.example\n")
	b, reports := h.compile(nil, []bundle.Own{{Kind: bundle.ProfileAllow, Names: []wire.Name{wire.MustName("b.example")}}}, manifest)
	if lists := b.Lists(); len(lists) != 2 || lists[0].Manifest != manifest || lists[0].Entries != 2 || lists[0].Kind != bundle.Feed ||
		lists[1].Kind != bundle.ProfileAllow || lists[1].Entries != 1 || lists[1].Manifest != nil {
		t.Errorf("lists: %+v", lists)
	}
	ids := match(t, b, wire.MustName("b.example"), nil)
	if len(ids) != 2 {
		t.Fatalf("ids: %v", ids)
	}
	entry, _ := b.Entry(ids[0])
	want := blocklists.Entry{List: "ads", Name: wire.MustName("b.example"), Scope: blocklists.Exact, Source: manifest.Source.File, Line: 4, FirstSeen: start}
	if entry != want || b.ListIndex(ids[0]) != 0 || b.ListOf(ids[0]) != &b.Lists()[0] {
		t.Errorf("entry: %+v", entry)
	}
	if own, _ := b.Entry(ids[1]); own.Source != "configuration" || !own.FirstSeen.IsZero() || own.List != "profiles:allow" {
		t.Errorf("own entry: %+v", own)
	}
	if len(reports) != 1 || reports[0].Parse.Entries != 2 || reports[0].Fetch.State != fetch.OK {
		t.Errorf("reports: %+v", reports)
	}
}

func TestIDsOutOfRange(t *testing.T) {
	h := newHouse(t)
	b, _ := h.compile(nil, nil, h.write("ads", "domains", blocklists.Exact, "a.example\n"))
	for _, id := range []uint32{1, 1 << 31, ^uint32(0)} {
		if entry, ok := b.Entry(id); ok || entry != (blocklists.Entry{}) {
			t.Errorf("entry %d: %+v", id, entry)
		}
		if b.ListOf(id) != nil || b.ListIndex(id) != -1 {
			t.Errorf("list of %d", id)
		}
	}
	if _, ok := b.Entry(0); !ok {
		t.Error("entry 0 is missing")
	}
}

func TestDuplicatesKeepTheFirstLine(t *testing.T) {
	h := newHouse(t)
	b, reports := h.compile(nil, nil,
		h.write("one", "wildcard", blocklists.Subtree, "a.example\nb.example\nA.example.\n*.a.example\n*.a.example\na.example\n"),
		h.write("two", "domains", blocklists.Subtree, "a.example\n"))
	wantMatches(t, b, "x.a.example", "one subtree a.example:1", "one below a.example:4", "two subtree a.example:1")
	if reports[0].Duplicates != 3 || reports[1].Duplicates != 0 || b.Len() != 4 || b.Lists()[0].Entries != 3 {
		t.Errorf("duplicates %d and %d of %d entries", reports[0].Duplicates, reports[1].Duplicates, b.Len())
	}
}

func TestAllAgreesWithEntryAndFind(t *testing.T) {
	h := newHouse(t)
	b, _ := h.compile(nil, nil, h.write("one", "domains", blocklists.Subtree, "b.example\na.example\nc.b.example\n"),
		h.write("two", "wildcard", blocklists.Exact, "a.example\n*.a.example\n"))
	count := uint32(0)
	for id, entry := range b.All() {
		if again, ok := b.Entry(id); !ok || again != entry || id != count {
			t.Errorf("entry %d: %+v, in all %+v", id, again, entry)
		}
		if found, ok := b.Find(entry.List, entry.Name, entry.Scope); !ok || found != id {
			t.Errorf("find %+v: %d, %v", entry, found, ok)
		}
		count++
	}
	if count != 5 || b.Len() != 5 {
		t.Errorf("%d entries, len %d", count, b.Len())
	}
	for range b.All() {
		break // must not go on
	}
	if _, ok := b.Find("one", wire.MustName("a.example"), blocklists.Exact); ok {
		t.Error("found a scope that is not there")
	}
	if _, ok := b.Find("one", wire.MustName("z.example"), blocklists.Exact); ok {
		t.Error("found a name that is not there")
	}
}

func TestEmpty(t *testing.T) {
	b := bundle.Empty()
	if b.Generation() != 0 || b.Len() != 0 || len(b.Lists()) != 0 || len(match(t, b, wire.MustName("a.example"), nil)) != 0 {
		t.Errorf("empty: generation %d, %d entries", b.Generation(), b.Len())
	}
	for id := range b.All() {
		t.Errorf("entry %d", id)
	}
	if _, found := b.Find("x", wire.Root, blocklists.Exact); found {
		t.Error("found something in nothing")
	}
}

func TestMatchAppendsAndBearsMalformedNames(t *testing.T) {
	h := newHouse(t)
	b, _ := h.compile(nil, nil, h.write("one", "domains", blocklists.Subtree, "a.example\n"))
	if got := match(t, b, wire.MustName("x.a.example"), []uint32{7}); !slices.Equal(got, []uint32{7, 0}) {
		t.Errorf("appended: %v", got)
	}
	for _, name := range []wire.Name{"", "\x05abc", "\xff", "\x00\x00", "\x01a", wire.Name(strings.Repeat("\x01a", 4000))} {
		if got := match(t, b, name, nil); len(got) != 0 {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestGenerationsFollowEachOther(t *testing.T) {
	h := newHouse(t)
	manifest := h.write("one", "domains", blocklists.Exact, "a.example\n")
	first, _ := h.compile(nil, nil, manifest)
	second, _ := h.compile(first, nil, manifest)
	if first.Generation() != 1 || second.Generation() != 2 {
		t.Errorf("generations %d and %d", first.Generation(), second.Generation())
	}
}

func TestFirstSeenSurvivesImport(t *testing.T) {
	h := newHouse(t)
	manifest := h.write("one", "domains", blocklists.Exact, "a.example\nb.example\n")
	before, _ := h.compileAt(start, nil, nil, manifest)
	h.write("one", "domains", blocklists.Exact, "c.example\nb.example\n")
	before, _ = h.compileAt(start.Add(time.Hour), before, nil, manifest)
	h.write("one", "domains", blocklists.Exact, "c.example\nb.example\na.example\n")
	b, _ := h.compileAt(start.Add(2*time.Hour), before, nil, manifest)
	for name, want := range map[string]time.Duration{"a.example": 2 * time.Hour, "b.example": 0, "c.example": time.Hour} {
		id, _ := b.Find("one", wire.MustName(name), blocklists.Exact)
		if entry, _ := b.Entry(id); !entry.FirstSeen.Equal(start.Add(want)) {
			t.Errorf("%s: first seen %s, want %s", name, entry.FirstSeen, start.Add(want))
		}
	}
}

func TestABadListDoesNotTouchTheOthers(t *testing.T) {
	h := newHouse(t)
	bad := h.write("bad", "domains", blocklists.Exact, strings.Repeat("x.example\n", 100)+strings.Repeat("no name\n", 90))
	gone := h.write("gone", "hosts", blocklists.Exact, "")
	if err := os.Remove(gone.Source.File); err != nil {
		t.Fatal(err)
	}
	later := h.write("later", "domains", blocklists.Exact, "")
	later.Source = blocklists.Source{URL: "https://lists.example/"}
	good := h.write("good", "domains", blocklists.Exact, "y.example\n")
	b, reports := h.compile(nil, nil, bad, gone, later, good)
	wantMatches(t, b, "x.example")
	wantMatches(t, b, "y.example", "good exact y.example:1")
	for i, want := range []fetch.State{fetch.Missing, fetch.Missing, fetch.Missing, fetch.OK} {
		if got := reports[i]; got.Fetch.State != want || (got.Fetch.Err == nil) != (want == fetch.OK) || got.List != b.Lists()[i].ID {
			t.Errorf("report %d: %+v", i, got)
		}
	}
	if b.Len() != 1 || b.Lists()[0].Entries != 0 {
		t.Errorf("%d entries, lists %+v", b.Len(), b.Lists())
	}
}

func TestTheLastGoodOneStays(t *testing.T) {
	for _, text := range []string{"", "<!doctype html>\n", strings.Repeat("no name\n", 50), "# nothing\n"} {
		h := newHouse(t)
		manifest := h.write("one", "domains", blocklists.Exact, "a.example\n")
		before, _ := h.compile(nil, nil, manifest)
		h.write("one", "domains", blocklists.Exact, text)
		h.store = fetch.New(h.state, nil, slog.New(slog.DiscardHandler))
		b, reports := h.compileAt(start.Add(time.Hour), before, nil, manifest)
		wantMatches(t, b, "a.example", "one exact a.example:1")
		if reports[0].Fetch.State != fetch.Kept || reports[0].Fetch.Err == nil || reports[0].Parse.Entries != 1 {
			t.Errorf("%q: %+v", text, reports[0])
		}
		if entry, _ := b.Entry(0); !entry.FirstSeen.Equal(start) {
			t.Errorf("first seen %s", entry.FirstSeen)
		}
	}
}

func TestWithoutACopyTheBundleBeforeIsTheLastGoodOne(t *testing.T) {
	h := newHouse(t)
	manifest := h.write("one", "domains", blocklists.Exact, "a.example\nb.example\n")
	other := h.write("two", "domains", blocklists.Exact, "a.example\n")
	before, _ := h.compile(nil, nil, manifest, other)
	h.write("one", "domains", blocklists.Exact, "<html>")
	h.store = fetch.New(t.TempDir(), nil, slog.New(slog.DiscardHandler)) // the copies are lost
	b, reports := h.compileAt(start.Add(time.Hour), before, nil, manifest, other)
	wantMatches(t, b, "a.example", "one exact a.example:1", "two exact a.example:1")
	if entry, _ := b.Entry(0); !entry.FirstSeen.Equal(start) {
		t.Errorf("first seen %s", entry.FirstSeen)
	}
	if reports[0].Fetch.State != fetch.Kept || reports[0].Parse.Entries != 2 || reports[0].Fetch.Err == nil {
		t.Errorf("report: %+v", reports[0])
	}
	changed := *manifest
	changed.Scope = blocklists.Subtree
	if b, reports := h.compile(before, nil, &changed); b.Len() != 0 || reports[0].Fetch.State != fetch.Missing {
		t.Errorf("a list that is read otherwise now was carried over: %+v", reports[0])
	}
}

func TestCompileEndsWithItsContext(t *testing.T) {
	h := newHouse(t)
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{h.write("one", "domains", blocklists.Exact, "a.example\n")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if b, _, err := bundle.Compile(ctx, catalog, nil, h.store, nil, nil, start, slog.New(slog.DiscardHandler)); err == nil || b != nil {
		t.Errorf("bundle %v, error %v", b, err)
	}
}
