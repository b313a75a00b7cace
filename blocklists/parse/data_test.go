package parse_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// dataFolder is where real lists are; "" where they are not.
func dataFolder() string {
	folder := os.Getenv("RECOURSE_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(folder); err != nil {
		return ""
	}
	return folder
}

// dataOptions are what a manifest would say of the tables among the real lists.
func dataOptions(path string) parse.Options {
	switch {
	case strings.HasPrefix(path, "regulators/cz-mf/seznam"):
		return parse.Options{Format: "csv", Encoding: "windows-1250", Columns: map[string]string{"name": "1", "listed": "2", "removed": "3"}}
	case strings.HasPrefix(path, "citizenlab/official"):
		return parse.Options{Format: "csv", Columns: map[string]string{"name": "url", "listed": "date_added"}}
	case strings.HasPrefix(path, "blackbook/blackbook"):
		return parse.Options{Format: "csv", Columns: map[string]string{"name": "Domain", "listed": "Date added"}}
	case strings.HasPrefix(path, "citizenlab/"):
		return parse.Options{Format: "csv", Columns: map[string]string{"name": "url"}}
	}
	return parse.Options{Format: "auto"}
}

// TestRealListsGiveTheirCounts holds each real list to the counts of a golden table, with
// its format told from its text. A list that is refused whole has the cause there.
func TestRealListsGiveTheirCounts(t *testing.T) {
	folder := dataFolder()
	golden, err := os.Open(filepath.Join("testdata", "counts.golden"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	for lines := bufio.NewScanner(golden); lines.Scan(); {
		path, want, _ := strings.Cut(lines.Text(), "\t")
		if strings.HasPrefix(path, "#") {
			continue
		}
		got, read := counts(t, folder, path)
		switch {
		case !read:
			t.Logf("%s is not here", path)
		case got != want:
			t.Errorf("%s:\n got %s\nwant %s", path, got, want)
		}
	}
}

func counts(t *testing.T, folder, path string) (text string, read bool) {
	t.Helper()
	if folder == "" {
		return "", false
	}
	file, err := os.Open(filepath.Join(folder, path))
	if err != nil {
		return "", false
	}
	defer file.Close()
	options := dataOptions(path)
	report, err := parse.List(options, file, func(parse.Row) error { return nil })
	if err != nil {
		for _, cause := range []error{parse.ErrEmpty, parse.ErrFormat, parse.ErrMarkup} {
			if errors.Is(err, cause) {
				return cause.Error(), true
			}
		}
		return err.Error(), true
	}
	format := report.Format
	if format == "" {
		format = options.Format
	}
	return fmt.Sprintf("%s\t%d\t%d\t%d", format, report.Entries, report.Removed, report.Refused), true
}

// coverage is what a list blocks, by scope.
type coverage struct {
	names [blocklists.Below + 1]map[wire.Name]bool
}

func (c *coverage) covers(name wire.Name) bool {
	if c.names[blocklists.Exact][name] || c.names[blocklists.Subtree][name] {
		return true
	}
	for parent := name.Parent(); parent != ""; parent = parent.Parent() {
		if c.names[blocklists.Subtree][parent] || c.names[blocklists.Below][parent] {
			return true
		}
	}
	return false
}

func cover(t *testing.T, folder string, form form) *coverage {
	t.Helper()
	file, err := os.Open(filepath.Join(folder, form.path))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	made := new(coverage)
	for scope := range made.names {
		made.names[scope] = make(map[wire.Name]bool)
	}
	if _, err := parse.List(parse.Options{Format: form.format, Scope: form.scope}, file, func(row parse.Row) error {
		made.names[row.Scope][wire.Name(row.Name)] = true
		return nil
	}); err != nil {
		t.Fatalf("%s: %v", form.path, err)
	}
	return made
}

// form is a list in one of its formats, with the scope that makes it mean the same.
type form struct {
	path, format string
	scope        blocklists.Scope
	// How many verdicts differ from those of the list's first form, on the names of
	// both and on a name below each of them.
	names, below int
}

// sameLists are lists that their publishers give in several formats.
var sameLists = map[string][]form{
	"hagezi/2022-fake": {
		{path: "domains-fake.txt.gz", format: "domains", scope: blocklists.Subtree},
		{path: "hosts-fake.txt.gz", format: "hosts", scope: blocklists.Subtree},
		{path: "adblock-fake.txt.gz", format: "adblock"},
		{path: "dnsmasq-fake.txt.gz", format: "dnsmasq"},
		{path: "unbound-fake.blacklist.conf.gz", format: "unbound"},
		{path: "wildcard-fake.txt.gz", format: "wildcard", names: 7355}, // `*.name` is not the name itself
	},
	"hagezi/2026": {
		{path: "domains-fake.txt.gz", format: "domains", scope: blocklists.Subtree},
		{path: "rpz-fake.txt.gz", format: "rpz"},
	},
	"blocklistproject/piracy": {
		{path: "domains-piracy-nl.txt", format: "domains", scope: blocklists.Subtree},
		{path: "hosts-piracy.txt.gz", format: "hosts", scope: blocklists.Subtree},
		{path: "adguard-piracy-ags.txt", format: "adblock"},
		{path: "dnsmasq-piracy.txt.gz", format: "dnsmasq"},
	},
	"blocklistproject/scam": {
		{path: "domains-scam-nl.txt.gz", format: "domains", scope: blocklists.Subtree},
		{path: "hosts-scam.txt.gz", format: "hosts", scope: blocklists.Subtree},
		{path: "adguard-scam-ags.txt.gz", format: "adblock"},
		{path: "dnsmasq-scam.txt.gz", format: "dnsmasq"},
	},
	"blocklistproject/ransomware": {
		{path: "domains-ransomware-nl.txt.gz", format: "domains", scope: blocklists.Subtree},
		{path: "hosts-ransomware.txt.gz", format: "hosts", scope: blocklists.Subtree},
		{path: "adguard-ransomware-ags.txt.gz", format: "adblock"},
		{path: "dnsmasq-ransomware.txt.gz", format: "dnsmasq"},
	},
	"kadhosts": {
		{path: "KADomains.txt.gz", format: "domains"},
		{path: "KADhosts.txt.gz", format: "hosts"},
	},
	"regulators/ee-emta": {
		{path: "blocklist.txt", format: "domains", scope: blocklists.Subtree},
		{path: "blocklist_ABP.txt", format: "adblock"},
		{path: "blocklist_UBO.txt", format: "adblock"},
	},
}

// TestFormsOfOneListGiveTheSameVerdicts compares the forms of real lists; a made-up list
// in every format is always compared.
func TestFormsOfOneListGiveTheSameVerdicts(t *testing.T) {
	folder := dataFolder()
	for list, forms := range sameLists {
		t.Run(list, func(t *testing.T) {
			if folder == "" {
				t.Skip("real data is absent: no folder RECOURSE_DATA; the made-up list stands in")
			}
			compareForms(t, filepath.Join(folder, list), forms)
		})
	}
	t.Run("made up", func(t *testing.T) { compareForms(t, t.TempDir(), nil) })
}

func compareForms(t *testing.T, folder string, forms []form) {
	t.Helper()
	if forms == nil {
		forms = writeForms(t, folder)
	}
	first := cover(t, folder, forms[0])
	for _, form := range forms[1:] {
		other := cover(t, folder, form)
		names, below := differences(first, other)
		if names != form.names || below != form.below {
			t.Errorf("%s against %s: %d names and %d below differ, want %d and %d", form.path, forms[0].path, names, below, form.names, form.below)
		}
	}
}

// differences counts the verdicts that differ, on the names of two lists and below them.
func differences(one, other *coverage) (names, below int) {
	seen := make(map[wire.Name]bool)
	for _, list := range []*coverage{one, other} {
		for scope := range list.names {
			for name := range list.names[scope] {
				if seen[name] {
					continue
				}
				seen[name] = true
				if one.covers(name) != other.covers(name) {
					names++
				}
				if child, err := name.Child("any"); err == nil && one.covers(child) != other.covers(child) {
					below++
				}
			}
		}
	}
	return names, below
}

// writeForms writes one list of made-up names in every format that can hold it.
func writeForms(t *testing.T, folder string) []form {
	t.Helper()
	texts := map[string]*strings.Builder{}
	lines := map[string]string{
		"domains": "%[1]s\n", "hosts": "0.0.0.0 %[1]s\n", "adblock": "||%[1]s^\n", "dnsmasq": "address=/%[1]s/#\n", "unbound": "local-zone: \"%[1]s.\" always_null\n",
		"rpz": "%[1]s CNAME .\n*.%[1]s CNAME .\n", "jsonl": "{\"name\": %[1]q, \"scope\": \"subtree\"}\n", "wildcard": "*.%[1]s\n",
	}
	const count = 500
	forms := []form{{path: "domains", format: "domains", scope: blocklists.Subtree}}
	for format, line := range lines {
		texts[format] = new(strings.Builder)
		if format == "rpz" {
			texts[format].WriteString(zoneHead)
		}
		for i := range count {
			fmt.Fprintf(texts[format], line, fmt.Sprintf("Site-%d.example", i))
		}
		if err := os.WriteFile(filepath.Join(folder, format), []byte(texts[format].String()), 0o600); err != nil {
			t.Fatal(err)
		}
		differ := 0
		if format == "wildcard" {
			differ = count
		}
		forms = append(forms, form{path: format, format: format, scope: blocklists.Subtree, names: differ})
	}
	return forms
}
