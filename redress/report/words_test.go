package report

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
)

func TestTexts(t *testing.T) {
	own, err := Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := PolicyCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{
		Texts: own, Also: language.Join(statement, kit), Templates: os.DirFS("templates"), Sets: []string{"is.", "answer.", "part.", "absent", "period.wrong"},
	})
	languagetest.Check(t, languagetest.Part{
		Texts: statement, Also: language.Join(own, kit), Templates: os.DirFS("templates"), Sets: []string{"deviation.", "every.", "span."},
	})
}

// TestEveryKindHasWords: what a deployment calls by a key has words in the statement.
func TestEveryKindHasWords(t *testing.T) {
	texts, err := PolicyCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	english := texts.In("en")
	for _, kind := range DeviationKinds() {
		want(t, english.Has("deviation."+string(kind)), string(kind))
	}
	for _, kind := range []DoorKind{PlainDoor, TLSDoor, HTTPSDoor, QUICDoor} {
		want(t, english.Has("door."+string(kind)), string(kind))
	}
	on := policy.Switch{Purpose: blocklists.User}
	all := policy.Canaries{FirefoxDoH: on, ICloudRelay: on, ChromePrefetch: on}
	for _, one := range all.On() {
		want(t, english.Say("canary."+one.Key) == one.Manifest.Title["en"], one.Key)
	}
}

// TestEveryTableHasWords: what the report's data calls by an English key has words in all languages.
func TestEveryTableHasWords(t *testing.T) {
	own, err := Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := aYear(t).book(t).Make("ISP", "https://dns.example", year)
	if err != nil {
		t.Fatal(err)
	}
	english := own.In("en")
	for _, part := range made.Parts {
		want(t, english.Has("part."+part.ID), part.ID)
		for _, table := range part.Tables {
			want(t, english.Has("table."+table.Title), table.Title)
			want(t, table.Note == "" || english.Say("note."+table.Title) == table.Note, "note of "+table.Title)
			for _, column := range append(table.Splits, table.Measures...) {
				want(t, english.Has("column."+column), column)
			}
		}
	}
	for _, chart := range made.Charts() {
		want(t, english.Has("chart."+chart.Title), chart.Title)
		want(t, english.Has("column."+chart.Labels), chart.Labels)
		for _, series := range chart.Series {
			want(t, english.Has("column."+series.Name), series.Name)
		}
	}
}

func want(t *testing.T, is bool, what string) {
	t.Helper()
	if !is {
		t.Errorf("no words for %q", what)
	}
}

// fixed is a source that has one report.
type fixed struct{ made *Transparency }

// Report implements [Source].
func (f fixed) Report(context.Context, Period) (*Transparency, error) { return f.made, nil }

// TestThePageInEveryLanguage: headings and words in the reader's, numbers and data as they are.
func TestThePageInEveryLanguage(t *testing.T) {
	made, err := aYear(t).book(t).Make("ISP", "https://dns.example", year)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.New(page.Config{Operator: policy.Operator{Name: "ISP", Portal: "https://dns.example", Languages: languagetest.Languages()}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := NewPages(kit, fixed{made}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	numbers := regexp.MustCompile(`<td class="number">([^<]*)</td>`)
	var english string
	for _, tag := range languagetest.Languages() {
		recorder := httptest.NewRecorder()
		pages.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/report?from=2026-01-01&to=2026-01-31&lang="+tag, nil))
		body := html.UnescapeString(recorder.Body.String())
		if recorder.Code != http.StatusOK || !strings.Contains(body, `<html lang="`+tag+`"`) {
			t.Fatalf("%s: %d\n%s", tag, recorder.Code, body)
		}
		all := strings.Join(numbers.FindAllString(body, -1), "")
		if tag == "en" {
			english = all
			continue
		}
		if all != english || all == "" {
			t.Errorf("%s: other numbers than in English", tag)
		}
		for _, left := range []string{"Orders received", "median to acknowledge", ">reporter<", "Recomputed", "Cases by month"} {
			if strings.Contains(body, left) {
				t.Errorf("%s: %q is in English", tag, left)
			}
		}
	}
}
