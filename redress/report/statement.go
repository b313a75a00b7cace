package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
)

// Statement is something that an operator says of the resolver, head by head, in one language. The IDs of its heads and
// the purposes of its entries are the same in all.
type Statement struct {
	Language string    `json:"language"`
	Title    string    `json:"title"`
	Intro    []string  `json:"intro"`
	Sections []Section `json:"sections"`
	tongue   *language.Tongue
}

// Section is one head.
type Section struct {
	ID      string   `json:"id"`
	Heading string   `json:"heading"`
	Text    []string `json:"text,omitempty"` // paragraphs
	Entries []Entry  `json:"entries,omitempty"`
}

// Entry is one thing under a head, with what there is to say of it.
type Entry struct {
	Title   string `json:"title"`
	Purpose string `json:"purpose,omitempty"` // law, security, user or empty
	Rows    []Row  `json:"rows"`
}

// Row is one thing said. A row without a text is left out.
type Row struct {
	Term string `json:"term"`
	Text string `json:"text"`
	Link string `json:"link,omitempty"` // an http, https, mailto or tel address
}

//go:embed statement.html
var statementHTML string

// HTML writes the statement as a page of its own.
func (s *Statement) HTML(to io.Writer) error {
	parsed, err := template.New("statement").Funcs(template.FuncMap{"say": s.tongue.Say, "word": s.tongue.Word}).Parse(statementHTML)
	if err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	return parsed.Execute(to, s)
}

// width is how long a line of text is.
const width = 78

// Text writes the statement as plain text.
func (s *Statement) Text(to io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s\n", s.Title, strings.Repeat("=", len([]rune(s.Title))))
	for _, paragraph := range s.Intro {
		fmt.Fprintf(&text, "\n%s", wrap(paragraph, "", ""))
	}
	for i := range s.Sections {
		s.Sections[i].text(&text, s.tongue)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func (s *Section) text(to *strings.Builder, tongue *language.Tongue) {
	fmt.Fprintf(to, "\n%s\n%s\n", s.Heading, strings.Repeat("-", len([]rune(s.Heading))))
	for _, paragraph := range s.Text {
		fmt.Fprintf(to, "\n%s", wrap(paragraph, "", ""))
	}
	for _, entry := range s.Entries {
		title := entry.Title
		if entry.Purpose != "" {
			title += " (" + tongue.Word("purpose", entry.Purpose) + ")"
		}
		fmt.Fprintf(to, "\n%s", wrap(title, "* ", "  "))
		for _, row := range entry.Rows {
			said := row.Term + ": " + row.Text
			if row.Link != "" && !strings.HasSuffix(row.Link, row.Text) {
				said += " <" + row.Link + ">"
			}
			to.WriteString(wrap(said, "  ", "    "))
		}
	}
}

// wrap breaks a text into lines, the first and the others each behind their indent.
func wrap(text, first, others string) string {
	var lines strings.Builder
	line := first
	empty := true
	for _, word := range strings.Fields(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > width {
			lines.WriteString(line + "\n")
			line, empty = others, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return lines.String() + line + "\n"
}

// entry is an entry with those rows that say something.
func entry(title, purpose string, rows ...Row) Entry {
	return Entry{Title: title, Purpose: purpose, Rows: []Row{}}.with(rows)
}

// with leaves out rows that say nothing, and links that lead where none should.
func (e Entry) with(rows []Row) Entry {
	for _, row := range rows {
		if row.Text != "" {
			row.Link = page.SafeLink(row.Link)
			e.Rows = append(e.Rows, row)
		}
	}
	return e
}
