package parse_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// show writes a row as "line trigger scope name action", and leaves out what is usual.
func show(row parse.Row) string {
	words := []string{fmt.Sprint(row.Line)}
	if row.Trigger != blocklists.OnName {
		words = append(words, row.Trigger.String())
	}
	if row.Trigger.ByAddress() {
		words = append(words, row.Prefix.String())
	} else {
		words = append(words, row.Scope.String(), wire.Name(row.Name).String())
	}
	if row.Action != blocklists.Block {
		words = append(words, row.Action.String())
	}
	if row.Data != nil {
		words = append(words, showData(row.Data))
	}
	if row.From != 0 {
		words = append(words, "from "+time.Unix(int64(row.From), 0).UTC().Format(time.RFC3339))
	}
	if row.Until != 0 {
		words = append(words, "until "+time.Unix(int64(row.Until), 0).UTC().Format(time.RFC3339))
	}
	return strings.Join(words, " ")
}

// showData reads a row's data back by the library.
func showData(data []byte) string {
	message := append([]byte{0}, data[:2]...)
	message = append(message, 0, 1)
	message = append(message, data[2:]...)
	rr, end, err := dns.UnpackRR(message, 0)
	if err != nil || end != len(message) {
		return fmt.Sprintf("data %x: %v", data, err)
	}
	return strings.Join(strings.Fields(rr.String())[1:], " ")
}

func readAll(t *testing.T, options parse.Options, text string) ([]string, parse.Report) {
	t.Helper()
	var rows []string
	report, err := parse.List(options, strings.NewReader(text), func(row parse.Row) error {
		rows = append(rows, show(row))
		return nil
	})
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return rows, report
}

// formatTest is one text, the rows that it gives, and the reasons for what it refuses.
type formatTest struct {
	name, text string
	rows       []string
	refused    []string // "line reason", the reason as a part of it
}

func run(t *testing.T, options parse.Options, tests []formatTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, report := readAll(t, options, test.text)
			wantRows(t, rows, test.rows...)
			if report.Refused != len(test.refused) {
				t.Errorf("%d refused, want %d: %+v", report.Refused, len(test.refused), report.Samples)
			}
			for i, sample := range report.Samples {
				if got := fmt.Sprintf("%d %s", sample.Line, sample.Reason); i < len(test.refused) && !strings.HasPrefix(got, test.refused[i]) && !strings.Contains(got, test.refused[i]) {
					t.Errorf("refusal %q, want %q", got, test.refused[i])
				}
			}
		})
	}
}

func TestAdblock(t *testing.T) {
	run(t, parse.Options{Format: "adblock"}, []formatTest{
		{"blocks", "[Adblock Plus 2.0]\n! Title: x\n# like hosts\n||Ads.Example^\n||bücher.example^\n||zip^\n||*.below.example^\n||end.example^|\n",
			[]string{"4 subtree ads.example", "5 subtree xn--bcher-kva.example", "6 subtree zip", "7 below below.example", "8 subtree end.example"}, nil},
		{"exceptions", "@@||good.example^\n@@||*.good.example^$important\n@@||good.example^|\n",
			[]string{"1 subtree good.example passthru", "2 below good.example passthru", "3 subtree good.example passthru"}, nil},
		{"modifiers that change nothing for a name", "||a.example^$important\n||b.example^$all\n||c.example^$match-case,all\n||d.example^|$_\n",
			[]string{"1 subtree a.example", "2 subtree b.example", "3 subtree c.example", "4 subtree d.example"}, nil},
		{"a rule taken back", "||a.example^$badfilter\n@@||b.example^$badfilter\n",
			[]string{"1 subtree a.example passthru"}, []string{"2 takes an exception back"}},
		{"answers", "||a.example^$dnsrewrite=NXDOMAIN;;\n||b.example^$dnsrewrite=NOERROR\n||c.example^$dnsrewrite=REFUSED\n||d.example^$dnsrewrite=0.0.0.0\n||e.example^$dnsrewrite=192.0.2.1\n@@||f.example^$dnsrewrite\n",
			[]string{"1 subtree a.example nxdomain", "2 subtree b.example nodata", "3 subtree c.example", "4 subtree d.example"},
			[]string{"5 $dnsrewrite with records", "6 takes a rewrite back"}},
		{"modifiers that would be lost", "||x.example^\n||a.example^$third-party\n||a.example^$3p,important\n||a.example^$document\n||a.example^$doc\n||a.example^$popup\n||a.example^$script\n" +
			"||a.example^$domain=b.example\n||a.example^$client=192.0.2.1\n||a.example^$dnstype=AAAA\n||a.example^$denyallow=b.a.example\n||a.example^$ctag=device_tv\n||a.example^$~third-party\n||a.example^$\n@@||a.example^$document\n",
			[]string{"1 subtree x.example"}, []string{"$third-party", "$3p", "$document", "$doc", "$popup", "$script", "$domain", "$client", "$dnstype", "$denyallow", "$ctag", "$~third-party", "modifier $", "$document"}},
	})
}

