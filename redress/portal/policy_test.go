package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/report"
)

func TestPolicyPage(t *testing.T) {
	statement := &report.Statement{Title: "What runs", Intro: []string{"Hello."}, Sections: []report.Section{{
		ID: "filtering", Heading: "6. What is withheld", Text: []string{"Something."},
		Entries: []report.Entry{{Title: "Orders <script>", Purpose: "law", Rows: []report.Row{
			{Term: "Where to turn", Text: "Court", Link: "https://court.example/"}, {Term: "Nowhere", Text: "Trap", Link: "javascript:alert(1)"},
		}}},
	}}}
	b := open(t, func(c *options) { c.Policy = func() *report.Statement { return statement } })
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

func TestWithoutAPolicyThereIsNoPage(t *testing.T) {
	b := open(t)
	if status, _, _ := b.get("/policy"); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}
