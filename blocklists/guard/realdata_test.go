package guard_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// realFile opens a file of real lists; where there are none, the test is left out.
func realFile(t *testing.T, path string) io.Reader {
	t.Helper()
	folder := os.Getenv("RECOURSE_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	file, err := os.Open(filepath.Join(folder, path))
	if os.IsNotExist(err) {
		t.Skip("the real lists are absent: set RECOURSE_DATA to their folder")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return file
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	return unpacked
}

// realRows reads RPZ owners, AdBlock hosts, hosts lines and bare names in the simplest
// way, that of a test which shares no code with what it tests.
func realRows(t *testing.T, path string, scope blocklists.Scope) []*parse.Row {
	t.Helper()
	var rows []*parse.Row
	lines := bufio.NewScanner(realFile(t, path))
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		scope := scope
		switch {
		case strings.HasPrefix(text, "||") && strings.HasSuffix(text, "^"):
			text, scope = text[2:len(text)-1], blocklists.Subtree
		case strings.Contains(text, " CNAME ."):
			text, _, _ = strings.Cut(text, " ")
			scope = blocklists.Exact
		case strings.HasPrefix(text, "0.0.0.0 "):
			text = strings.Fields(text)[1]
		}
		if rest, wild := strings.CutPrefix(text, "*."); wild {
			text, scope = rest, blocklists.Below
		}
		if text == "" || strings.ContainsAny(text, "#!;$@ \t/") {
			continue
		}
		if name, err := wire.ParseName(text); err == nil {
			rows = append(rows, &parse.Row{Name: []byte(name), Scope: scope})
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", path)
	}
	return rows
}

func realRanks(t *testing.T, path string) *guard.Ranks {
	t.Helper()
	made, err := guard.ReadRanks(realFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// heldIn inspects rows for security and gives what was held, with why.
func heldIn(g *guard.Guard, rows []*parse.Row) map[string]string {
	found := map[string]string{}
	for _, row := range rows {
		if standing, because := g.Inspect(manifest(blocklists.Security), row, false); standing == blocklists.Held {
			found[wire.Name(row.Name).String()] = because
		}
	}
	return found
}

func TestRealSuffixesAreHeld(t *testing.T) {
	g := guard.New(guard.Config{})
	for _, path := range []string{"hagezi/2026/rpz-dyndns.txt.gz", "hagezi/2026/rpz-spam-tlds.txt", "ut1/dynamic-dns/domains", "hagezi/2026/rpz-pro.mini.txt.gz", "hagezi/2022-light/adblock-light.txt.gz"} {
		rows := realRows(t, path, blocklists.Subtree)
		found, suffixes := heldIn(g, rows), 0
		for _, row := range rows {
			name := wire.Name(row.Name).String()
			suffix, _ := publicsuffix.PublicSuffix(name)
			if row.Scope != blocklists.Exact && suffix == name {
				if suffixes++; !strings.HasPrefix(found[name], "public-suffix ") && !strings.HasPrefix(found[name], "protected-name ") {
					t.Errorf("%s: %s (%s) is a suffix and not held: %q", path, name, row.Scope, found[name])
				}
			}
		}
		if suffixes == 0 {
			t.Errorf("%s has no suffix, so that nothing was shown", path)
		}
		t.Logf("measured: %s: %d rows, %d cover a suffix, %d held", path, len(rows), suffixes, len(found))
	}
	if found := heldIn(g, realRows(t, "hagezi/2022-light/adblock-light.txt.gz", blocklists.Exact)); found["storage.yandexcloud.net"] == "" {
		t.Error("storage.yandexcloud.net is not held")
	}
}

func TestRealPopularNamesAreHeld(t *testing.T) {
	g := guard.New(guard.Config{Popular: realRanks(t, "misp-warninglists/tranco10k.json.gz"), HoldAbove: 10_000})
	for path, want := range map[string][]string{
		"hagezi/2022-fake/hosts-fake.txt.gz":                       {"shutterstock.com"},
		"phishing-database/2023-01-phishing-domains-active.txt.gz": {"apple.co", "angelfire.com"},
	} {
		rows := realRows(t, path, blocklists.Exact)
		found := heldIn(g, rows)
		for _, name := range want {
			if !strings.HasPrefix(found[name], "popular-name "+name+", rank ") {
				t.Errorf("%s: %s is not held: %q", path, name, found[name])
			}
		}
		t.Logf("measured: %s: %d rows, %d held", path, len(rows), len(found))
	}
}

// TestNoRealNameBlocksItsParentOrSibling goes over every phishing list: a listed name below
// a suffix of shared hosting blocks neither the suffix nor another name below it, whatever
// scope the list is read with.
func TestNoRealNameBlocksItsParentOrSibling(t *testing.T) {
	h := newHouse(t)
	g := guard.New(guard.Config{})
	for _, path := range []string{"phishing-database/2023-01-phishing-domains-active.txt.gz", "malware-filter/2026/phishing-filter-rpz.conf.gz",
		"regulators/pl-cert/2023-01-domains.txt.gz", "hagezi/2026/domains-fake.txt.gz", "malware-filter/2026/urlhaus-filter-rpz.conf.gz"} {
		for _, scope := range []blocklists.Scope{blocklists.Exact, blocklists.Subtree, blocklists.Below} {
			rows := realRows(t, path, scope)
			var text strings.Builder
			listed := map[wire.Name]bool{}
			for _, row := range rows {
				if name := wire.Name(row.Name); name.Labels() > 1 {
					listed[name] = true
					text.WriteString(name.String() + "\n")
				}
			}
			made, _ := h.compileWith(g, bundle.Empty(), h.list("list", scope, text.String()))
			checked := 0
			for name := range listed {
				suffix, icann := publicsuffix.PublicSuffix(name.String())
				if icann || suffix == name.String() || !strings.Contains(suffix, ".") {
					continue
				}
				checked++
				sibling, err := wire.ParseName("a-sibling-that-nobody-lists." + suffix)
				if err != nil {
					t.Fatal(err)
				}
				mustPass(t, made, sibling)
				if parent := wire.MustName(suffix); !listed[parent] {
					mustPass(t, made, parent)
				}
			}
			if checked == 0 {
				t.Errorf("%s has no name below shared hosting, so that nothing was shown", path)
			}
			t.Logf("measured: %s (%s): %d of %d names lie below a suffix of shared hosting", path, scope, checked, len(listed))
		}
	}
}

// mustPass wants that nothing in force covers the name.
func mustPass(t *testing.T, in *bundle.Bundle, name wire.Name) {
	t.Helper()
	ids, err := in.Match(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if in.Terms(id).Standing != blocklists.Held {
			entry, _ := in.Entry(id)
			t.Errorf("%s is blocked by %s (%s), line %d", name, entry.Name, entry.Scope, entry.Line)
		}
	}
}

func TestRealConflicts(t *testing.T) {
	h := newHouse(t)
	g := guard.New(guard.Config{Licences: []guard.Licence{{Title: "ANJ", Jurisdiction: []string{"FR"}, Names: realRanks(t, "ut1/arjel/domains")}}})
	read := func(path string) string {
		octets, err := io.ReadAll(realFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(octets)
	}
	gambling := h.list("gambling", blocklists.Subtree, read("ut1/gambling/domains.gz"))
	gambling.Purpose, gambling.Category = blocklists.User, "gambling"
	estonian := h.list("emta", blocklists.Subtree, read("regulators/ee-emta/blocklist.txt"))
	next, reports := h.compileWith(g, bundle.Empty(), gambling, estonian)
	plan := guard.Compare(bundle.Empty(), next, reports, g)
	by := map[blocklists.ListID]int{}
	names := map[string]bool{}
	for _, conflict := range plan.Conflicts {
		by[conflict.List]++
		names[string(conflict.List)+" "+conflict.Name] = true
	}
	if plan.ConflictCount < 57+2 || !names["emta bwin.fr"] || !names["emta winamax.fr"] || plan.Overlaps[0].Entries == 0 {
		t.Errorf("%d conflicts, shown by list %v; overlaps %+v", plan.ConflictCount, by, plan.Overlaps)
	}
	t.Logf("measured: %d conflicts; %d entries that a user and a security list share", plan.ConflictCount, plan.Overlaps[0].Entries)
}