func TestAdblockRefusesWhatIsNoName(t *testing.T) {
	for line, reason := range map[string]string{
		"||a.example": "no ^ after the name", "||a.example/": "has a path", "||a.example^path": "has a path", "||a.example/path^": "has a path",
		"||a.*^": "a pattern", "||*a.example^": "a pattern", "||a*.example^": "a pattern", "||*^": "a pattern", "||a.example:8080^": "has a port",
		"/ads[0-9]+/": "a regular expression", "/banner/img": "a regular expression", "|https://a.example|": "the start of an address",
		"|a.example^": "the start of an address", "a.example/path": "has a path", "*a.example*": "a pattern", "a.example^": "a pattern",
		"example.com##.ad": "stands in a page", "##.ad": "stands in a page", "#@#.ad": "stands in a page", "a.example#?#p": "stands in a page",
		"a.example$$script": "stands in a page", "a.example": "no || before", "0.0.0.0 a.example": "no || before", "*://*.a.example/*": "a pattern",
		"||192.0.2.1^": "an address", "@@a.example": "no || before", "||^": "empty", "@@": "no || before", "||": "no ^",
	} {
		rows, report := readAll(t, parse.Options{Format: "adblock"}, "||anchor.example^\n"+line+"\n")
		wantRows(t, rows, "1 subtree anchor.example")
		if report.Refused != 1 || !strings.Contains(report.Samples[0].Reason, reason) {
			t.Errorf("%s: %+v, want %q", line, report.Samples, reason)
		}
	}
}

func TestDnsmasq(t *testing.T) {
	run(t, parse.Options{Format: "dnsmasq"}, []formatTest{
		{"blocks", "# c\naddress=/a.example/#\naddress=/b.example/\naddress=/c.example/0.0.0.0\naddress=/d.example/::\nserver=/E.example/\nlocal=/f.example/ # why\naddress = /g.example/127.0.0.1\naddress=/.h.example/#\nlocal=/zip/\n",
			[]string{"2 subtree a.example", "3 subtree b.example", "4 subtree c.example", "5 subtree d.example", "6 subtree e.example", "7 subtree f.example", "8 subtree g.example", "9 subtree h.example", "10 subtree zip"}, nil},
		{"several names", "address=/a.example/b.example/c.example/#\n", []string{"1 subtree a.example", "1 subtree b.example", "1 subtree c.example"}, nil},
		{"given back", "address=/example/#\nserver=/good.example/#\n", []string{"1 subtree example", "2 subtree good.example passthru"}, nil},
		{"no blocks", "address=/x.example/#\naddress=/a.example/192.0.2.1\nserver=/a.example/192.0.2.53\nserver=192.0.2.53\naddress=/#/0.0.0.0\naddress=//#\naddress=/*a.example/#\nipset=/a.example/set\ncname=a.example,b.example\naddress=/a.example/b\naddress=/a b.example/#\nnonsense\n",
			[]string{"1 subtree x.example"}, []string{"2 sends the name to 192.0.2.1", "3 has servers of its own", "4 names no domain", "5 stands for all", "6 stands for all", "7 a pattern",
				"8 the option ipset", "9 the option cname", "10 ends in no address", "11 has \" \"", "12 no option of dnsmasq"}},
	})
}

