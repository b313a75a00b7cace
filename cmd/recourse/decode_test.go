package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// sample has one field of every type that a file can set.
type sample struct {
	Text     string             `yaml:"text"`
	Word     string             `yaml:"word" oneof:"relaxed,strict,off"`
	Flag     bool               `yaml:"flag"`
	Int      int                `yaml:"int"`
	Small    uint8              `yaml:"small"`
	Float    float64            `yaml:"float"`
	Wait     time.Duration      `yaml:"wait"`
	Day      time.Time          `yaml:"day"`
	Size     Size               `yaml:"size"`
	Share    Percent            `yaml:"share"`
	Addr     netip.Addr         `yaml:"addr"`
	Socket   netip.AddrPort     `yaml:"socket"`
	Network  netip.Prefix       `yaml:"network"`
	Purpose  blocklists.Purpose `yaml:"purpose"`
	Texts    []string           `yaml:"texts"`
	Words    []string           `yaml:"words" oneof:"law,security"`
	Titles   map[string]string  `yaml:"titles"`
	Counts   map[string]int     `yaml:"counts"`
	Inner    inner              `yaml:"inner"`
	Inners   []*inner           `yaml:"inners"`
	Optional *inner             `yaml:"optional"`
	Hidden   string
}

type inner struct {
	Name string `yaml:"name"`
	Deep *inner `yaml:"deep"`
}

func decodeSample(text string) (*sample, *report) {
	got, report := new(sample), newReport("f")
	decode([]byte(text), got, report)
	return got, report
}

func TestDecodeReadsEveryType(t *testing.T) {
	for _, test := range []struct {
		text string
		want sample
	}{
		{"text: plain words", sample{Text: "plain words"}},
		{"text: 0163", sample{Text: "0163"}},
		{"texts: [NO, yes, 1.50]", sample{Texts: []string{"NO", "yes", "1.50"}}},
		{"text: \"x\\ty\"", sample{Text: "x\ty"}},
		{"text: |\n  two\n  lines", sample{Text: "two\nlines"}},
		{"text: ~", sample{}},
		{"text:", sample{}},
		{"word: off", sample{Word: "off"}},
		{"words: [law, security]", sample{Words: []string{"law", "security"}}},
		{"flag: true", sample{Flag: true}},
		{"int: -7", sample{Int: -7}},
		{"small: 255", sample{Small: 255}},
		{"float: 2.5", sample{Float: 2.5}},
		{"wait: 1800ms", sample{Wait: 1800 * time.Millisecond}},
		{"wait: 1h30m", sample{Wait: 90 * time.Minute}},
		{"wait: 30d", sample{Wait: 720 * time.Hour}},
		{"wait: 2w1d", sample{Wait: 15 * 24 * time.Hour}},
		{"wait: 1.5h", sample{Wait: 90 * time.Minute}},
		{"wait: 0", sample{}},
		{"wait: 0s", sample{}},
		{"day: 2026-11-01", sample{Day: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}},
		{"day: 2026-11-22T01:00:00+01:00", sample{Day: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}},
		{"size: 32MiB", sample{Size: 32 << 20}},
		{"size: 2GiB", sample{Size: 2 << 30}},
		{"size: 1.5kB", sample{Size: 1500}},
		{"size: 100B", sample{Size: 100}},
		{"share: 20%", sample{Share: 20}},
		{"addr: \"::ffff:192.0.2.1\"", sample{Addr: netip.MustParseAddr("192.0.2.1")}},
		{"socket: \"[::1]:53\"", sample{Socket: netip.MustParseAddrPort("[::1]:53")}},
		{"network: 64:ff9b::/96", sample{Network: netip.MustParsePrefix("64:ff9b::/96")}},
		{"purpose: security", sample{Purpose: blocklists.Security}},
		{"texts: []", sample{Texts: []string{}}},
		{"titles: {en: One, it: Due}", sample{Titles: map[string]string{"en": "One", "it": "Due"}}},
		{"inner: {name: a, deep: {name: b}}", sample{Inner: inner{Name: "a", Deep: &inner{Name: "b"}}}},
		{"inners: [{name: a}, {name: b}]", sample{Inners: []*inner{{Name: "a"}, {Name: "b"}}}},
		{"optional: {name: a}", sample{Optional: &inner{Name: "a"}}},
		{"inner: &x {name: a}\noptional: *x", sample{Inner: inner{Name: "a"}, Optional: &inner{Name: "a"}}},
		{"\ufefftext: after a byte order mark", sample{Text: "after a byte order mark"}},
	} {
		got, report := decodeSample(test.text)
		if err := report.err(); err != nil {
			t.Errorf("%q: %s", test.text, err)
		} else if !reflect.DeepEqual(*got, test.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", test.text, *got, test.want)
		}
	}
}

