package report

import (
	"embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/redress/page"
)

// JSON writes the report for programs.
func (t *Transparency) JSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(t); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// csvSplits is how many parts a number is split by at most.
const csvSplits = 4

// CSV writes a line for each number: section, metric, table, what it is split by, measure and value.
func (t *Transparency) CSV(to io.Writer) error {
	out := csv.NewWriter(to)
	head := []string{"section", "metric", "table"}
	for i := range csvSplits {
		head = append(head, fmt.Sprint("split", i+1), fmt.Sprint("is", i+1))
	}
	rows := [][]string{append(head, "measure", "value")}
	for i := range t.Parts {
		for j := range t.Parts[i].Tables {
			rows = append(rows, t.Parts[i].Tables[j].csv(t.Parts[i].ID)...)
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func (t *Table) csv(section string) [][]string {
	metric := ""
	if t.Metric > 0 {
		metric = strconv.Itoa(t.Metric)
	}
	var rows [][]string
	for _, line := range t.Rows {
		row := []string{section, metric, t.Title}
		for i := range csvSplits {
			if i < len(t.Splits) {
				row = append(row, t.Splits[i], cell(line.Split[i]))
			} else {
				row = append(row, "", "")
			}
		}
		for i, measure := range t.Measures {
			rows = append(rows, append(row[:len(row):len(row)], measure, text(line.Values[i])))
		}
		if len(t.Measures) == 0 {
			rows = append(rows, append(row, "", ""))
		}
	}
	return rows
}

// cell keeps a text from being taken for a formula by a program that shows tables.
func cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

// text is a number as programs read it; empty where there is none.
func text(value *float64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatFloat(*value, 'f', -1, 64)
}

// Charts are what the report shows as bars, with the same numbers beneath.
func (t *Transparency) Charts() []page.Chart {
	if len(t.Months) == 0 {
		return nil
	}
	chart := func(title string, names []string, of func(*Month) []int64) page.Chart {
		made := page.Chart{Title: title, Labels: "Month", Series: make([]page.Series, len(names))}
		for i := range t.Months {
			made.Steps = append(made.Steps, t.Months[i].Month)
			for s, n := range of(&t.Months[i]) {
				made.Series[s].Values = append(made.Series[s].Values, float64(n))
			}
		}
		for s, name := range names {
			made.Series[s].Name = name
		}
		return made
	}
	return []page.Chart{
		chart("Cases by month", []string{"received", "closed"}, func(m *Month) []int64 { return []int64{m.Received, m.Closed} }),
		chart("Answers withheld by month", purposes(), func(m *Month) []int64 { return []int64{m.Law, m.Security, m.User} }),
	}
}

//go:embed templates/*.html
var templates embed.FS

// HTML writes the report as a page of its own, that needs nothing else.
func (t *Transparency) HTML(to io.Writer) error {
	tongue, err := english()
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	parsed, err := template.New("alone.html").Funcs(functions()).Funcs(template.FuncMap{"say": tongue.Say, "word": tongue.Word}).ParseFS(templates, "templates/alone.html", "templates/part_tables.html")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return parsed.Execute(to, said{t, tongue})
}

// grouped sets thin blanks between thousands.
func grouped(digits string) string {
	whole, rest, _ := strings.Cut(digits, ".")
	var made strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			made.WriteString("\u202f")
		}
		made.WriteRune(digit)
	}
	if rest != "" {
		made.WriteString("." + rest)
	}
	return made.String()
}
