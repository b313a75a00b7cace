package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const labText = `The miniature Internet answers on port 53 of its servers' addresses, UDP and TCP.

Root hints:
  .	86400	IN	NS	a.root-servers.
  a.root-servers.	86400	IN	A	127.42.0.1
Trust anchors:
  .	3600	IN	DS	42897 13 2 8BF5
Names to try:
  www.signed.example                 A      a signed name (ECDSA P-256, NSEC)
  big.example                        TXT    an answer that needs TCP
Updates (RFC 2136) are taken on 127.0.0.1:43021; for example:
  nsupdate
`

func TestReadLab(t *testing.T) {
	internet, err := readLab(strings.NewReader(labText))
	if err != nil {
		t.Fatal(err)
	}
	want := []question{{"www.signed.example.", dns.TypeA}, {"big.example.", dns.TypeTXT}}
	if !slices.Equal(internet.samples, want) {
		t.Errorf("samples %v, want %v", internet.samples, want)
	}
	if len(internet.hints) != 2 || len(internet.anchors) != 1 {
		t.Errorf("%d hints and %d anchors, want 2 and 1", len(internet.hints), len(internet.anchors))
	}
	if _, err := readLab(strings.NewReader("Root hints:\n")); err == nil {
		t.Error("a miniature Internet without anything is taken")
	}
}

func TestQuestions(t *testing.T) {
	samples := []question{{"www.signed.example.", dns.TypeA}, {"x.alldead.example.", dns.TypeA}}
	asked := questions(samples, 5000)
	if len(asked) < 4000 || len(asked) > 5000 {
		t.Errorf("%d questions, want nearly 5000", len(asked))
	}
	if !slices.Equal(asked, questions(samples, 5000)) {
		t.Error("the questions are others at the second time")
	}
	seen := map[question]bool{}
	for _, q := range asked {
		if _, ok := dns.IsDomainName(q.Name); !ok || seen[q] {
			t.Errorf("%s: no name, or twice", q)
		}
		if isSilent(q.Name) && q.Type != dns.TypeA {
			t.Errorf("%s: costs seconds and shows nothing", q)
		}
		seen[q] = true
	}
	for _, sample := range samples {
		if !seen[sample] {
			t.Errorf("the sample %s is not asked", sample)
		}
	}
}

func TestRead(t *testing.T) {
	record := func(text string) dns.RR {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		return rr
	}
	one, other := record("WWW.example. 300 A 192.0.2.1"), record("www.example. 17 A 192.0.2.2")
	signature := record("www.example. 300 RRSIG A 13 2 300 20261207070057 20261122070057 1 example. AAAA")
	build := func(rcode int, ad bool, records ...dns.RR) answer {
		message := &dns.Msg{Answer: records}
		message.Rcode, message.AuthenticatedData = rcode, ad
		return read(message)
	}
	if a, b := build(0, true, one, other, signature), build(0, true, other, one); !a.same(b) || a.Outcome != "DATA+AD" {
		t.Errorf("order or signatures matter: %v, %v", a, b)
	}
	for _, test := range []struct {
		got  answer
		want string
	}{
		{build(0, false), "NODATA"},
		{build(0, false, one), "DATA"},
		{build(0, true, signature), "NODATA+AD"},
		{build(dns.RcodeNameError, true), "NXDOMAIN+AD"},
		{build(dns.RcodeServerFailure, false), "SERVFAIL"},
		{build(4095, false), "RCODE4095"},
	} {
		if test.got.Outcome != test.want {
			t.Errorf("outcome %s, want %s", test.got.Outcome, test.want)
		}
	}
	if build(0, false, one).same(build(0, false, other)) || build(0, false, one).same(build(0, true, one)) {
		t.Error("other data or another AD is the same answer")
	}
}

func TestExpectations(t *testing.T) {
	expected, err := readExpectations("a  knot  SERVFAIL  NXDOMAIN+AD,DATA  DS  *.nosig.example # why\n\nb * * SERVFAIL * \\**")
	if err != nil {
		t.Fatal(err)
	}
	c := comparison{expected: expected}
	ours := answer{Outcome: "SERVFAIL"}
	for _, test := range []struct {
		peer, theirs, name string
		kind               uint16
		want               string
	}{
		{"knot", "NXDOMAIN+AD", "X.nosig.example.", dns.TypeDS, "a"},
		{"knot", "DATA", "a.b.nosig.example.", dns.TypeDS, "a"},
		{"knot", "DATA+AD", "a.b.nosig.example.", dns.TypeDS, unexplained},
		{"bind", "NXDOMAIN+AD", "x.nosig.example.", dns.TypeDS, unexplained},
		{"knot", "NXDOMAIN+AD", "x.nosig.example.", dns.TypeA, unexplained},
		{"knot", "NXDOMAIN+AD", "nosig.example.", dns.TypeDS, unexplained},
		{"bind", "SERVFAIL", "*.any.example.", dns.TypeA, "b"},
		{"bind", "SERVFAIL", "any.example.", dns.TypeA, unexplained},
	} {
		got := c.reason(question{test.name, test.kind}, test.peer, ours, answer{Outcome: test.theirs})
		if got != test.want {
			t.Errorf("%+v: explained by %q", test, got)
		}
	}
	for _, bad := range []string{"a b c d e", "a [ * * * *"} {
		if _, err := readExpectations(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Each id of expected.txt is a heading of the document, and the other way round.
func TestDifferencesAreDocumented(t *testing.T) {
	expected, err := readExpectations(expectedText)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	var headings, ids []string
	for line := range strings.Lines(string(text)) {
		if id, found := strings.CutPrefix(line, "### "); found {
			headings = append(headings, strings.TrimSpace(id))
		}
	}
	for _, e := range expected {
		ids = append(ids, e.id)
	}
	slices.Sort(ids)
	slices.Sort(headings)
	if ids = slices.Compact(ids); !slices.Equal(ids, headings) {
		t.Errorf("expected.txt has %v,\ndocs/differences.md %v", ids, headings)
	}
}

func TestComparison(t *testing.T) {
	q := question{"a.example.", dns.TypeA}
	yes, no := answer{Outcome: "DATA+AD", Data: "x"}, answer{Outcome: "NXDOMAIN"}
	c := comparison{
		names: []string{"ours", "one", "two"},
		asked: []question{q, q, q},
		answers: map[string][]answer{
			"ours": {yes, yes, no},
			"one":  {yes, no, no},
			"two":  {yes, yes, yes},
		},
		expected: []expectation{{"known", "one", "DATA+AD", "NXDOMAIN", "A", "a.example"}},
	}
	if got := c.differing(); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("questions %v differ, want 1 and 2", got)
	}
	if got := c.unsettled(); !slices.Equal(got, []int{2}) {
		t.Errorf("questions %v are unsettled, want 2", got)
	}
	if got, want := c.row(1).sides(c.names), "ours=two DATA+AD | one NXDOMAIN"; got != want {
		t.Errorf("sides %q, want %q", got, want)
	}
	var out strings.Builder
	alike, err := c.report(&out, "", nil, 0)
	if err != nil || alike {
		t.Errorf("an unexplained difference passes: %v", err)
	}
	for _, want := range []string{"1 answered by all as by us", "1 differences are explained", "1 are not", "known"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}
