package guard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

func (h *house) compileWith(g *guard.Guard, previous *bundle.Bundle, manifests ...*blocklists.Manifest) (*bundle.Bundle, []bundle.ListReport) {
	h.t.Helper()
	catalog, err := blocklists.NewCatalog(manifests)
	if err != nil {
		h.t.Fatal(err)
	}
	b, reports, err := bundle.Compile(context.Background(), catalog, nil, h.store, previous, g, time.Now(), quiet)
	if err != nil {
		h.t.Fatal(err)
	}
	return b, reports
}

// numbered is a list of names from one number up to before another.
func numbered(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "n%d.example\n", i)
	}
	return text.String()
}

func limits(growth, shrink float64) blocklists.Limits {
	return blocklists.Limits{Growth: blocklists.Limit{Percent: growth}, Shrink: blocklists.Limit{Percent: shrink}}
}

func held(b *bundle.Bundle) (count int) {
	for _, entry := range b.All() {
		if entry.Standing == blocklists.Held {
			count++
		}
	}
	return count
}

func TestGrowthHoldsWhatIsNewAndNotWhatGoes(t *testing.T) {
	h := newHouse(t)
	g := guard.New(guard.Config{Limits: limits(20, 20)})
	first, _ := h.compileWith(g, bundle.Empty(), h.list("list", blocklists.Exact, numbered(0, 100)))
	if held(first) != 0 {
		t.Fatal("the first reading of a list has nothing to grow from")
	}
	grown := h.list("list", blocklists.Exact, numbered(5, 150)+numbered(140, 150))
	next, reports := h.compileWith(g, first, grown)
	if held(next) != 50 || next.Len() != 145 || !strings.HasPrefix(reports[0].Because, "growth: 50 entries are new, where 100 are in force") || reports[0].Count != 145 {
		t.Fatalf("held %d of %d, %q, count %d", held(next), next.Len(), reports[0].Because, reports[0].Count)
	}
	again, reports := h.compileWith(g, next, grown)
	if held(again) != 50 {
		t.Errorf("what is held came free by itself: %d, %q", held(again), reports[0].Because)
	}

	hold := blocklists.Hold{List: "list", Purpose: blocklists.Security, Safeguard: blocklists.Growth, Count: reports[0].Count,
		Releases: []blocklists.Release{{By: "Ada"}, {By: "Bo"}}}
	released := guard.New(guard.Config{Limits: limits(20, 20), Ledger: guard.NewLedger(guard.Records{Holds: []blocklists.Hold{hold}}, time.Now())})
	if free, _ := h.compileWith(released, again, grown); held(free) != 0 {
		t.Errorf("released, and still held: %d", held(free))
	}
	if more, _ := h.compileWith(released, again, h.list("list", blocklists.Exact, numbered(5, 1000))); held(more) == 0 {
		t.Error("a release of 150 entries let 1000 go")
	}
}

func TestGrowthWithinTheLimit(t *testing.T) {
	h := newHouse(t)
	g := guard.New(guard.Config{Limits: limits(20, 20)})
	first, _ := h.compileWith(g, bundle.Empty(), h.list("list", blocklists.Exact, numbered(0, 100)))
	if next, _ := h.compileWith(g, first, h.list("list", blocklists.Exact, numbered(0, 120))); held(next) != 0 {
		t.Error("a fifth was held")
	}
	few, _ := h.compileWith(g, bundle.Empty(), h.list("few", blocklists.Exact, numbered(0, 2)))
	if next, _ := h.compileWith(g, few, h.list("few", blocklists.Exact, numbered(0, 5))); held(next) != 0 {
		t.Error("three names more were held")
	}
	absolute := h.list("list", blocklists.Exact, numbered(0, 104))
	absolute.Limits.Growth = blocklists.Limit{Entries: 3}
	if next, _ := h.compileWith(g, first, absolute); held(next) != 4 {
		t.Errorf("the list's own limit was not asked: %d held", held(next))
	}
}

