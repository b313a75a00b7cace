package parse_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// read gives the rows as "line scope name", and the report.
func read(t *testing.T, format string, scope blocklists.Scope, text string) ([]string, parse.Report) {
	t.Helper()
	var rows []string
	report, err := parse.List(parse.Options{Format: format, Scope: scope}, strings.NewReader(text), func(row parse.Row) error {
		rows = append(rows, fmt.Sprintf("%d %s %s", row.Line, row.Scope, wire.Name(row.Name)))
		return nil
	})
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return rows, report
}

func wantRows(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("rows:\n got %q\nwant %q", got, want)
	}
}

const anchor = "0.0.0.0 anchor.example\n"

func TestHosts(t *testing.T) {
	rows, report := read(t, "hosts", blocklists.Exact, "\xef\xbb\xbf# a comment\r\n"+
		"127.0.0.1 localhost localhost.localdomain\r\n"+
		"255.255.255.255 broadcasthost\r\nfe80::1%lo0 localhost\r\n0.0.0.0 0.0.0.0\r\n\r\n"+
		"0.0.0.0 Ads.Example.COM. www.ads.example # two\r\n"+
		"\t:: \t six.example\r\n"+
		"::1 one.example#tight\n"+
		"0.0.0.0 last_under.example")
	wantRows(t, rows, "7 exact ads.example.com", "7 exact www.ads.example", "8 exact six.example",
		"9 exact one.example", "10 exact last_under.example")
	if report.Lines != 10 || report.Entries != 5 || report.Comments != 1 || report.Boilerplate != 5 || report.Refused != 0 {
		t.Errorf("report: %+v", report)
	}
}

func TestHostsTakesTheScopeOfTheManifest(t *testing.T) {
	rows, _ := read(t, "hosts", blocklists.Subtree, anchor)
	wantRows(t, rows, "1 subtree anchor.example")
}

func TestDomains(t *testing.T) {
	rows, report := read(t, "domains", blocklists.Subtree, "# head\n  # indented\n\n"+
		"Example.ORG.\r\nbücher.example\nFaß.example\nxn--bcher-kva.example\t# the same again\n_dmarc.Mail.example\n"+
		"r3---sn-x.example\n-odd-.example\nwww。wide．example\n")
	wantRows(t, rows, "4 subtree example.org", "5 subtree xn--bcher-kva.example", "6 subtree xn--fa-hia.example",
		"7 subtree xn--bcher-kva.example", "8 subtree _dmarc.mail.example", "9 subtree r3---sn-x.example",
		"10 subtree -odd-.example", "11 subtree www.wide.example")
	if report.Comments != 2 || report.Refused != 0 {
		t.Errorf("report: %+v", report)
	}
}

func TestWildcard(t *testing.T) {
	rows, report := read(t, "wildcard", blocklists.Exact,
		"*.Example.com\nbare.example\n*.zip\n*.bücher.example. # star\n*\n*.*.example\na.*.example\n*x.example\nzip\n*.\n*. x.example\n**.example\n")
	wantRows(t, rows, "1 below example.com", "2 exact bare.example", "3 below zip", "4 below xn--bcher-kva.example")
	if report.Refused != 8 {
		t.Errorf("refused %d, want 8: %+v", report.Refused, report.Samples)
	}
}

