package parse_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var seeds = []string{
	"", "\n", "# c\n", "\xef\xbb\xbfa.example\r\n", "0.0.0.0 a.example b.example # c\n", "127.0.0.1 localhost\n::1 ip6-localhost\n",
	"*.a.example\n*\n*.\n**.x\n", "bücher.example\nFAẞ.example\n公司.cn\n", "a.example..\n..\n.\n", "a\x00b.example\n", "caf\xe9.example\n",
	"http://a.example/b\n", "||a.example^\n", "<!doctype html>\n", "\x1f\x8b\x08", "xn--a.example\nxn--bcher-kva.example\n", "0.0.0.0 0.0.0.0\n",
	"1.2.3.4\n[::1]\n192.0.2.77/24\n", "www。wide．example\n", "a.example／b\n", "0.0.0.0\t\tA.Example\t#x\n", "a.example b\n", "\u00ad\u200b.example\n0\ufeff.example\n",
	"@@||b.example^$important\n||*.c.example^$all\n||d.example^$third-party\n##.ad\n/re/\n", "address=/a.example/b.example/#\nserver=/c.example/\nlocal=/d/1.2.3.4\n",
	"server:\nlocal-zone: \"a.example.\" redirect\nlocal-data: \"a.example A 0.0.0.0\"\nlocal-data: 'b.example TXT x'\n",
	zoneHead + "a.example CNAME .\n*.b 60 IN CNAME *.\n24.0.2.0.192.rpz-ip CNAME rpz-drop.\nn.rpz-nsdname A 192.0.2.1\n$ORIGIN x.\n TXT (\"a\n\" )\n",
	"a.example;26.07.2017;04.01.2023\n\"b.example\";;\n\"c\n", registerHead + "<PozycjaRejestru><AdresDomeny>a.example</AdresDomeny><DataWpisu>2017-07-12T10:00:00</DataWpisu></PozycjaRejestru></Rejestr>",
	`[{"DomainAddress":"a.example","InsertDate":"2020-03-23T10:00:00","DeleteDate":null}]`, `{"list":["a.example",".b.example","192.0.2.0/24"]}`,
	"{\"name\":\"a.example\",\"scope\":\"subtree\",\"from\":\"2020-01-01T00:00:00Z\"}\n{\"prefix\":\"192.0.2.0/24\"}\n{\"name\":\"a.example\",\"tombstone\":true}\n",
}

// everyMatch has all triggers that a list may have.
var everyMatch = []string{"question", "address", "nameserver", "client"}

// fuzzOptions are those of a format, with every trigger on.
func fuzzOptions(format string) parse.Options {
	return parse.Options{Format: format, Match: everyMatch, Columns: map[string]string{"name": "1", "listed": "2", "removed": "3"}}
}

// fuzz holds every row to what a row may be, and to what its list says: a name stands in
// the text word for word, once the text is mapped as names are. hostNames says that the
// format has the names of hosts alone.
func fuzz(f *testing.F, format string, hostNames bool) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 || isPacked(text) {
			return // packing is fuzzed for itself
		}
		mapped := " " + mappedText(text) + " "
		rows := 0
		report, err := parse.List(fuzzOptions(format), bytes.NewReader(text), func(row parse.Row) error {
			rows++
			checkRow(t, row, hostNames)
			if row.Name != nil && !row.Trigger.ByAddress() && !standsIn(mapped, wire.Name(row.Name)) {
				t.Errorf("line %d: %s is nowhere in %q", row.Line, wire.Name(row.Name), mapped)
			}
			return nil
		})
		checkReport(t, report, rows, err)
	})
}

func isPacked(text []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "PK", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(text, []byte(magic)) {
			return true
		}
	}
	return false
}

// mappedText is the text in lower case, each of its words also as a name is mapped.
func mappedText(text []byte) string {
	var all strings.Builder
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	all.WriteString(strings.ToLower(string(text)))
	words := strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'<>;,|^/=$\x00[]{}:()", r) })
	for _, word := range words {
		for _, part := range []string{word, strings.TrimPrefix(word, "*."), strings.TrimPrefix(word, ".")} {
			if ascii, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false)).ToASCII(part); err == nil {
				all.WriteString(" " + ascii)
			}
		}
	}
	return all.String()
}

