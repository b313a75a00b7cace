package statements_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/statements"
)

func TestTexts(t *testing.T) {
	own, err := statements.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := page.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	languagetest.Check(t, languagetest.Part{Texts: own, Also: kit, Sets: []string{"keeps", "except", "category", "authority", "order", "acts"}})
}

func writer(t *testing.T) *statements.Writer {
	t.Helper()
	made, err := statements.New(statements.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// of is a statement that says all that one can say.
func of(change func(*redress.Statement)) *redress.Statement {
	at := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	made := &redress.Statement{
		Case: "C-7K4Q-92QF-M3TX", Code: "7K4Q-92QF-M3TX", Name: "shop.example", Scope: "subtree", Question: redress.Merits, Outcome: redress.Uphold, At: at,
		What: redress.StaysBlocked, Territory: []string{"IT"}, From: at.AddDate(0, -1, 0), ReviewBy: at.AddDate(0, 3, 0),
		Purpose: "law", Category: "copyright", LegalBasis: []blocklists.Basis{{Act: "Legge 633/1941", Article: "163"}}, Order: "RG 1/2026", Authority: "Tribunale",
		Ground: "Our terms & yours.", Facts: "Seen <today>.\nTwice.", TextLanguage: "en", Summarised: true, Source: "notice", Detection: policy.Automated,
		DecidedBy: redress.SecondReviewer, SecondBy: redress.Reviewer, Body: "Court", Ref: "7",
		Remedies: []redress.Remedy{
			{Kind: "appeal", URL: "https://portal.example/cases/C-7K4Q-92QF-M3TX", Until: at.AddDate(0, 6, 0), Cost: "free"},
			{Kind: "court", Name: "Tribunale", Deadline: "30d", From: "notification", Languages: []string{"it"}, Cost: "EUR 98"},
			{Kind: "self", URL: "https://portal.example/home/"},
		},
	}
	if change != nil {
		change(made)
	}
	return made
}

func text(written *redress.Written) string {
	var all strings.Builder
	for _, part := range written.Parts {
		all.WriteString(part.Heading + "\n" + strings.Join(part.Lines, "\n") + "\n")
	}
	return all.String()
}

func TestSaysAllInTheReadersLanguage(t *testing.T) {
	written := writer(t).Write(of(nil), "de-AT")
	if written.Language != "de" {
		t.Fatalf("language %q", written.Language)
	}
	said := text(&written)
	for _, want := range []string{
		"C-7K4Q-92QF-M3TX", "7K4Q-92QF-M3TX", "shop.example: dieser Name und alles darunter", "Die Sperre bleibt.", "Nur in IT.", "Gesperrt seit 26. Oktober 2026.", "Ein Ende ist nicht festgelegt.", "26. Februar 2027",
		"Eine Anordnung nach dem Gesetz.", "Kategorie: Urheberrecht.", "Anordnung: RG 1/2026.", "Rechtsgrundlage: Legge 633/1941 163.", "(geschrieben auf: Englisch)\nSeen <today>.\nTwice.", "Angreifern", "Our terms & yours.",
		"weil ein Fall eingereicht wurde", "Ein Programm hat den Eintrag gefunden.", "Ein Mensch hat entschieden, kein Programm.", "Entscheidung von: Court, 7.", "26. Mai 2027", "30 Tage, gerechnet ab der Zustellung", "Italienisch", "Kosten: EUR 98.", "Es ist kostenlos.",
		"Englisch, Deutsch",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("lacks %q:\n%s", want, said)
		}
	}
	for _, part := range written.Parts {
		if part.Quoted != (part.Language == "en") {
			t.Errorf("marked wrongly: %+v", part)
		}
	}
}

// TestEveryLanguage: no key and no placeholder is left, whatever happens to the name.
func TestEveryLanguage(t *testing.T) {
	left := regexp.MustCompile(`\{[a-z]+\}|\b(head|what|ground|found|source|remedy|scope|actor|question|category|from)\.[a-z]`)
	for _, tag := range languagetest.Languages() {
		for _, what := range []redress.What{redress.StaysBlocked, redress.Unblocked, redress.PartlyOpen, redress.OpenLater, redress.IsReferred} {
			for _, purpose := range []string{"law", "security", "user"} {
				written := writer(t).Write(of(func(s *redress.Statement) {
					s.What, s.Purpose, s.Territory, s.NarrowScope, s.NarrowTo, s.Except = what, purpose, nil, "exact", "a.shop.example", []string{"b.shop.example"}
					s.Until = s.At.AddDate(0, 1, 0)
				}), tag)
				if found := left.FindString(text(&written)); written.Language != tag || found != "" {
					t.Errorf("%s, %s: %q in %s", tag, what, found, text(&written))
				}
			}
		}
	}
}

func TestMachineCopyIsInNoLanguage(t *testing.T) {
	made := of(nil)
	before, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	writer(t).Write(made, "et")
	after, err := json.Marshal(made)
	if err != nil || string(before) != string(after) {
		t.Errorf("writing changed the statement:\n%s\n%s", before, after)
	}
}