func TestRefusedLines(t *testing.T) {
	long := strings.Repeat("a", 64)
	tests := []struct{ format, line, reason string }{
		{"hosts", "ads.example", "use format domains"},
		{"hosts", "0.0.0.0", "no name after the address"},
		{"hosts", "0.0.0.0 # nothing", "no name after the address"},
		{"hosts", "192.0.2.1 ads.example", "a rewrite"},
		{"hosts", "255.255.255.255 ads.example", "a rewrite"},
		{"hosts", "2001:db8::1 ads.example", "a rewrite"},
		{"hosts", "0.0.0.0 inf", "a single label"},
		{"hosts", "0.0.0.0 *.ads.example", "a wildcard"},
		{"hosts", "0.0.0.0 192.0.2.1", "an address"},
		{"hosts", "0.0.0 ads.example", "does not start with an address"},
		{"hosts", "0.0.0.0 a\x00b.example", "NUL"},
		{"hosts", "||ads.example^", "does not start with an address"},
		{"domains", "*.ads.example", "use format wildcard"},
		{"domains", "0.0.0.0 ads.example", "use format hosts"},
		{"domains", "ads.example other.example", "more than one word"},
		{"domains", "https://ads.example/", "an address of the web"},
		{"domains", "ads.example/path", "has a path"},
		{"domains", "ads.example／path", "has a path"},
		{"domains", "ads.example:443", "has a port"},
		{"domains", "192.0.2.1", "an address"},
		{"domains", "１９２.0.2.1", "an address"},
		{"domains", "192.0.2.300", "ends in a number"},
		{"domains", "2001:db8::1", "an address"},
		{"domains", "[2001:db8::1]", "an address"},
		{"domains", "a@mail.example", "has an @"},
		{"domains", "||ads.example^", "ad blocker"},
		{"domains", "@@||ads.example^", "ad blocker"},
		{"domains", "! a comment", "more than one word"},
		{"domains", "!comment", "ad blocker"},
		{"domains", "ads.example##.banner", "ad blocker"},
		{"domains", "ads.example#comment", "ad blocker"},
		{"domains", "; comment", "more than one word"},
		{"domains", "//comment", "has a path"},
		{"domains", ".ads.example", "an empty label"},
		{"domains", "ads..example", "an empty label"},
		{"domains", "ads.example..", "an empty label"},
		{"domains", ".", "empty, or the root"},
		{"domains", "com", "a single label"},
		{"domains", long + ".example", "label longer than 63"},
		{"domains", strings.Repeat("abcdefg.", 32) + "example", "longer than 253"},
		{"domains", strings.Repeat("é", 600) + ".example", "too long for a name"},
		{"domains", "a\x00b.example", "NUL"},
		{"domains", "caf\xe9.example", "not UTF-8"},
		{"domains", "a\u00adb\u2000.example", "has \" \""},
		{"domains", "a\x1bb.example", "which no name may have"},
		{"domains", "a\\.b.example", "which no name may have"},
		{"domains", "bü\u200dcher.example", "internationalised"},
		{"domains", "\u0627a.example", "internationalised"},
		{"domains", strings.Repeat("a", 5000), "longer than 4096"},
		{"domains", strings.Repeat("a", 200_000), "longer than 4096"},
		{"wildcard", "*.ads.example/x", "has a path"},
	}
	for _, test := range tests {
		t.Run(test.format+" "+test.line[:min(len(test.line), 30)], func(t *testing.T) {
			good := "anchor.example\n"
			if test.format == "hosts" {
				good = anchor
			}
			rows, report := read(t, test.format, blocklists.Exact, good+test.line+"\n"+good)
			wantRows(t, rows, "1 exact anchor.example", "3 exact anchor.example")
			if report.Refused != 1 || len(report.Samples) != 1 {
				t.Fatalf("report: %+v", report)
			}
			if got := report.Samples[0]; got.Line != 2 || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("refusal %d %q, want 2 and %q", got.Line, got.Reason, test.reason)
			}
		})
	}
}

func TestGoodNamesOfARefusedHostsLineAreTaken(t *testing.T) {
	rows, report := read(t, "hosts", blocklists.Exact, "0.0.0.0 good.example bad/one.example also.example\n")
	wantRows(t, rows, "1 exact good.example", "1 exact also.example")
	if report.Refused != 1 {
		t.Errorf("refused %d, want 1", report.Refused)
	}
}

func TestSampleTextIsCutAndPrintable(t *testing.T) {
	_, report := read(t, "domains", blocklists.Exact, "anchor.example\n\x1b[31m\u202e"+strings.Repeat("é/", 100)+"\n")
	text := report.Samples[0].Text
	if runes := []rune(text); len(runes) != 80 || runes[0] != '\ufffd' || strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("sample %q of %d runes", text, len(runes))
	}
}

func TestWholeFileRefused(t *testing.T) {
	many := func(line string, count int) string { return strings.Repeat(line+"\n", count) }
	tests := []struct {
		name, format, text string
		cause              error
	}{
		{"nothing", "domains", "", parse.ErrEmpty},
		{"blank lines", "domains", "\r\n\r\n \t\n", parse.ErrEmpty},
		{"comments only", "hosts", "# one\n# two\n", parse.ErrEmpty},
		{"boilerplate only", "hosts", "127.0.0.1 localhost\n", parse.ErrEmpty},
		{"one bad line", "domains", "not a list\n", parse.ErrEmpty},
		{"mark only", "domains", "\xef\xbb\xbf", parse.ErrEmpty},
		{"carriage returns only", "domains", "a.example\rb.example\r", parse.ErrEmpty},
		{"html", "domains", "<!DOCTYPE html>\n<p>404\nexample.com\n", parse.ErrMarkup},
		{"html after mark and blanks", "hosts", "\xef\xbb\xbf\n \n\t<html>\n0.0.0.0 a.example\n", parse.ErrMarkup},
		{"html after a comment", "domains", "# moved\n<head>\nexample.com\n", parse.ErrMarkup},
		{"xml", "wildcard", "<?xml version=\"1.0\"?>\n", parse.ErrMarkup},
		{"gzip cut off", "domains", "\x1f\x8b\x08\x00", parse.ErrDamaged},
		{"zip cut off", "domains", "PK\x03\x04", parse.ErrDamaged},
		{"bzip2", "domains", "BZh91AY", parse.ErrPacked},
		{"hosts as domains", "domains", many("0.0.0.0 a.example", 30), parse.ErrFormat},
		{"domains as hosts", "hosts", many("a.example", 30) + anchor, parse.ErrFormat},
		{"a fifth refused and more", "domains", many("a.example", 40) + many("a/b", 11), parse.ErrFormat},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse.List(parse.Options{Format: test.format}, strings.NewReader(test.text), func(parse.Row) error { return nil })
			if !errors.Is(err, test.cause) {
				t.Errorf("error %v, want %v", err, test.cause)
			}
		})
	}
}