func TestUnbound(t *testing.T) {
	run(t, parse.Options{Format: "unbound"}, []formatTest{
		{"types", "server:\nlocal-zone: \"a.example.\" always_nxdomain\n  local-zone: 'b.example' always_null # c\nlocal-zone: c.example refuse\nlocal-zone: \"d.example\" static\nlocal-zone: \"e.example\" deny\n" +
			"local-zone: \"f.example\" transparent\nlocal-zone: \"g.example\" inform_deny\nlocal-zone: \"h.example\" truncate\nlocal-zone: \"zip.\" always_nodata\n",
			[]string{"2 subtree a.example", "3 subtree b.example", "4 subtree c.example", "5 subtree d.example", "6 subtree e.example drop", "7 subtree f.example passthru", "8 subtree g.example drop",
				"9 subtree h.example tcp-only", "10 subtree zip"}, nil},
		{"one line", "server: local-zone: \"a.example\" static local-zone: \"b.example\" static\n", []string{"1 subtree a.example", "1 subtree b.example"}, nil},
		{"data", "local-data: \"a.example A 0.0.0.0\"\nlocal-data: \"a.example. 60 IN AAAA ::\"\nlocal-data: 'b.example 300 IN A 192.0.2.80'\nlocal-data: \"c.example TXT 'x y'\"\n",
			[]string{"1 exact a.example", "2 exact a.example", "3 exact b.example local-data 300 IN A 192.0.2.80", "4 exact c.example local-data 3600 IN TXT \"'x\" \"y'\""}, nil},
		{"redirect", "local-zone: \"a.example\" redirect\nlocal-data: \"a.example A 0.0.0.0\"\nlocal-zone: \"b.example\" redirect\nlocal-zone: \"c.example\" redirect\nlocal-data: \"c.example A 192.0.2.80\"\n",
			[]string{"2 subtree a.example", "5 subtree c.example local-data 3600 IN A 192.0.2.80", "3 subtree b.example"}, nil},
		{"no blocks", "local-zone: \"x.example\" static\nlocal-zone: \"a.example\" nodefault\nlocal-zone: \"b.example\" block_a\nlocal-zone: \"c/d\" static\nlocal-zone: \".\" static\nlocal-data: \"a.example\"\nlocal-data: \"a.example DNAME b.example\"\n" +
			"cache-size: 3\nview:\nlocal-zone: \"v.example\" static\nword\n",
			[]string{"1 subtree x.example"}, []string{"2 a zone of type nodefault", "3 a zone of type block_a", "4 has a path", "5 empty, or the root", "6 no record", "7 DNAME", "8 the option cache-size", "10 below view", "11 no `key:`"}},
	})
}

