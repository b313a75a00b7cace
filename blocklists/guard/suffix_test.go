package guard

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/resolver/wire"
)

var update = flag.Bool("update", false, "write suffixes.bits and suffixes.txt anew")

// suffixRules are the rules of the library, which it has as text for its own tests.
func suffixRules(t testing.TB) []string {
	where, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Skipf("the library's source is not here: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(where)), "publicsuffix", "table_test.go"))
	if err != nil {
		t.Skipf("the library's source is not here: %v", err)
	}
	_, text, _ = bytes.Cut(text, []byte("var rules = "))
	text, _, _ = bytes.Cut(text, []byte("\n}"))
	var rules []string
	for _, quoted := range regexp.MustCompile(`"([^"]+)"`).FindAllSubmatch(text, -1) {
		rules = append(rules, string(quoted[1]))
	}
	if len(rules) < 9000 {
		t.Fatalf("%d rules: the library has its rules elsewhere now", len(rules))
	}
	return rules
}

// The filter is that of the library's rules. After another version of the library:
// go test ./blocklists/guard -run TestTheSuffixFilter -update
func TestTheSuffixFilterHasEveryRule(t *testing.T) {
	bits := make([]byte, 1<<15)
	add := func(hash uint64) {
		for _, bit := range []uint64{hash >> 46, hash >> 28 & (1<<18 - 1)} {
			bits[bit/8] |= 1 << (bit % 8)
		}
	}
	for _, rule := range suffixRules(t) {
		rule = strings.TrimPrefix(rule, "!")
		base, starred := strings.CutPrefix(rule, "*.")
		own, _, _ := suffixHashes([]byte(wire.MustName(base)))
		add(own)
		if starred {
			_, parent, _ := suffixHashes([]byte(wire.MustName("x." + base)))
			add(^parent)
		}
	}
	if *update {
		if err := os.WriteFile("suffixes.bits", bits, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(bits) != suffixBits {
		t.Error("suffixes.bits is of other rules than the library's: write it anew with -update")
	}
}

const suffixesHead = "# Names above public suffixes that are none themselves, each with one of the suffixes below it.\n" +
	"# Made from the rules of golang.org/x/net/publicsuffix: go test ./blocklists/guard -run TestSuffixes -update\n"

// TestSuffixesAreThoseOfTheLibrary fails when the library knows others than the file has.
func TestSuffixesAreThoseOfTheLibrary(t *testing.T) {
	suffixes, below := map[string]bool{}, map[string]string{}
	for _, rule := range suffixRules(t) {
		suffixes[strings.TrimPrefix(rule, "*.")] = true // what is below a star is one, so its base is as good as one
	}
	for suffix := range suffixes {
		if strings.HasPrefix(suffix, "!") {
			continue
		}
		for _, above, found := strings.Cut(suffix, "."); found; _, above, found = strings.Cut(above, ".") {
			if strings.Contains(above, ".") && !suffixes[above] && (below[above] == "" || suffix < below[above]) {
				below[above] = suffix
			}
		}
	}
	want := suffixesHead
	for _, above := range slices.Sorted(maps.Keys(below)) {
		want += above + " " + below[above] + "\n"
	}
	if *update {
		if err := os.WriteFile("suffixes.txt", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want != suffixesText(t) || len(below) < 50 {
		t.Errorf("suffixes.txt is not what the library has (%d names): run this test with -update", len(below))
	}
}

func suffixesText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("suffixes.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// With the filter the verdict is what it is without: for each rule, what is above, below and beside it.
func TestTheSuffixFilterChangesNothing(t *testing.T) {
	const labels = 4
	suffixes, asked := 0, 0
	for _, rule := range append(suffixRules(t), "a\\.b.com", "co\\.uk", "x.co\\.uk", "unlisted.zone", ".") {
		name := wire.MustName(strings.TrimPrefix(strings.TrimPrefix(rule, "!"), "*."))
		for range labels {
			for _, below := range []string{"", "\x01x", "\x03www", "\x01x\x01y", "\x03a.b", "\x2eaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeee"} {
				one := append([]byte(below), name...)
				want, got := askSuffix(one), suffix(one)
				if want != got {
					t.Fatalf("%s: %q with the filter, %q without", wire.Name(one), got, want)
				}
				if asked++; want != "" {
					suffixes++
				}
			}
			if name = name.Parent(); name == "" {
				break
			}
		}
	}
	if suffixes < 9000 || asked-suffixes < 9000 {
		t.Errorf("of %d names %d are suffixes", asked, suffixes)
	}
}

// Most names are told apart without asking the library, and so without an allocation.
func TestTheSuffixFilterIsAsked(t *testing.T) {
	passed := 0
	names := []string{"example.com", "www.example.co.uk", "some-shop.de", "tracker.ads.example.net", "a.b.c.d.e.example.org"}
	for _, text := range names {
		name := []byte(wire.MustName(text))
		if mayBeSuffix(name) {
			passed++
		} else if allocations := testing.AllocsPerRun(100, func() { suffix(name) }); allocations != 0 {
			t.Errorf("%s: %v allocations", text, allocations)
		}
	}
	if passed > 1 {
		t.Errorf("%d of %d ordinary names pass the filter", passed, len(names))
	}
}

func BenchmarkSuffix(b *testing.B) {
	name := []byte(wire.MustName("some-longer-shop.example.com"))
	for _, bench := range []struct {
		name string
		of   func([]byte) string
	}{{"filtered", suffix}, {"asked", askSuffix}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.of(name)
			}
		})
	}
}
