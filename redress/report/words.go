package report

import (
	"embed"
	"html/template"
	"io/fs"
	"slices"

	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

//go:embed texts/*.json
var texts embed.FS

// Catalogue is the texts of the report's page, with those that an operator adds. Data is in none of them: its
// words are the keys behind part., table., note., column. and is.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("report", texts, more)
}

// english is what stands alone: the report and the page kit's words in English.
func english() (*language.Tongue, error) {
	own, err := Catalogue(nil)
	if err != nil {
		return nil, err
	}
	texts, err := page.Joined(own, nil)
	if err != nil {
		return nil, err
	}
	return texts.In(language.Source), nil
}

// split is one part that a number is split by, and the set of its words; "" where it is nobody's word but a
// name: of a list, an authority, a State or a language.
type split struct{ Set, Value string }

func splitOf(table Table, i int, value string) split {
	name := table.Splits[i]
	switch {
	case slices.Contains([]string{"state", "authority", "list", "field", "is", "languages"}, name):
		return split{Value: value}
	case name == "purpose" && value == "undisclosed":
		return split{Set: "is", Value: value}
	case slices.Contains([]string{"purpose", "category", "scope", "detection", "question", "answer"}, name):
		return split{Set: name, Value: value}
	case name == "decided by":
		return split{Set: "actor", Value: value}
	}
	return split{Set: "is", Value: value}
}

// functions are what the templates of the report need, the same in every language.
func functions() template.FuncMap {
	return template.FuncMap{
		"value": func(value *float64) string {
			if value == nil {
				return "–"
			}
			return grouped(text(value))
		},
		"part": splitOf,
	}
}

// said is a report in one language.
type said struct {
	*Transparency
	tongue *language.Tongue
}

// Charts are those of the report, their words in the language.
func (s said) Charts() []page.Chart {
	charts := s.Transparency.Charts()
	for i := range charts {
		chart := &charts[i]
		chart.Title, chart.Labels = s.tongue.Word("chart", chart.Title), s.tongue.Word("column", chart.Labels)
		for j := range chart.Series {
			chart.Series[j].Name = s.tongue.Word("column", chart.Series[j].Name)
		}
	}
	return charts
}