func TestFewRefusedLinesDoNotRefuseTheFile(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("a.example\n", 40) + strings.Repeat("a/b\n", 10),
		"a.example\n" + strings.Repeat("a/b\n", 9),
		"a.example\n" + strings.Repeat("192.0.2.1\n", 50), // a proxy's list
	} {
		if _, report := read(t, "domains", blocklists.Exact, text); report.Refused < 9 {
			t.Errorf("refused %d", report.Refused)
		}
	}
}

func TestSamplesAreBounded(t *testing.T) {
	_, report := read(t, "domains", blocklists.Exact, strings.Repeat("a.example\n", 1000)+strings.Repeat("a/b\n", 150))
	if report.Refused != 150 || len(report.Samples) != parse.MaxSamples {
		t.Errorf("refused %d with %d samples", report.Refused, len(report.Samples))
	}
}

func TestUnknownFormat(t *testing.T) {
	_, err := parse.List(parse.Options{Format: "excel"}, strings.NewReader("a.example\n"), nil)
	if err == nil || !strings.Contains(err.Error(), `"excel"`) {
		t.Errorf("error %v", err)
	}
}

func TestErrorsOfReaderAndReceiverPass(t *testing.T) {
	broken := errors.New("broken")
	for _, format := range []string{"", "domains", "xml", "json", "rpz", "csv"} {
		options := parse.Options{Format: format, Columns: map[string]string{"name": "1"}}
		if _, err := parse.List(options, iotest.ErrReader(broken), nil); !errors.Is(err, broken) {
			t.Errorf("%q: %v", format, err)
		}
	}
	source := io.MultiReader(strings.NewReader("a.example\n"), iotest.ErrReader(broken))
	if _, err := parse.List(parse.Options{Format: "domains"}, source, func(parse.Row) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	refuse := func(parse.Row) error { return broken }
	for _, format := range []string{"domains", "wildcard"} {
		if _, err := parse.List(parse.Options{Format: format}, strings.NewReader("a.example\n"), refuse); !errors.Is(err, broken) {
			t.Errorf("%s: %v", format, err)
		}
	}
	for format, text := range map[string]string{
		"hosts": anchor, "adblock": "||a.example^\n", "dnsmasq": "local=/a.example/\n", "unbound": "local-zone: a.example static\n", "rpz": zoneHead + "a.example CNAME .\n", "csv": "a.example;\n",
		"xml": registerHead + "<PozycjaRejestru><AdresDomeny>a.example</AdresDomeny></PozycjaRejestru></Rejestr>", "json": `[{"DomainAddress":"a.example"}]`, "jsonl": `{"name":"a.example"}`,
	} {
		options := parse.Options{Format: format, Columns: map[string]string{"name": "1"}}
		if _, err := parse.List(options, strings.NewReader(text), refuse); err != broken { //nolint:errorlint // as it is, and not wrapped
			t.Errorf("%s: %v", format, err)
		}
	}
}

// endless is a source that never ends; the reading of it must.
type endless struct{ text string }

func (e endless) Read(into []byte) (int, error) {
	n := 0
	for n < len(into) {
		n += copy(into[n:], e.text)
	}
	return n, nil
}

func TestEndlessLineIsBounded(t *testing.T) {
	_, err := parse.List(parse.Options{Format: "domains"}, endless{strings.Repeat("a", 4096)}, func(parse.Row) error { return nil })
	if !errors.Is(err, parse.ErrTooLong) {
		t.Errorf("error %v", err)
	}
}

func TestName(t *testing.T) {
	for text, want := range map[string]string{"Example.COM.": "example.com", "bücher.example": "xn--bcher-kva.example", "zip": "zip"} {
		name, err := parse.Name(text)
		if err != nil || name.String() != want {
			t.Errorf("%q: %s, %v", text, name, err)
		}
	}
	if _, err := parse.Name("https://a.example/\x1b"); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("error %q", err)
	}
}