func TestDecodeNamesTheMistake(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"txt: a", `f:1: txt: unknown key; did you mean "text"?`},
		{"qqqqqqq: a", "f:1: qqqqqqq: unknown key; here may stand text, word,"},
		{"Hidden: a", "f:1: Hidden: unknown key"},
		{"\"\": a", `f:1: "": unknown key`},
		{"\"a\\x1b[2J\": a", `f:1: "a\x1b[2J": unknown key`},
		{"text: a\nint: 1\ntext: b", "f:3: text: stands here a second time; the first is in line 1"},
		{"titles:\n  en: a\n  en: b", "f:3: titles.en: stands here a second time; the first is in line 2"},
		{"text: [a]", "f:1: text: wanted one value, got a list"},
		{"text: {a: b}", "f:1: text: wanted one value, got a mapping"},
		{"texts: a", `f:1: texts: wanted a list, got a word; write ["a"]`},
		{"texts: {a: b}", "f:1: texts: wanted a list, got a mapping"},
		{"texts:\n- a\n-\n- c", "f:3: texts[1]: is empty"},
		{"titles: a", "f:1: titles: wanted a mapping, got a word; write {key: value}"},
		{"inner: a", "f:1: inner: wanted a mapping, got a word; write its keys: name, deep"},
		{"inner: [a]", "f:1: inner: wanted a mapping, got a list"},
		{"inners:\n  - name: a\n  - nam: b", `f:3: inners[1].nam: unknown key; did you mean "name"?`},
		{"word: strickt", `f:1: word: "strickt" is not one of relaxed, strict, off; did you mean "strict"?`},
		{"words: [law, user]", `f:1: words[1]: "user" is not one of law, security`},
		{"flag: yes", `f:1: flag: "yes" is neither true nor false`},
		{"int: 1.5", `f:1: int: "1.5" is not a whole number`},
		{"int: 99999999999999999999", `f:1: int: "99999999999999999999" is out of range`},
		{"small: 256", `f:1: small: "256" is above 255`},
		{"small: -1", `f:1: small: "-1" is not a whole number from 0 up`},
		{"float: .nan", `f:1: float: ".nan" is not a number`},
		{"wait: 300", `f:1: wait: "300" is not a duration: a number with its unit`},
		{"wait: -5s", `f:1: wait: "-5s" is not a duration`},
		{"wait: 99999999w", `f:1: wait: "99999999w" is longer than 292 years`},
		{"day: 1.11.2026", `f:1: day: "1.11.2026" is not a date as 2026-11-01`},
		{"day: 2026-02-30", `f:1: day: "2026-02-30" is not a date`},
		{"size: 32", `f:1: size: "32" is not a size: a number with its unit`},
		{"size: 999999999TiB", `f:1: size: "999999999TiB" is out of range`},
		{"share: 20", `f:1: share: "20" is not a share`},
		{"addr: 192.0.2.300", `f:1: addr: "192.0.2.300" is not an address`},
		{"addr: fe80::1%eth0", `f:1: addr: "fe80::1%eth0" is not an address`},
		{"socket: 127.0.0.1", `f:1: socket: "127.0.0.1" has no port: write 127.0.0.1:53`},
		{"socket: localhost:53", `f:1: socket: "localhost:53" is not an address with a port`},
		{"network: 192.0.2.1", `f:1: network: "192.0.2.1" has no length: write 192.0.2.1/32`},
		{"network: 192.0.2.1/24", `f:1: network: "192.0.2.1/24" has bits beyond its length: write 192.0.2.0/24`},
		{"network: \"::ffff:192.0.2.0/120\"", "is IPv4 in the clothes of IPv6"},
		{"purpose: fun", `f:1: purpose: purpose "fun" is not one of law, security, user`},
		{"text: " + strings.Repeat("x", maxText+1), "f:1: text: is longer than 4096 octets"},
		{"inner: &x {name: a}\noptional: {<<: *x}", `f:2: optional."<<": merging is not understood`},
		{"text: !secret a", `f:1: tag "!secret" is not understood`},
		{"? [a]\n: b", "f:1: a key must be a word"},
		{"- a", "f:1: must be a mapping of keys to values, not a list"},
		{"text: [a", "is not YAML:"},
		{"text: a\n\tint: 1", "f:2: is not YAML: found a tab"},
		{"", "f: is empty"},
		{"# nothing\n", "f: is empty"},
		{"text: a\n---\ntext: b", "holds a second document"},
		{"inner: &x {deep: *x}", "is nested deeper than 32"},
		{"text: " + strings.Repeat("[", 40) + strings.Repeat("]", 40), "is nested deeper than 32"},
	} {
		_, report := decodeSample(test.text)
		err := report.err()
		if err == nil {
			t.Errorf("%q: no problem", clip(test.text))
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q:\n got %s\nwant %s", clip(test.text), err, test.want)
		}
	}
}