func TestShrinkKeepsTheListForAWhile(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name    string
		purpose blocklists.Purpose
		removal blocklists.Removal
		since   time.Time // of the hold; zero: there is none yet
		people  []string
		kept    bool
	}{
		{"at first", blocklists.Security, "", time.Time{}, nil, true},
		{"soon after", blocklists.Security, "", now.Add(-59 * time.Minute), nil, true},
		{"the same for an hour", blocklists.Security, "", now.Add(-time.Hour), nil, false},
		{"a household's list for a day", blocklists.User, "", now.Add(-24 * time.Hour), nil, true},
		{"a household's list with a person", blocklists.User, "", now, []string{"Ada"}, false},
		{"with one person", blocklists.Security, "", now, []string{"Ada"}, true},
		{"with two", blocklists.Security, "", now, []string{"Ada", "Bo"}, false},
		{"removal by date", blocklists.Security, blocklists.ByDate, time.Time{}, nil, false},
		{"removal by tombstone", blocklists.Security, blocklists.ByTombstone, time.Time{}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			manifest := func(text string) *blocklists.Manifest {
				made := h.list("list", blocklists.Exact, text)
				if made.Removal = test.removal; test.purpose == blocklists.User {
					made.Purpose, made.Category = blocklists.User, "games"
				}
				return made
			}
			hold := blocklists.Hold{List: "list", Purpose: test.purpose, Safeguard: blocklists.Shrink, Since: test.since}
			for _, by := range test.people {
				hold.Releases = append(hold.Releases, blocklists.Release{By: by})
			}
			var records guard.Records
			if !test.since.IsZero() {
				records.Holds = append(records.Holds, hold)
			}
			g := guard.New(guard.Config{Limits: limits(20, 20), Ledger: guard.NewLedger(records, now)})
			first, _ := h.compileWith(g, bundle.Empty(), manifest(numbered(0, 100)))
			next, reports := h.compileWith(g, first, manifest(numbered(0, 50)))
			want := 50
			if test.kept {
				want = 100
			}
			if next.Len() != want {
				t.Errorf("%d entries, want %d: %v", next.Len(), want, reports[0].Fetch.Err)
			}
			if test.kept && (reports[0].Fetch.State != fetch.Kept || !strings.Contains(reports[0].Fetch.Err.Error(), "50 of 100 entries are gone, the limit is 20%")) {
				t.Errorf("%s: %v", reports[0].Fetch.State, reports[0].Fetch.Err)
			}
		})
	}
}

func TestHeaderSerialAndCount(t *testing.T) {
	h := newHouse(t)
	list := func(text string) *blocklists.Manifest {
		made := h.list("list", blocklists.Exact, text)
		made.Header, made.Limits.Entries = "# Title: Phish", 5
		return made
	}
	plain := guard.New(guard.Config{})
	good := "# Title: Phish\n# Version: 2026.1125.0830.10\n" + numbered(0, 3)
	first, reports := h.compileWith(plain, bundle.Empty(), list(good))
	serial := reports[0].Serial
	if first.Len() != 3 || serial == 0 {
		t.Fatalf("%d entries, serial %d: %v", first.Len(), serial, reports[0].Fetch.Err)
	}
	g := guard.New(guard.Config{Ledger: guard.NewLedger(guard.Records{Lists: []blocklists.ListState{{List: "list", Serial: serial}}}, time.Now())})
	for _, test := range []struct{ name, text, says string }{
		{"another header", "# Title: Ads\n" + numbered(0, 3), "its header is another"},
		{"an older edition", "# Title: Phish\n# Version: 2026.1125.0830.9\n" + numbered(0, 3), "its serial went back"},
		{"the same edition", good, ""},
		{"no serial any more", "# Title: Phish\n" + numbered(0, 3), ""},
		{"a web page", "<!doctype html>\n" + numbered(0, 3), "a web page"},
		{"nothing", "# Title: Phish\n", "no entries"},
		{"too many", "# Title: Phish\n" + numbered(0, 6), "more entries than the list may have"},
	} {
		_, reports := h.compileWith(g, first, list(test.text))
		err := reports[0].Fetch.Err
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", test.name, err, test.says)
		}
		if reports[0].Fetch.State == fetch.Missing {
			t.Errorf("%s: the last good one is gone", test.name)
		}
	}
}
