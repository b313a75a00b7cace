package guard_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func protected(t testing.TB, texts ...string) []guard.Protected {
	t.Helper()
	var all []guard.Protected
	for _, text := range texts {
		one, err := guard.ParseProtected(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func ranks(t testing.TB, text string) *guard.Ranks {
	t.Helper()
	made, err := guard.ReadRanks(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func manifest(purpose blocklists.Purpose) *blocklists.Manifest {
	return &blocklists.Manifest{ID: "list", Purpose: purpose}
}

func rowOf(name string, scope blocklists.Scope) *parse.Row {
	return &parse.Row{Name: []byte(wire.MustName(name)), Scope: scope}
}

func testGuard(t testing.TB) *guard.Guard {
	return guard.New(guard.Config{
		Protected: protected(t, "isp.example", "=alone.example", ".deep.github.io", "203.0.113.7", "isp.github.io"),
		Popular:   ranks(t, "search.example\nshop.example\nnews.co.uk\nrare.example\n"), HoldAbove: 3,
	})
}

func TestSafeguardsOfEntries(t *testing.T) {
	const (
		exact, subtree, below = blocklists.Exact, blocklists.Subtree, blocklists.Below
		law, security, user   = blocklists.Law, blocklists.Security, blocklists.User
	)
	g := testGuard(t)
	for _, test := range []struct {
		name    string
		scope   blocklists.Scope
		purpose blocklists.Purpose
		held    bool
		says    string // part of the reason; empty: none is given
	}{
		// What is protected, what lies below it, and what above it would cover it.
		{"isp.example", exact, law, true, "protected-name isp.example: protected itself"},
		{"isp.example", below, user, true, "protected-name isp.example"},
		{"www.isp.example", exact, security, true, "protected-name isp.example: the entry lies below it"},
		{"a.b.isp.example", subtree, security, true, "protected-name isp.example"},
		{"xisp.example", subtree, security, false, ""},
		{"alone.example", exact, security, true, "protected-name alone.example"},
		{"alone.example", below, security, false, ""},
		{"tenant.alone.example", subtree, security, false, ""},
		{"time.apple.com", exact, security, true, "protected-name time.apple.com"},
		{"apple.com", subtree, security, true, "lies below the entry"},
		{"apple.com", exact, security, false, ""},
		// Protection ends where other owners begin, but for names that say otherwise.
		{"isp.github.io", subtree, security, true, "protected-name isp.github.io"},
		{"x.isp.github.io", exact, security, true, "protected-name isp.github.io"},
		{"x.deep.github.io", exact, security, true, "protected-name deep.github.io"},
		{"tenant.github.io", subtree, security, false, ""},
		{"d111.cloudfront.net", subtree, security, false, ""},
		{"cloudfront.net", exact, security, true, "protected-name cloudfront.net"},
		{"town.gov.uk", exact, security, true, "protected-name gov.uk"},
		{".", exact, law, true, "protected-name .: protected itself"},
		// Public suffixes, of registries and of hosting services.
		{"co.uk", subtree, user, true, "public-suffix co.uk: a public suffix"},
		{"co.uk", below, security, true, "public-suffix co.uk"},
		{"co.uk", exact, security, false, ""},
		{"github.io", below, law, true, "of a hosting service"},
		{"github.io", exact, security, false, ""},
		{"storage.yandexcloud.net", subtree, security, true, "public-suffix storage.yandexcloud.net"},
		{"zip", below, security, true, "a whole top-level domain"},
		{"nosuchtld", subtree, security, true, "a whole top-level domain"},
		{"ck", below, security, true, "a whole top-level domain"},
		{"anything.ck", subtree, security, true, "public-suffix anything.ck"},
		{"compute.amazonaws.com", below, security, true, "public-suffix compute.amazonaws.com"},
		// Popular names, by rank and purpose.
		{"search.example", exact, security, true, "popular-name search.example, rank 1"},
		{"shop.example", subtree, security, true, "popular-name shop.example, rank 2"},
		{"www.shop.example", exact, security, true, "popular-name shop.example, rank 2"},
		{"evil.shop.example", subtree, security, false, ""},
		{"shop.example", below, security, false, ""},
		{"rare.example", exact, security, false, "popular-name rare.example, rank 4"},
		{"shop.example", exact, user, false, "popular-name shop.example, rank 2"},
		{"shop.example", exact, law, false, "popular-name shop.example, rank 2"},
		{"example", subtree, user, true, "public-suffix example"},
	} {
		row := rowOf(test.name, test.scope)
		standing, because := g.Inspect(manifest(test.purpose), row, false)
		if held := standing == blocklists.Held; held != test.held || !strings.Contains(because, test.says) || (test.says == "") != (because == "") {
			t.Errorf("%s %s (%s): %s, %q; want held %t, %q", test.scope, test.name, test.purpose, standing, because, test.held, test.says)
		}
	}
}

func TestSafeguardsOfAddresses(t *testing.T) {
	g := testGuard(t)
	for _, test := range []struct{ prefix, says string }{
		{"198.51.100.0/24", ""},
		{"198.51.100.9/32", ""},
		{"198.51.100.0/23", "wide-prefix: 198.51.100.0/23 is shorter than /24"},
		{"0.0.0.0/0", "wide-prefix"},
		{"2001:db8::/48", ""},
		{"2001:db8::/47", "wide-prefix: 2001:db8::/47 is shorter than /48"},
		{"104.16.1.1/32", "shared-addresses: 104.16.1.1/32 lies in 104.16.0.0/13"},
		{"10.1.2.0/24", "shared-addresses"},
		{"100.64.7.0/24", "shared-addresses"},
		{"2606:4700::1/128", "shared-addresses"},
		{"203.0.113.7/32", "shared-addresses: 203.0.113.7/32 lies in 203.0.113.7/32, protected by the operator"},
		{"203.0.113.0/24", "shared-addresses: 203.0.113.0/24 has 203.0.113.7/32 in it"},
	} {
		row := &parse.Row{Trigger: blocklists.OnAddress, Prefix: netip.MustParsePrefix(test.prefix)}
		standing, because := g.Inspect(manifest(blocklists.Law), row, false)
		if (standing == blocklists.Held) != (test.says != "") || !strings.HasPrefix(because, test.says) {
			t.Errorf("%s: %s, %q; want %q", test.prefix, standing, because, test.says)
		}
	}
}

func TestWhatLetsThroughIsNeverHeld(t *testing.T) {
	row := rowOf("isp.example", blocklists.Subtree)
	row.Action = blocklists.Passthru
	list := manifest(blocklists.Security)
	list.Stage = blocklists.Stage{Share: 100, For: time.Hour}
	if standing, because := testGuard(t).Inspect(list, row, false); standing != blocklists.Active || because != "" {
		t.Errorf("a passthru is %s: %q", standing, because)
	}
}

func TestLawInForceStaysUntilPeopleLiftIt(t *testing.T) {
	g := testGuard(t)
	row := rowOf("isp.example", blocklists.Exact)
	if standing, because := g.Inspect(manifest(blocklists.Law), row, true); standing != blocklists.Active || !strings.Contains(because, "in force before") {
		t.Errorf("law: %s, %q", standing, because)
	}
	if standing, _ := g.Inspect(manifest(blocklists.Security), row, true); standing != blocklists.Held {
		t.Errorf("security: %s; a name that is protected from now on is held from now on", standing)
	}
}

func TestAnOrderWhoseTimeRunsOut(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		then  string
		since time.Duration
		want  blocklists.Standing
	}{{"enforce", 29 * time.Minute, blocklists.Held}, {"enforce", 30 * time.Minute, blocklists.Active}, {"hold", 24 * time.Hour, blocklists.Held}} {
		hold := release(blocklists.Law, "isp.example", blocklists.Exact)
		hold.Since = now.Add(-test.since)
		list := manifest(blocklists.Law)
		list.EnforceWithin, list.AtEnforceBy = 30*time.Minute, test.then
		g := testGuard(t).With(guard.NewLedger(guard.Records{Holds: []blocklists.Hold{hold}}, now))
		if got, because := g.Inspect(list, rowOf("isp.example", blocklists.Exact), false); got != test.want {
			t.Errorf("%s after %v: %s, %q", test.then, test.since, got, because)
		}
	}
}

func TestOffLetsEverythingThrough(t *testing.T) {
	g := guard.New(guard.Config{Off: true})
	if standing, because := g.Inspect(manifest(blocklists.Security), rowOf("com", blocklists.Subtree), false); standing != blocklists.Active || because != "" {
		t.Errorf("%s, %q", standing, because)
	}
}

func TestStandingOfShadowAndStage(t *testing.T) {
	g := testGuard(t)
	shadow := manifest(blocklists.Security)
	shadow.Shadow = true
	staged := manifest(blocklists.Security)
	staged.Stage = blocklists.Stage{Share: 1000, For: time.Hour}
	for _, test := range []struct {
		list  *blocklists.Manifest
		name  string
		known bool
		want  blocklists.Standing
	}{
		{shadow, "x.example", false, blocklists.Shadow}, {shadow, "x.example", true, blocklists.Shadow}, {shadow, "isp.example", false, blocklists.Held},
		{staged, "x.example", false, blocklists.Staged}, {staged, "x.example", true, blocklists.Active}, {staged, "isp.example", false, blocklists.Held},
	} {
		if got, _ := g.Inspect(test.list, rowOf(test.name, blocklists.Exact), test.known); got != test.want {
			t.Errorf("%s, known %t, shadow %t: %s, want %s", test.name, test.known, test.list.Shadow, got, test.want)
		}
	}
}

// release is a hold of the list on a name that people let go.
func release(purpose blocklists.Purpose, name string, scope blocklists.Scope, people ...string) blocklists.Hold {
	hold := blocklists.Hold{List: "list", Purpose: purpose, Safeguard: blocklists.ProtectedName,
		Subject: blocklists.Subject{Name: wire.MustName(name), Scope: scope}}
	for _, by := range people {
		hold.Releases = append(hold.Releases, blocklists.Release{By: by, At: time.Now()})
	}
	return hold
}

func TestReleases(t *testing.T) {
	for _, test := range []struct {
		purpose blocklists.Purpose
		people  []string
		want    blocklists.Standing
	}{
		{blocklists.Security, nil, blocklists.Held},
		{blocklists.Security, []string{"Ada"}, blocklists.Held},
		{blocklists.Security, []string{"Ada", " ada"}, blocklists.Held},
		{blocklists.Security, []string{"Ada", "Bo"}, blocklists.Active},
		{blocklists.Law, []string{"Ada"}, blocklists.Held},
		{blocklists.Law, []string{"Ada", "Bo"}, blocklists.Active},
		{blocklists.User, []string{"Ada"}, blocklists.Active},
	} {
		ledger := guard.NewLedger(guard.Records{Holds: []blocklists.Hold{release(test.purpose, "isp.example", blocklists.Exact, test.people...)}}, time.Now())
		g := guard.New(guard.Config{Protected: protected(t, "isp.example"), Ledger: ledger})
		got, because := g.Inspect(manifest(test.purpose), rowOf("isp.example", blocklists.Exact), false)
		if got != test.want || got == blocklists.Active && !strings.Contains(because, "released by Ada") {
			t.Errorf("%s released by %q: %s, %q", test.purpose, test.people, got, because)
		}
		if got, _ := g.Inspect(manifest(test.purpose), rowOf("isp.example", blocklists.Subtree), false); got != blocklists.Held {
			t.Errorf("%s: the release of one scope let another go", test.purpose)
		}
	}
}

func TestLedgerFile(t *testing.T) {
	at := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	holds := []blocklists.Hold{release(blocklists.Security, "x.example", blocklists.Below, "Ada", "Bo"),
		{List: "list", Purpose: blocklists.Law, Safeguard: blocklists.WidePrefix, Since: at,
			Subject: blocklists.Subject{Trigger: blocklists.OnAddress, Prefix: netip.MustParsePrefix("192.0.0.0/16")}}}
	want := guard.NewLedger(guard.Records{Holds: holds, Lists: []blocklists.ListState{{List: "list", Serial: 7, Pinned: at, PinnedBy: "Ada"}},
		Confirmations: []blocklists.Confirmation{{List: "list", Name: wire.MustName("y.example"), By: "Bo", At: at}}}, at)
	var file strings.Builder
	if err := want.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := guard.ReadLedger(strings.NewReader(file.String()), at)
	if err != nil {
		t.Fatal(err)
	}
	if hold := got.Of("list", holds[0].Subject); hold == nil || !hold.Released() {
		t.Errorf("the release is lost: %+v", hold)
	}
	if hold := got.Of("list", holds[1].Subject); hold == nil || hold.Released() || !hold.Since.Equal(at) {
		t.Errorf("the hold is lost: %+v", hold)
	}
	if state := got.List("list"); state.Serial != 7 || !state.Pinned.Equal(at) || got.Confirmed("list", wire.MustName("y.example")) != uint32(at.Unix()) || got.Confirmed("list", wire.MustName("z.example")) != 0 {
		t.Errorf("state %+v", state)
	}
	for _, bad := range []string{"", "{", `{"version":2}`, `{"version":1,"holds":[{"name":"a..b","scope":"exact","purpose":"law"}]}`, `{"version":1,"holds":[{"prefix":"x","scope":"exact","purpose":"law"}]}`} {
		if _, err := guard.ReadLedger(strings.NewReader(bad), at); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestEveryBuiltInLineIsRead(t *testing.T) {
	if bad := guard.UnreadableBuiltin(); len(bad) > 0 {
		t.Errorf("not read: %q", bad)
	}
}

func TestReadRanks(t *testing.T) {
	list := guard.Config{HoldAbove: 2}
	for _, test := range []struct {
		name, text string
		sorted     bool
		skipped    int
	}{
		{"plain", "b.example\na.example\n# comment\n*.pattern.example\n\nc.example\n", false, 1},
		{"csv", "1,b.example\r\n2,a.example\r\n4,c.example\r\n", false, 0},
		{"csv with a heading", "rank,domain,score\n1,b.example,9\n2,\"a.example\",8\n4,c.example,7\n", false, 0},
		{"misp", `{"list":["b.example","a.example",".","c.example"],"name":"x"}`, false, 1},
		{"sorted", "0.example\na.example\nb.example\nc.example\n", true, 0},
	} {
		made, err := guard.ReadRanks(strings.NewReader(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if made.Sorted != test.sorted || made.Skipped != test.skipped {
			t.Errorf("%s: sorted %t, skipped %d", test.name, made.Sorted, made.Skipped)
		}
		list.Popular = made
		g := guard.New(list)
		a, _ := g.Inspect(manifest(blocklists.Security), rowOf("a.example", blocklists.Exact), false)
		c, because := g.Inspect(manifest(blocklists.Security), rowOf("c.example", blocklists.Exact), false)
		if a != blocklists.Held || c != blocklists.Active || !strings.Contains(because, "rank ") {
			t.Errorf("%s: %s, %s, %q", test.name, a, c, because)
		}
	}
	for _, bad := range []string{"", "\n", "<html>", `{"list":[]}`, `{"list":`, "one two\n"} {
		if _, err := guard.ReadRanks(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// The library of the public suffix list keeps hold of the text that it is asked for, so
// that asking it, for entries that cover what is below them, costs two small allocations.
func TestInspectingAllocatesNextToNothing(t *testing.T) {
	g, list := testGuard(t), manifest(blocklists.Security)
	for _, test := range []struct {
		row  *parse.Row
		most float64
	}{
		{rowOf("some-phishing-site-with-a-rather-long-name.example.co.uk", blocklists.Exact), 0},
		{rowOf("phish.duckdns.org", blocklists.Subtree), 2}, {rowOf("a.b.c.example.com", blocklists.Below), 2},
	} {
		if count := testing.AllocsPerRun(100, func() {
			if standing, because := g.Inspect(list, test.row, false); standing != blocklists.Active || because != "" {
				t.Fatal(standing, because)
			}
		}); count > test.most {
			t.Errorf("%s: %v allocations", wire.Name(test.row.Name), count)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	g := guard.New(guard.Config{Popular: generated(100_000), HoldAbove: 10_000})
	for _, scope := range []blocklists.Scope{blocklists.Exact, blocklists.Subtree} {
		b.Run(scope.String(), func(b *testing.B) {
			var rows []*parse.Row
			for i := range 100_000 {
				rows = append(rows, rowOf(nameOf(1_000_000+i*7), scope))
			}
			list, i, started := manifest(blocklists.Security), 0, cpu(b)
			b.ReportAllocs()
			for b.Loop() {
				g.Inspect(list, rows[i], true)
				if i++; i == len(rows) {
					i = 0
				}
			}
			b.ReportMetric(float64(cpu(b)-started)/float64(b.N), "cpu-ns/op") // what other processes take is not in it
		})
	}
}

func cpu(b *testing.B) int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func nameOf(i int) string {
	tlds := []string{"com", "net", "org", "de", "co.uk", "xyz", "top", "github.io"}
	label := make([]byte, 0, 12)
	for x := uint64(i)*2654435761 + 12345; len(label) < 6+i%7; x = x*6364136223846793005 + 1 {
		label = append(label, 'a'+byte(x>>40%26))
	}
	return string(label) + "." + tlds[i%len(tlds)]
}

func generated(n int) *guard.Ranks {
	var text strings.Builder
	for i := range n {
		text.WriteString(nameOf(i) + "\n")
	}
	made, err := guard.ReadRanks(strings.NewReader(text.String()))
	if err != nil {
		panic(err)
	}
	return made
}

func TestPlanWithHoldsAndConflicts(t *testing.T) {
	h := newHouse(t)
	list := h.list("phish", blocklists.Subtree, "co.uk\nsearch.example\nx.example\nrare.example\nbwin.example\n")
	games := h.list("games", blocklists.Exact, "bwin.example\nshop.example\n")
	games.Purpose, games.Category = blocklists.User, "gambling"
	g := guard.New(guard.Config{Popular: ranks(t, "search.example\nshop.example\nrare.example\n"), HoldAbove: 2,
		Licences: []guard.Licence{{Title: "ANJ", Names: ranks(t, "bwin.example\nother.example\n")}}})
	next, reports := h.compileWith(g, bundle.Empty(), list, games)
	plan := guard.Compare(bundle.Empty(), next, reports, g)

	if plan.Block != 5 || plan.Held != 2 || plan.Popular != 2 {
		t.Errorf("counts %+v", plan.Counts)
	}
	var held []string
	for _, name := range plan.Lists[0].HeldNames {
		held = append(held, name.Name+" "+string(name.Safeguard))
	}
	if !slices.Equal(held, []string{"co.uk public-suffix", "search.example popular-name"}) {
		t.Errorf("held %q", held)
	}
	if len(plan.TopHits) != 3 || plan.TopHits[0].Popular != "search.example" || !plan.TopHits[0].Held || plan.TopHits[1].List != "games" || plan.TopHits[1].Held {
		t.Errorf("top hits %+v", plan.TopHits)
	}
	if plan.ConflictCount != 2 || plan.Conflicts[0].Name != "bwin.example" || plan.Conflicts[0].Allowed != "ANJ" || plan.Conflicts[0].List == plan.Conflicts[1].List {
		t.Errorf("conflicts %+v", plan.Conflicts)
	}
	if len(plan.Overlaps) != 1 || plan.Overlaps[0].Entries != 1 || plan.Overlaps[0].Lists != [2]blocklists.ListID{"phish", "games"} {
		t.Errorf("overlaps %+v", plan.Overlaps)
	}
	again, reports := h.compileWith(g, next, list, games)
	if plan := guard.Compare(next, again, reports, g); plan.Block != 0 || plan.Unblock != 0 || plan.Unchanged != 5 || plan.Held != 2 {
		t.Errorf("the same again: %+v", plan.Counts)
	}
}
