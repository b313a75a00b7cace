package report

import (
	_ "embed"
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
	if len(t.months) == 0 {
		return nil
	}
	cases := page.Chart{Title: "Cases by month", Labels: "Month", Series: []page.Series{{Name: "received"}, {Name: "closed"}}}
	blocks := page.Chart{Title: "Answers withheld by month", Labels: "Month"}
	for _, purpose := range purposes() {
		blocks.Series = append(blocks.Series, page.Series{Name: purpose})
	}
	for _, month := range t.months {
		cases.Steps, blocks.Steps = append(cases.Steps, month.name), append(blocks.Steps, month.name)
		cases.Series[0].Values = append(cases.Series[0].Values, float64(month.received))
		cases.Series[1].Values = append(cases.Series[1].Values, float64(month.closed))
		for i, purpose := range purposes() {
			blocks.Series[i].Values = append(blocks.Series[i].Values, float64(month.blocked[purpose]))
		}
	}
	return []page.Chart{cases, blocks}
}

//go:embed templates/report.html
var reportHTML string

//go:embed templates/alone.html
var aloneHTML string

// HTML writes the report as a page of its own, that needs nothing else.
func (t *Transparency) HTML(to io.Writer) error {
	parsed, err := template.New("alone").Funcs(Functions()).Parse(aloneHTML)
	if err == nil {
		_, err = parsed.Parse(reportHTML)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return parsed.Execute(to, t)
}

// Functions are what the template of the report needs.
func Functions() template.FuncMap {
	return template.FuncMap{
		"value": func(value *float64) string {
			if value == nil {
				return "–"
			}
			return grouped(text(value))
		},
	}
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
