package guard_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var update = flag.Bool("update", false, "write suffixes.txt anew from the library's tables")

const suffixesHead = "# Names above public suffixes that are none themselves, each with one of the suffixes below it.\n" +
	"# Made from the tables of golang.org/x/net/publicsuffix: go test ./blocklists/guard -run TestSuffixesAreThoseOfTheLibrary -update\n"

// library is the tables of the library, which has no way to list them.
type library struct {
	nodes, children []byte
	text            string
	topLevel        uint32 // how many nodes are top-level domains, which come first
}

// Kinds of nodes in them.
const (
	isSuffix    = 0
	isAboveOnly = 2
)

func readLibrary(t *testing.T) *library {
	t.Helper()
	said, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		octets, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(said)), "publicsuffix", name))
		if err != nil {
			t.Fatal(err)
		}
		return octets
	}
	var topLevel uint32
	_, count, _ := strings.Cut(string(read("table.go")), "const numTLD = ")
	if _, err := fmt.Sscan(count, &topLevel); err != nil {
		t.Fatal(err)
	}
	return &library{nodes: read("data/nodes"), children: read("data/children"), text: string(read("data/text")), topLevel: topLevel}
}

// each goes through a node's children, and theirs: label, kind, whether all names right
// below are suffixes, and the children's place.
func (l *library) each(low, high uint32, below string, do func(name string, kind uint32, wildcard bool, low, high uint32)) {
	for i := low; i < high; i++ {
		node := binary.BigEndian.Uint64(append(make([]byte, 3), l.nodes[i*5:i*5+5]...))
		length, offset, place := node&(1<<6-1), node>>6&(1<<16-1), node>>23&(1<<10-1)
		name := l.text[offset:offset+length] + below
		child := binary.BigEndian.Uint32(l.children[place*4:])
		from, to := child&(1<<14-1), child>>14&(1<<14-1)
		do(name, child>>28&3, child>>30&1 == 1, from, to)
		l.each(from, to, "."+name, do)
	}
}

// first finds a suffix below a node.
func (l *library) first(low, high uint32, below string) (found string) {
	l.each(low, high, below, func(name string, kind uint32, wildcard bool, _, _ uint32) {
		if found == "" && (kind == isSuffix || wildcard) {
			found = name
		}
	})
	return found
}

// TestSuffixesAreThoseOfTheLibrary fails when the library knows others than the file has.
func TestSuffixesAreThoseOfTheLibrary(t *testing.T) {
	l := readLibrary(t)
	topLevel := l.topLevel
	var lines []string
	l.each(0, topLevel, "", func(name string, kind uint32, wildcard bool, low, high uint32) {
		if kind != isAboveOnly || wildcard || !strings.Contains(name, ".") {
			return
		}
		below := l.first(low, high, "."+name)
		if suffix, _ := publicsuffix.PublicSuffix("x." + below); !strings.HasSuffix(suffix, "."+name) {
			t.Fatalf("the library says that %q is no suffix below %q but %q: its tables are read wrongly", below, name, suffix)
		}
		lines = append(lines, fmt.Sprintf("%s %s\n", name, below))
	})
	slices.Sort(lines)
	want := suffixesHead + strings.Join(lines, "")
	if *update {
		if err := os.WriteFile("suffixes.txt", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("suffixes.txt")
	if err != nil || string(got) != want || len(lines) < 50 {
		t.Errorf("suffixes.txt is not what the library has (%d names, %v): run this test with -update", len(lines), err)
	}
}

// An entry above shared hosting is held, since it would take all tenants in.
func TestAboveSuffixesIsHeld(t *testing.T) {
	g := guard.New(guard.Config{})
	list := &blocklists.Manifest{ID: "list", Purpose: blocklists.User}
	for _, test := range []struct {
		name  string
		scope blocklists.Scope
		held  bool
	}{
		{"addr.tools", blocklists.Subtree, true},
		{"addr.tools", blocklists.Below, true},
		{"addr.tools", blocklists.Exact, false},
		{"shop.addr.tools", blocklists.Subtree, false},
		{"eu-north-1.amazonaws.com", blocklists.Subtree, true},
		{"console.amazonaws.com", blocklists.Subtree, false},
		{"tenant.s3.amazonaws.com", blocklists.Subtree, false},
		{"akershus.no", blocklists.Subtree, true},
		{"example.com", blocklists.Subtree, false},
	} {
		row := parse.Row{Name: []byte(wire.MustName(test.name)), Scope: test.scope}
		standing, because := g.Inspect(list, &row, false)
		if (standing == blocklists.Held) != test.held || test.held && !strings.HasPrefix(because, "public-suffix ") {
			t.Errorf("%s (%s): %s, %q", test.name, test.scope, standing, because)
		}
	}
}