func TestDatesOfATable(t *testing.T) {
	options := parse.Options{Format: "csv", Columns: map[string]string{"name": "1", "listed": "2", "removed": "3"}}
	run(t, options, []formatTest{
		{"czech", "Adresa;Zveřejnění;Výmaz;Účet\n1a.example;26.07.2017;04.01.2023;1/0800\nb.example;1.2.2018;;\nc.example;;1.1.2090;\nd.example;24.12.2089;;x\n",
			[]string{"3 exact b.example", "4 exact c.example until 2090-01-01T00:00:00Z", "5 exact d.example from 2089-12-24T00:00:00Z"}, nil},
		{"italian and iso", "a.example,26/07/2017,26/07/2090\nb.example,2017-07-26,2090-07-26 12:30:00\nc.example,,2090-07-26T12:30:00+02:00\n",
			[]string{"1 exact a.example until 2090-07-26T00:00:00Z", "2 exact b.example until 2090-07-26T12:30:00Z", "3 exact c.example until 2090-07-26T10:30:00Z"}, nil},
		{"tabs and quotes", "name\tlisted\n\"a.example\"\t\"26.07.2017\"\n\"b.example\"\t\"two\nlines\"\nc.example\t\n \"d.example\" \t1.1.2020\t\n",
			[]string{"2 exact a.example", "5 exact c.example", "6 exact d.example"}, []string{"3 the date it was listed is not understood"}},
		{"names", ".a.example;;\n*.b.example;;\nhttps://c.example/x;;\nlocal;;\n;;\nd.example;soon;\ne.example;;31.02.2020\nf.example;;\"open\n",
			[]string{"1 subtree a.example", "2 below b.example"}, []string{"3 an address of the web", "4 a single label", "5 no name", "6 the date it was listed is not", "7 the date it was removed is not", "8 a quote that is not closed"}},
	})
}

func TestARemovalCountsAtItsSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins at midnight of 2000-01-01
		options := parse.Options{Format: "csv", Columns: map[string]string{"name": "1", "listed": "2", "removed": "3"}}
		text := "a.example;2000-01-01T00:00:01Z;2000-01-01T00:00:02Z\nb.example;;\n"
		for _, want := range []string{"1 exact a.example from 2000-01-01T00:00:01Z until 2000-01-01T00:00:02Z", "1 exact a.example until 2000-01-01T00:00:02Z", "2 exact b.example"} {
			if rows, _ := readAll(t, options, text); rows[0] != want {
				t.Errorf("at %s: %q, want %q first", time.Now(), rows, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestDatesAreOfTheListsTimeZone(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := readAll(t, parse.Options{Format: "csv", Location: prague, Columns: map[string]string{"name": "1", "removed": "2"}}, "a.example;1.7.2090\nb.example;1.1.2090\n")
	wantRows(t, rows, "1 exact a.example until 2090-06-30T22:00:00Z", "2 exact b.example until 2089-12-31T23:00:00Z")
}

func TestColumnsByHeading(t *testing.T) {
	options := parse.Options{Format: "csv", Columns: map[string]string{"name": "Domain", "removed": "date REMOVED"}}
	rows, report := readAll(t, options, "Date Removed,Source,Domain\n,x,a.example\n2020-01-01,x,b.example\n")
	wantRows(t, rows, "2 exact a.example")
	if report.Removed != 1 || report.Boilerplate != 1 {
		t.Errorf("report %+v", report)
	}
	_, err := parse.List(options, strings.NewReader("url,notes\na.example,x\n"), nil)
	if !errors.Is(err, parse.ErrColumns) || !strings.Contains(err.Error(), `no column`) || !strings.Contains(err.Error(), "url, notes") {
		t.Errorf("error %v", err)
	}
}

const registerHead = `<?xml version="1.0" encoding="UTF-8"?>
<Rejestr xmlns="http://www.hazard.mf.gov.pl/2017/03/21/">
`

func TestRegister(t *testing.T) {
	text := registerHead + `<PozycjaRejestru Lp="1">
<AdresDomeny> Kasyno.example </AdresDomeny><DataWpisu>2017-07-12T10:00:00</DataWpisu>
</PozycjaRejestru>
<PozycjaRejestru Lp="2"><AdresDomeny>b.example</AdresDomeny><DataWpisu>2017-07-12T10:00:00</DataWpisu><DataWykreslenia>2018-01-01T00:00:00</DataWykreslenia></PozycjaRejestru>
<PozycjaRejestru Lp="3"><AdresDomeny>c.example</AdresDomeny><DataWpisu>2090-07-12T10:00:00</DataWpisu></PozycjaRejestru>
<PozycjaRejestru Lp="4"><AdresDomeny>d.example/path</AdresDomeny></PozycjaRejestru><PozycjaRejestru/>
</Rejestr>
`
	run(t, parse.Options{Format: "xml", Scope: blocklists.Subtree}, []formatTest{{"register", text,
		[]string{"3 subtree kasyno.example", "7 subtree c.example from 2090-07-12T08:00:00Z"}, []string{"8 has a path", "8 an entry without AdresDomeny"}}})
}

func TestRegisterIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		cause error
	}{
		"laughs":       {`<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Rejestr>&b;</Rejestr>`, parse.ErrFormat},
		"entity":       {registerHead + "<PozycjaRejestru><AdresDomeny>&lol;</AdresDomeny></PozycjaRejestru></Rejestr>", parse.ErrFormat},
		"deep":         {registerHead + strings.Repeat("<a>", 100), parse.ErrTooLong},
		"long text":    {registerHead + "<PozycjaRejestru><AdresDomeny>" + strings.Repeat("a", 100_000), parse.ErrTooLong},
		"long name":    {registerHead + "<PozycjaRejestru><AdresDomeny>" + strings.Repeat("a<b/>", 5000), parse.ErrTooLong},
		"attribute":    {registerHead + `<PozycjaRejestru Lp="` + strings.Repeat("a", 100_000), parse.ErrTooLong},
		"comment":      {registerHead + "<!--" + strings.Repeat("a", 100_000), parse.ErrTooLong},
		"cut off":      {registerHead + "<PozycjaRejestru><AdresDomeny>a.example", parse.ErrFormat},
		"another root": {"<html><body/></html>", parse.ErrFormat},
		"nothing":      {"<?xml version=\"1.0\"?>\n", parse.ErrEmpty},
		"encoding":     {`<?xml version="1.0" encoding="ebcdic"?><Rejestr/>`, parse.ErrPacked},
	} {
		_, err := parse.List(parse.Options{Format: "xml"}, strings.NewReader(test.text), func(parse.Row) error { return nil })
		if !errors.Is(err, test.cause) || !strings.Contains(err.Error(), "line ") && !errors.Is(test.cause, parse.ErrEmpty) {
			t.Errorf("%s: error %v, want %v with its line", name, err, test.cause)
		}
	}
}

func TestRegisterInAnotherEncoding(t *testing.T) {
	text := "<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?>\n<Rejestr><PozycjaRejestru>\n<AdresDomeny>\xb3\xb1ka.example</AdresDomeny></PozycjaRejestru></Rejestr>"
	rows, _ := readAll(t, parse.Options{Format: "xml"}, text)
	wantRows(t, rows, "2 exact xn--ka-ola7v.example")
}

func TestJSON(t *testing.T) {
	run(t, parse.Options{Format: "json"}, []formatTest{
		{"warnings", `[
{"RegisterPositionId": 1, "DomainAddress": "a.example", "InsertDate": "2020-03-23T10:00:00", "DeleteDate": null},
{"RegisterPositionId": 2, "DomainAddress": "b.example", "InsertDate": "2020-03-23T10:00:00", "DeleteDate": "2020-04-01T10:00:00"},
{"DomainAddress": "c.example", "DeleteDate": "2090-04-01T10:00:00"},
{"DomainAddress": "http://d.example/"}, {"Other": [1, {"x": []}]}
]
`, []string{"2 exact a.example", "4 exact c.example until 2090-04-01T10:00:00Z"}, []string{"5 an address of the web", "5 an entry without DomainAddress"}},
		{"names", "{\n\"description\": {\"a\": [1]},\n\"list\": [\n\"a.example\",\n\".b.example\",\n\"192.0.2.0/24\"\n],\n\"version\": 1}\n",
			[]string{"4 exact a.example", "5 subtree b.example"}, []string{"6 has a path"}},
	})
}

func TestJSONIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		cause error
	}{
		"deep":       {strings.Repeat(`[`, 20_000), parse.ErrFormat},
		"deep value": {`{"a":` + strings.Repeat(`[`, 20_000), parse.ErrFormat},
		"long value": {`[{"DomainAddress":"` + strings.Repeat("a", 100_000), parse.ErrTooLong},
		"long space": {`[` + strings.Repeat(" ", 100_000), parse.ErrTooLong},
		"cut off":    {`[{"DomainAddress":"a.example"},`, parse.ErrFormat},
		"type":       {`[{"DomainAddress":7}]`, parse.ErrFormat},
		"no list":    {`"a.example"`, parse.ErrFormat},
		"no array":   {`{"list": "a.example"}`, parse.ErrFormat},
		"and more":   {`{"list": ["a.example"]} {}`, parse.ErrFormat},
		"nothing":    {`[]`, parse.ErrEmpty},
	} {
		_, err := parse.List(parse.Options{Format: "json"}, strings.NewReader(test.text), func(parse.Row) error { return nil })
		if !errors.Is(err, test.cause) {
			t.Errorf("%s: error %v, want %v", name, err, test.cause)
		}
	}
}

