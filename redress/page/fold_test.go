package page

import (
	"html/template"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/language"
)

// A text without placeholders stands in the template, escaped; of a request there is left what depends on it.
func TestTextsAreWrittenIntoTemplates(t *testing.T) {
	const marked = `{"a.text": "5 < 6 & \"so\"", "a.name": "{who} <b>"}`
	texts, err := language.Load("part", fstest.MapFS{"part.en.json": {Data: []byte(marked)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := New(Config{Operator: policy.Operator{Name: "ISP"}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	page := template.Must(template.New("x").Funcs(kit.functions(texts.In("en"))).Parse(
		`<p title="{{say "a.text"}}">{{if .}}{{say "a.text"}}{{else}}{{say "a.text"}}{{end}}{{range .}}{{say "a.text"}}{{end}}|{{say "a.name" "who" "<i>"}}|{{say "nothing"}}</p>`))
	before, err := page.Clone()
	if err != nil {
		t.Fatal(err)
	}
	fold(page, texts.In("en"))
	const text = `5 &lt; 6 &amp; &#34;so&#34;`
	const want = `<p title="` + text + `">` + text + text + `|&lt;i&gt; &lt;b&gt;|nothing</p>`
	for name, one := range map[string]*template.Template{"as it is": before, "folded": page} {
		if got := executed(t, one); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := countActions(page.Tree.Root); got != 2 {
		t.Errorf("%d actions are left, and two have something to be filled in or no text", got)
	}
}

func executed(t *testing.T, page *template.Template) string {
	t.Helper()
	var out strings.Builder
	if err := page.Execute(&out, []string{"one"}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// countActions counts the actions of a list and of what is in it.
func countActions(list *parse.ListNode) int {
	count := 0
	if list == nil {
		return count
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.ActionNode:
			count++
		case *parse.IfNode:
			count += countActions(node.List) + countActions(node.ElseList)
		case *parse.RangeNode:
			count += countActions(node.List)
		}
	}
	return count
}
