package kit_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/policy/kit"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func folder() fs.FS { return os.DirFS("../testdata/kit") }

func read(t *testing.T) *kit.Kit {
	t.Helper()
	made, err := kit.Read(folder())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Every purpose is asked for in every way, and every client asks.
func TestTheKitIsWhole(t *testing.T) {
	made := read(t)
	if len(made.Cases) < 150 {
		t.Errorf("%d cases", len(made.Cases))
	}
	seen := map[string]bool{}
	for i := range made.Cases {
		one := &made.Cases[i]
		seen[one.Client.Name], seen[one.Members] = true, true
		for _, purpose := range []string{"law", "security", "user"} {
			if blocked := map[uint16]string{16: "law", 15: "security", 17: "user"}[one.EDE]; blocked == purpose {
				seen[purpose+" "+dns.TypeToString[one.Type]], seen[purpose+" "+dns.RcodeToString[one.RCode]] = true, true
			}
		}
	}
	var wanted []string
	for _, purpose := range []string{"law", "security", "user"} {
		for _, what := range []string{"A", "AAAA", "HTTPS", "TXT", "ANY", "NXDOMAIN", "NOERROR", "REFUSED"} {
			wanted = append(wanted, purpose+" "+what)
		}
	}
	for _, client := range made.Clients {
		wanted = append(wanted, client.Name)
	}
	for _, member := range made.Members {
		wanted = append(wanted, member.Set)
	}
	for _, what := range wanted {
		if !seen[what] {
			t.Errorf("no case is of %q", what)
		}
	}
}

// rows are the entries of a file of the kit; of none where it is not there.
func rows(t *testing.T, path string, options parse.Options) []parse.Row {
	t.Helper()
	file, err := folder().Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	var found []parse.Row
	if _, err := parse.List(options, file, func(row parse.Row) error {
		row.Name = slices.Clone(row.Name)
		found = append(found, row)
		return nil
	}); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return found
}

// covers says what rows do with a name: the longest row that covers it decides.
func covers(rows []parse.Row, name wire.Name) (action blocklists.Action, blocked bool) {
	longest := -1
	for _, row := range rows {
		if row.Scope.Covers(wire.Name(row.Name), name) && len(row.Name) > longest {
			longest, action, blocked = len(row.Name), row.Action, row.Action != blocklists.Passthru
		}
	}
	return action, blocked
}

// The policy zones say of each name what the lists say, but for what was decided.
func TestPolicyZonesSayWhatListsSay(t *testing.T) {
	exceptions, err := fs.ReadFile(folder(), "exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, list := range read(t).Lists {
		zone := rows(t, "rpz/"+list.ID+".rpz", parse.Options{Format: "rpz", Zone: "."})
		if zone == nil {
			if list.Answer != "refused" && !strings.HasSuffix(list.ID, "-ended") && list.ID != "law-orders" {
				t.Errorf("list %s has no zone", list.ID)
			}
			continue
		}
		options := parse.Options{Format: "domains"}
		if strings.HasSuffix(list.File, ".jsonl") {
			options.Format = "jsonl"
		}
		if err := options.Scope.UnmarshalText([]byte(list.Scope)); err != nil {
			t.Fatal(err)
		}
		names := rows(t, list.File, options)
		for _, row := range slices.Concat(names, zone) {
			for _, prefix := range []string{"", "www."} {
				name := wire.MustName(prefix + wire.Name(row.Name).String())
				_, want := covers(names, name)
				if strings.Contains(string(exceptions), wire.Name(row.Name).String()) || strings.HasPrefix(wire.Name(row.Name).String(), "coming.") {
					want = false
				}
				if _, got := covers(zone, name); got != want {
					t.Errorf("list %s, %s: its zone blocks %v, the list %v", list.ID, name, got, want)
				}
				compared++
			}
		}
	}
	if compared < 100 {
		t.Errorf("%d names compared", compared)
	}
}

func TestAKitThatCannotBeRead(t *testing.T) {
	good := map[string]string{
		"clients.txt": "a 192.0.2.1 IT -\n", "lists.txt": "l law IT copyright exact nxdomain l.txt\n", "errors.txt": "law c mailto:\n",
		"cases.txt": "x - a x.example A do NXDOMAIN none 16 law\n",
	}
	for what, test := range map[string]struct{ file, text, want string }{
		"a column less":      {"cases.txt", "x - a x.example A do NXDOMAIN none 16\n", "cases.txt:1: has 9 columns and not 10"},
		"no such client":     {"cases.txt", "\nx - b x.example A - NOERROR real - -\n", `cases.txt:2: no client is called "b"`},
		"no such type":       {"cases.txt", "x - a x.example B - NOERROR real - -\n", `"B" is no type`},
		"no such rcode":      {"cases.txt", "x - a x.example A - GONE real - -\n", `"GONE" is no RCODE`},
		"no such flag":       {"cases.txt", "x - a x.example A ad NOERROR real - -\n", `"ad" is not one of`},
		"no such error":      {"cases.txt", "x - a x.example A - NXDOMAIN none sixteen -\n", `"sixteen" is no number`},
		"no such members":    {"cases.txt", "x - a x.example A - NXDOMAIN none 16 lawful\n", `errors.txt has no set "lawful"`},
		"a case twice":       {"cases.txt", strings.Repeat("x - a x.example A - NOERROR real - -\n", 2), `cases.txt:2: case "x" is there twice`},
		"a client twice":     {"clients.txt", strings.Repeat("a 192.0.2.1 IT -\n", 2), `clients.txt:2: client "a" is there twice`},
		"an address that is": {"clients.txt", "a 192.0.2 IT -\n", "clients.txt:1: ParseAddr"},
		"too long":           {"errors.txt", strings.Repeat("#\n", 1<<20), "errors.txt: is longer"},
		"too many lines":     {"errors.txt", strings.Repeat("#\n", 10_001), "errors.txt: has more than"},
	} {
		files := fstest.MapFS{}
		for name, text := range good {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if _, err := kit.Read(files); err != nil {
			t.Fatal(err)
		}
		files[test.file] = &fstest.MapFile{Data: []byte(test.text)}
		if _, err := kit.Read(files); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