func TestDecodeTellsAllMistakes(t *testing.T) {
	_, report := decodeSample("flag: maybe\ninner:\n  nam: a\nwait: soon\ntexts: a\nint: x\ntext: fine\n")
	var err *ConfigError
	if !errors.As(report.err(), &err) {
		t.Fatalf("got %v", report.err())
	}
	var lines []int
	for _, problem := range err.Problems {
		lines = append(lines, problem.Line)
	}
	if want := []int{1, 3, 4, 5, 6}; !slices.Equal(lines, want) {
		t.Errorf("problems in lines %v, not %v:\n%s", lines, want, err)
	}
}

// TestDecodeBoundsAliases: a file of a few hundred octets that would become 10^9 values.
func TestDecodeBoundsAliases(t *testing.T) {
	var text strings.Builder
	text.WriteString("texts: &a0 [x]\n")
	for i := range 9 {
		fmt.Fprintf(&text, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	_, report := decodeSample(text.String())
	if err := report.err(); err == nil || !strings.Contains(err.Error(), "holds more than 1048576 values") {
		t.Errorf("got %v", err)
	}
}

func TestDecodeBoundsProblems(t *testing.T) {
	_, report := decodeSample("texts:\n" + strings.Repeat("-\n", 100_000))
	var err *ConfigError
	if !errors.As(report.err(), &err) || len(err.Problems) != maxProblems+1 {
		t.Fatalf("got %d problems", len(report.problems))
	}
	if text := err.Error(); !strings.Contains(text, "more than 200 problems") {
		t.Errorf("does not say that it stopped: %s", clip(text))
	}
}

func TestDecodeBoundsSize(t *testing.T) {
	report := newReport("f")
	decode(make([]byte, maxFile+1), new(sample), report)
	if err := report.err(); err == nil || err.Error() != "f: is larger than 16 MiB" {
		t.Errorf("got %v", err)
	}
}

func TestPositions(t *testing.T) {
	_, report := decodeSample("text: a\n\ninners:\n  - name: a\n  - deep:\n      name: b\n")
	for path, want := range map[string]int{"text": 1, "inners": 3, "inners[0]": 4, "inners[0].name": 4, "inners[1].deep.name": 6,
		"inners[1].name": 5, "inners[7].deep.name": 3, "nowhere": 1, "": 1} {
		if got := report.line(path); got != want {
			t.Errorf("%q: line %d, not %d", path, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"purpose", "profiles", "web", "url"}
	for text, want := range map[string]string{"purpsoe": "purpose", "purposes": "purpose", "profile": "profiles", "wbe": "web", "uri": "url",
		"metrics": "", "x": "", "": "", strings.Repeat("purpose", 20): ""} {
		if got := nearest(text, words); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}

func TestReportSaysOneThingOfOnePath(t *testing.T) {
	report := newReport("f")
	report.lines["a"] = 0
	report.problem("a.b", "first")
	report.problem("a.b", "second")
	report.problem("a.b[0].c", "below")
	report.problem("a.bc", "beside")
	report.problem("a", "above")
	report.problem("z.y.x", "missing")
	report.problem("z.y.w", "missing too, %d%%", 7)
	err := report.err().Error()
	if err != "f: a.b: first\nf: a.bc: beside\nf: a: above\nf: z.y.x: missing; and y.w: missing too, 7%" {
		t.Errorf("got %s", err)
	}
	for path, want := range map[string]bool{"a": true, "a.b": true, "a.b[0]": false, "b": false} {
		if got := report.isBadWithin(path); got != want {
			t.Errorf("isBadWithin(%q) = %v", path, got)
		}
	}
}

// FuzzDecode holds the decoder to its bounds: whatever the octets are, it comes
// back, and every problem has a text of one line that a terminal may show.
func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob("testdata/config/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, seed := range append(seeds, "quickstart.yaml") {
		data, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{"", "a: &a [*a]", "? {}\n: b", "<<: {a: b}", "blocklists: [~]", "clients: [{match: {networks: [\"::/0\"]}}]", "%YAML 1.1\n---\na: b", "\xff\xfe", "a: !!binary aGk="} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		report := newReport("f")
		report.dir = "testdata/config"
		parseConfig(data, report)
		for _, problem := range report.problems {
			if text := problem.String(); strings.ContainsAny(text, "\x00\x1b\n") {
				t.Errorf("%q: says %q", data, text)
			}
		}
	})
}
