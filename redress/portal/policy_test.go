package portal_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/report"
)

func TestPolicyPage(t *testing.T) {
	statement := &report.Statement{Title: "What runs", Intro: []string{"Hello."}, Sections: []report.Section{{
		ID: "filtering", Heading: "6. What is withheld", Text: []string{"Something."},
		Entries: []report.Entry{{Title: "Orders <script>", Purpose: "law", Rows: []report.Row{
			{Term: "Where to turn", Text: "Court", Link: "https://court.example/"}, {Term: "Nowhere", Text: "Trap", Link: "javascript:alert(1)"},
		}}},
	}}}
	b := open(t, func(c *options) { c.Policy = func(string) *report.Statement { return statement } })
	status, page, _ := b.get("/policy")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{"<h1>What runs</h1>", `href="#filtering"`, `<section id="filtering">`, "Orders &lt;script&gt;", "Ordered by law", `<a rel="noreferrer" href="https://court.example/">Court</a>`, "<dd>Trap</dd>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// disclosures are of a resolver with a list of a court and one of a publisher.
func disclosures(t *testing.T) *report.Disclosures {
	t.Helper()
	teller, err := report.NewTeller(nil)
	if err != nil {
		t.Fatal(err)
	}
	court := blocklists.Authority{Name: "Tribunale di Esempio", Kind: "court", Country: "IT"}
	return teller.Disclosures(&report.Deployment{
		Operator: policy.Operator{Name: "Example Net", Contact: "mailto:redress@example.net", Portal: "https://dns.example.net", Languages: languagetest.Languages()},
		Lists: []*blocklists.Manifest{
			{
				ID: "court", Purpose: blocklists.Law, Category: "copyright", Title: map[string]string{"it": "Elenco AGCOM"}, Authority: court, OrderRef: "RG 1/2026", Jurisdiction: []string{"IT"},
				LegalBasis: []blocklists.Basis{{Act: "Legge 633/1941", Article: "163"}}, Source: blocklists.Source{RPZ: "court.rpz.example", Refresh: 24 * time.Hour},
			},
			{ID: "cert", Purpose: blocklists.Security, Category: "malware", Title: map[string]string{"en": "CERT feed 7"}, Publisher: blocklists.Publisher{Name: "Example CERT"}, Pass: time.Hour},
		},
		Authorities: []string{"Ufficio Esempio"},
		Profiles:    3, Clients: []profile.Client{{Jurisdiction: "IT"}},
		Doors:    []report.Door{{Kind: report.PlainDoor, Ports: []uint16{53}}, {Kind: report.TLSDoor, Ports: []uint16{853}, Name: "dns.example.net"}},
		Resolver: report.Resolver{Validates: true, Minimises: "strict", NSEC: true, Local: true, Zones: 2},
		Keeps:    report.Keeps{Stale: 3 * 24 * time.Hour, Contacts: 30 * 24 * time.Hour, Mail: true, ClientRate: true},
	})
}

// TestPolicyPageInEveryLanguage: the words are the reader's; numbers, lists and authorities are the same on all pages.
func TestPolicyPageInEveryLanguage(t *testing.T) {
	b := open(t, func(o *options) {
		o.Operator.Languages = languagetest.Languages()
		o.Policy = disclosures(t).In
	})
	var english []string
	for _, tag := range languagetest.Languages() {
		status, shown, _ := b.get("/policy?lang=" + tag)
		_, main, _ := strings.Cut(shown, "<main")
		main, footer, _ := strings.Cut(main, "</main>")
		if status != http.StatusOK || !strings.Contains(shown, `<html lang="`+tag+`"`) || strings.Count(footer, "?lang=") < len(languagetest.Languages()) {
			t.Fatalf("%s: status %d\n%s", tag, status, shown)
		}
		numbers := regexp.MustCompile(`\d+`).FindAllString(main, -1)
		slices.Sort(numbers)
		if tag == "en" {
			english = numbers
		}
		if !slices.Equal(numbers, english) || len(numbers) == 0 {
			t.Errorf("%s: the numbers are %v, and %v in English", tag, numbers, english)
		}
		for _, name := range []string{"Tribunale di Esempio (IT)", "Ufficio Esempio", "Elenco AGCOM", "CERT feed 7", "Example CERT", "RG 1/2026", "Legge 633/1941", "court.rpz.example"} {
			if strings.Count(main, name) != 1 && name != "Example CERT" || !strings.Contains(main, name) {
				t.Errorf("%s: %q is not there once", tag, name)
			}
		}
		if left := "What is withheld"; strings.Contains(main, left) != (tag == "en") {
			t.Errorf("%s: %q", tag, left)
		}
	}
}

func TestWithoutAPolicyThereIsNoPage(t *testing.T) {
	b := open(t)
	if status, _, _ := b.get("/policy"); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}
