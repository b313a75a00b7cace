package report_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/report"
)

// facts are what no language may change: numbers, in whatever order a sentence has them.
func facts(text string) []string {
	numbers := regexp.MustCompile(`\d+`).FindAllString(text, -1)
	slices.Sort(numbers)
	return numbers
}

// TestTheStatementInEveryLanguage: the same heads, entries, numbers, lists, names and authorities, in other words.
func TestTheStatementInEveryLanguage(t *testing.T) {
	full, bare := deployment(), deployment()
	for _, d := range []*report.Deployment{full, bare} {
		for i := range d.Lists {
			d.Lists[i].Title = map[string]string{"en": "Titulus-" + string(d.Lists[i].ID)} // a word of no language
		}
	}
	for _, kind := range report.DeviationKinds() {
		full.Deviations = append(full.Deviations, report.Deviation{Kind: kind, Zone: "broken.example"})
	}
	bare.Resolver, bare.Clients = report.Resolver{Forward: []string{"9.9.9.9 (tls)"}, DNS64: true, Local: true, Rebinding: true, Zones: 5}, nil
	for _, d := range []*report.Deployment{full, bare, new(report.Deployment)} {
		all := teller(t).Disclosures(d)
		english := all.In("en")
		for _, tag := range languagetest.Languages() {
			made := all.In(tag)
			if made.Language != tag || !strings.Contains(pageOf(t, made), `<html lang="`+tag+`" dir="ltr">`) {
				t.Errorf("%s: the statement says that it is in %q", tag, made.Language)
			}
			sameStatement(t, made, english)
		}
	}
}

// sameStatement holds a statement to the English one.
func sameStatement(t *testing.T, made, english *report.Statement) {
	t.Helper()
	tag := made.Language
	if got, want := facts(textOf(t, made)), facts(textOf(t, english)); !slices.Equal(got, want) {
		t.Errorf("%s: the numbers are %v, and %v in English", tag, got, want)
	}
	if len(made.Sections) != len(english.Sections) {
		t.Fatalf("%s: %d heads, and %d in English", tag, len(made.Sections), len(english.Sections))
	}
	for i := range made.Sections {
		got, want := &made.Sections[i], &english.Sections[i]
		if got.ID != want.ID || len(got.Text) != len(want.Text) || len(got.Entries) != len(want.Entries) {
			t.Fatalf("%s: head %s is not what it is in English", tag, got.ID)
		}
		if tag != "en" && slices.Equal(got.Text, want.Text) && len(got.Text) > 0 {
			t.Errorf("%s: head %s is in English", tag, got.ID)
		}
		for j := range got.Entries {
			sameRows(t, tag, got.Entries[j], want.Entries[j])
		}
	}
	for _, name := range []string{"Tribunale di Esempio", "RG 1/2026", "Legge 633/1941", "Titulus-court", "Titulus-phishing", "Titulus-adult", "Example CERT", "mask.icloud.com", "adult.rpz.example", "A school network must see attacks."} {
		if got, want := strings.Count(flat(t, made), name), strings.Count(flat(t, english), name); got != want {
			t.Errorf("%s: %q is there %d times, and %d times in English", tag, name, got, want)
		}
	}
}

func flat(t *testing.T, s *report.Statement) string {
	t.Helper()
	return strings.Join(strings.Fields(textOf(t, s)), " ")
}

func sameRows(t *testing.T, tag string, got, want report.Entry) {
	t.Helper()
	if got.Purpose != want.Purpose || len(got.Rows) != len(want.Rows) {
		t.Errorf("%s: %q says other things than %q", tag, got.Title, want.Title)
		return
	}
	for i := range got.Rows {
		if got.Rows[i].Link != want.Rows[i].Link {
			t.Errorf("%s: %q leads to %q, and %q leads to %q", tag, got.Title, got.Rows[i].Link, want.Title, want.Rows[i].Link)
		}
	}
}

// TestTitlesInTheReadersLanguage: what an operator wrote in several languages is said in the reader's.
func TestTitlesInTheReadersLanguage(t *testing.T) {
	d := deployment()
	d.Lists[0].Title = map[string]string{"it": "Ordini del tribunale", "en": "Orders of the court"}
	d.Canaries[0].Because = map[string]string{"en": "A school.", "de": "Eine Schule."}
	all := teller(t).Disclosures(d)
	for tag, want := range map[string][]string{"it": {"Ordini del tribunale", "A school."}, "de": {"Orders of the court", "Eine Schule."}, "xx": {"Orders of the court", "A school."}} {
		for _, text := range want {
			if !strings.Contains(flat(t, all.In(tag)), text) {
				t.Errorf("%s: no %q", tag, text)
			}
		}
	}
	if got := flat(t, all.In("pl")); !strings.Contains(got, "najwyżej: 36 godzin") || !strings.Contains(got, "pobieranie co godzinę") {
		t.Errorf("lengths of time: %s", got)
	}
}
