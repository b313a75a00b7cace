package redress_test

import (
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// TestStatementIsKeptAsSent: in the party's language, what the reviewer wrote marked with its own, and the
// same after the lists have changed.
func TestStatementIsKeptAsSent(t *testing.T) {
	w := redresstest.New(t)
	polish := application("phish.example")
	polish.Language = "pl"
	receipt := file(t, w, polish)
	preview, err := w.Desk.Preview(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "Visto oggi.", Ground: "Regola 3.", Language: "it"})
	if err != nil || preview.Written == nil || preview.AsSent {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	decide(t, w, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "Visto oggi.", Ground: "Regola 3.", Language: "it"})
	made, err := w.Desk.Statement(t.Context(), receipt.ID, receipt.Token)
	if err != nil || made.Written == nil || !made.AsSent || made.Written.Language != "pl" || made.TextLanguage != "it" {
		t.Fatalf("statement %+v, %v", made, err)
	}
	quotes, said := 0, ""
	for _, part := range made.Written.Parts {
		said += part.Heading + strings.Join(part.Lines, " ")
		if part.Quoted && part.Language == "it" {
			quotes++
		}
	}
	if quotes != 2 || !strings.Contains(said, "Blokada pozostaje.") || !strings.Contains(said, "Visto oggi.") || len(made.Versions) != 7 {
		t.Errorf("%d quotes in %s", quotes, said)
	}
	if made.Record.Facts != "Visto oggi." || made.Record.Category != "STATEMENT_CATEGORY_SCAMS_AND_FRAUD" {
		t.Errorf("machine copy %+v", made.Record)
	}

	w.Lists["phishing"] = []string{"other.example"}
	w.Restart()
	later, err := w.Desk.Statement(t.Context(), receipt.ID, receipt.Token)
	if err != nil || later.Written == nil || strings.Join(linesOf(later.Written), "\n") != strings.Join(linesOf(made.Written), "\n") {
		t.Errorf("what was sent has changed: %+v, %v", later.Written, err)
	}
	german := w.Desk.StatementIn(later, "de")
	if german.AsSent || german.Written.Language != "de" || later.Written.Language != "pl" {
		t.Errorf("version %+v", german.Written)
	}
}

func linesOf(written *redress.Written) (all []string) {
	for _, part := range written.Parts {
		all = append(all, part.Lines...)
	}
	return all
}

// TestNoStatementTellsOfWhatMayNotBeTold: of a case about nothing or about a secret list none is kept.
func TestNoStatementTellsOfWhatMayNotBeTold(t *testing.T) {
	w := redresstest.New(t)
	for _, name := range []string{"free.example", "secret.example"} {
		receipt := file(t, w, application(name))
		actor := reviewer
		actor.Cleared = true
		if _, err := w.Desk.Decide(t.Context(), actor, receipt.ID, redress.Decision{Outcome: "uphold", Question: "implementation", Facts: "f", Ground: "g"}); err != nil {
			t.Fatal(err)
		}
		for _, text := range read(t, w, receipt.ID).Texts {
			if text.Kind == redress.Reasons {
				t.Errorf("%s: a statement is kept: %s", name, text.Body)
			}
		}
	}
}