// standsIn says whether the text has the name as a whole: neither less than a label nor,
// where more labels follow or go before, a parent or child of what the text says.
func standsIn(text string, name wire.Name) bool {
	want := name.String()
	for at := 0; ; at++ {
		next := strings.Index(text[at:], want)
		if next < 0 {
			return false
		}
		at += next
		before, after := text[:at], text[at+len(want):]
		starts := strings.HasSuffix(before, "*.") || before == "" || !isNameOctet(before[len(before)-1]) && before[len(before)-1] != '.' ||
			strings.HasSuffix(before, ".") && !isNameOctet((" " + before)[len(before)-1])
		if starts && !isNameOctet(after[0]) && (after[0] != '.' || !isNameOctet(after[1]) || strings.HasPrefix(after, ".rpz-")) {
			return true
		}
	}
}

func isNameOctet(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c >= 0x80
}

func checkRow(t *testing.T, row parse.Row, hostNames bool) {
	t.Helper()
	if row.Trigger.ByAddress() {
		if row.Name != nil || !row.Prefix.IsValid() || row.Prefix != row.Prefix.Masked() || row.Prefix.Bits() == 0 || row.Prefix.Addr().Is4In6() {
			t.Errorf("row %+v", row)
		}
		return
	}
	listed := wire.Name(row.Name)
	text := listed.String()
	again, err := wire.ParseName(text)
	if err != nil || again != listed || listed == wire.Root || row.Prefix != (netip.Prefix{}) || row.Scope > blocklists.Below || row.Action > blocklists.LocalData {
		t.Errorf("name %q: %q, %v, %+v", listed, again, err, row)
	}
	if (row.Data != nil) != (row.Action == blocklists.LocalData) || row.Line == 0 {
		t.Errorf("row %+v", row)
	}
	if row.Data != nil && strings.HasPrefix(showData(row.Data), "data ") {
		t.Errorf("%s", showData(row.Data))
	}
	if !hostNames {
		return
	}
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		t.Errorf("name %q has odd characters", text)
	}
	if name, err := parse.Name(text); err != nil || name != listed {
		t.Errorf("name %q read again: %q, %v", text, name, err)
	}
}

func checkReport(t *testing.T, report parse.Report, rows int, err error) {
	t.Helper()
	if report.Entries != rows || len(report.Samples) > parse.MaxSamples || len(report.Samples) > report.Refused {
		t.Errorf("%d rows, report %+v", rows, report)
	}
	if err == nil && report.Entries+report.Removed == 0 {
		t.Error("a list without entries is none")
	}
}

func FuzzHosts(f *testing.F)     { fuzz(f, "hosts", true) }
func FuzzDomains(f *testing.F)   { fuzz(f, "domains", true) }
func FuzzWildcard(f *testing.F)  { fuzz(f, "wildcard", true) }
func FuzzAdblock(f *testing.F)   { fuzz(f, "adblock", true) }
func FuzzDnsmasq(f *testing.F)   { fuzz(f, "dnsmasq", true) }
func FuzzUnbound(f *testing.F)   { fuzz(f, "unbound", true) }
func FuzzTable(f *testing.F)     { fuzz(f, "csv", true) }
func FuzzJSONLines(f *testing.F) { fuzzRows(f, "jsonl", true) }
func FuzzJSON(f *testing.F)      { fuzzRows(f, "json", true) }
func FuzzRegister(f *testing.F)  { fuzzRows(f, "xml", true) }
func FuzzZone(f *testing.F)      { fuzzRows(f, "rpz", false) }
func FuzzAuto(f *testing.F)      { fuzzRows(f, "auto", false) }

// fuzzRows is fuzz for formats that write names with escapes, so that they need not
// stand in the text as they are.
func fuzzRows(f *testing.F, format string, hostNames bool) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rows := 0
		report, err := parse.List(fuzzOptions(format), bytes.NewReader(text), func(row parse.Row) error {
			rows++
			checkRow(t, row, hostNames)
			return nil
		})
		checkReport(t, report, rows, err)
	})
}

// FuzzParallel holds the reading by several to that by one.
func FuzzParallel(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := parse.List(fuzzOptions("domains"), bytes.NewReader(text), func(parse.Row) error { return nil })
		two, other := parse.Parallel(fuzzOptions("domains"), bytes.NewReader(text), 2, func(int, parse.Row) error { return nil })
		if one.Entries != two.Entries || one.Refused != two.Refused || (err == nil) != (other == nil) {
			t.Errorf("%+v, %v; %+v, %v", one, err, two, other)
		}
	})
}

// FuzzPacked holds the unpacking to its bounds.
func FuzzPacked(f *testing.F) {
	f.Add(gzipped(f, packedText))
	f.Add(zstandard(f, packedText))
	f.Add(zipped(f, packedText, "names.txt"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		lines := 0
		report, err := parse.List(parse.Options{Format: "domains"}, bytes.NewReader(octets), func(parse.Row) error { lines++; return nil })
		checkReport(t, report, lines, err)
	})
}
