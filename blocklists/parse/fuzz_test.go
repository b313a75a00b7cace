package parse_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var seeds = []string{
	"", "\n", "# c\n", "\xef\xbb\xbfa.example\r\n", "0.0.0.0 a.example b.example # c\n", "127.0.0.1 localhost\n::1 ip6-localhost\n",
	"*.a.example\n*\n*.\n**.x\n", "bücher.example\nFAẞ.example\n公司.cn\n", "a.example..\n..\n.\n", "a\x00b.example\n", "caf\xe9.example\n",
	"http://a.example/b\n", "||a.example^\n", "<!doctype html>\n", "\x1f\x8b\x08", "xn--a.example\nxn--bcher-kva.example\n", "0.0.0.0 0.0.0.0\n",
	"1.2.3.4\n[::1]\n", "www。wide．example\n", "a.example／b\n", "0.0.0.0\t\tA.Example\t#x\n", "a.example b\n", "\u00ad\u200b.example\n",
}

// fuzz holds every row to what a row may be, and every line to what may give one.
func fuzz(f *testing.F, format string, atMost func(line string) int) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Split(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))), "\n")
		rows := make(map[uint32]int)
		report, err := parse.List(parse.Options{Format: format}, bytes.NewReader(text), func(row parse.Row) error {
			checkRow(t, row)
			rows[row.Line]++
			if line := lines[row.Line-1]; rows[row.Line] > atMost(line) {
				t.Errorf("line %d %q gave %d rows", row.Line, line, rows[row.Line])
			}
			return nil
		})
		checkReport(t, report, rows, err)
	})
}

func checkRow(t *testing.T, row parse.Row) {
	t.Helper()
	listed := wire.Name(row.Name)
	text := listed.String()
	again, err := wire.ParseName(text)
	if err != nil || again != listed || listed == wire.Root && row.Scope != blocklists.Below {
		t.Errorf("name %q: %q, %v", listed, again, err)
	}
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		t.Errorf("name %q has odd characters", text)
	}
	if name, err := parse.Name(text); err != nil || name != listed {
		t.Errorf("name %q read again: %q, %v", text, name, err)
	}
}

func checkReport(t *testing.T, report parse.Report, rows map[uint32]int, err error) {
	t.Helper()
	sum := 0
	for _, count := range rows {
		sum += count
	}
	if report.Entries != sum || len(report.Samples) > parse.MaxSamples || len(report.Samples) > report.Refused {
		t.Errorf("%d rows, report %+v", sum, report)
	}
	if err == nil && report.Entries == 0 {
		t.Error("a list without entries is none")
	}
}

func FuzzHosts(f *testing.F) {
	fuzz(f, "hosts", func(line string) int {
		line, _, _ = strings.Cut(line, "#")
		return max(0, len(strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' }))-1)
	})
}

func FuzzDomains(f *testing.F) { fuzz(f, "domains", oneName) }

func FuzzWildcard(f *testing.F) { fuzz(f, "wildcard", oneName) }

// oneName allows one row of a line whose text, before a comment, is one word without
// anything that makes it an address of something else.
func oneName(line string) int {
	if i := strings.IndexAny(line, "#"); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSuffix(strings.TrimSpace(line), "\r")
	if line == "" || strings.ContainsAny(line, " \t/:@\x00|^$!") {
		return 0
	}
	return 1
}