func TestJSONLines(t *testing.T) {
	run(t, parse.Options{Format: "jsonl", Match: []string{"question", "address"}}, []formatTest{
		{"lines", `{"name": "a.example", "scope": "subtree", "order": "12/2026", "comment": "x"}
{"name": "B.example", "from": "2089-01-01T00:00:00Z", "until": "2090-01-01T00:00:00+01:00"}
{"name": "c.example", "until": "2020-01-01T00:00:00Z"}
{"name": "good.a.example", "action": "passthru"}

{"prefix": "192.0.2.77/24", "action": "drop"}
{"name": "d.example"}
{"name": "d.example", "tombstone": true}
{"name": "e.example", "tombstone": true}
{"name": "e.example"}
`, []string{"1 subtree a.example", "2 exact b.example from 2089-01-01T00:00:00Z until 2089-12-31T23:00:00Z", "4 exact good.a.example passthru", "6 address 192.0.2.0/24 drop", "10 exact e.example"}, nil},
		{"refused", `{"name": "a.example"}
{"name": "b.example", "prefix": "192.0.2.0/24"}
{}
{"nome": "c.example"}
{"name": "c.example", "action": "local-data"}
{"name": "c.example", "scope": "all"}
{"name": "c.example"} {"name": "d.example"}
{"prefix": "0.0.0.0/0"}
{"name": "https://c.example/"}
{"name": "c.example", "from": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z"}
`, []string{"1 exact a.example"}, []string{"2 must have one", "3 must have one", "4 no line", "5 action local-data", "6 no line", "7 no line", "8 prefix is no", "9 an address of the web", "10 until is not after"}},
	})
}

func TestMatch(t *testing.T) {
	text := "a.example\n192.0.2.1\n2001:db8::/32\n0.0.0.0/0\n"
	for _, test := range []struct {
		match   []string
		rows    []string
		refused int
	}{
		{nil, []string{"1 exact a.example"}, 3},
		{[]string{"question"}, []string{"1 exact a.example"}, 3},
		{[]string{"alias", "address"}, []string{"1 exact a.example", "2 address 192.0.2.1/32", "3 address 2001:db8::/32"}, 1},
		{[]string{"hint"}, []string{"2 address 192.0.2.1/32", "3 address 2001:db8::/32"}, 2},
		{[]string{"question", "nameserver"}, []string{"1 exact a.example", "1 nameserver exact a.example"}, 3},
		{[]string{"nameserver"}, []string{"1 nameserver exact a.example"}, 3},
	} {
		rows, report := readAll(t, parse.Options{Format: "domains", Match: test.match}, text)
		if !slices.Equal(rows, test.rows) || report.Refused != test.refused {
			t.Errorf("%q: %q, %+v", test.match, rows, report)
		}
	}
}
