package store_test

import (
	"errors"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// Two reviewers decide at once: one wins, the other is told that it is decided.
func TestTwoReviewersAtOnce(t *testing.T) {
	w := redresstest.New(t)
	receipt := fileOne(t, w)
	done := make(chan error)
	for _, name := range []string{"reviewer-1", "reviewer-2"} {
		go func() {
			outcome := map[string]string{"reviewer-1": "reverse", "reviewer-2": "uphold"}[name]
			_, err := w.Desk.Decide(t.Context(), redress.Actor{Name: name, Role: redress.Reviewer}, receipt.ID, redress.Decision{Outcome: outcome, Facts: "Looked at it.", Ground: "By " + name + "."})
			done <- err
		}()
	}
	var refused []error
	for range 2 {
		if err := <-done; err != nil {
			refused = append(refused, err)
		}
	}
	if len(refused) != 1 || !errors.Is(refused[0], redress.ErrDecided) {
		t.Errorf("refused were %v", refused)
	}
	found, err := w.Store.Case(t.Context(), receipt.ID)
	if err != nil {
		t.Fatal(err)
	}
	decided := map[redress.Outcome]string{}
	for _, event := range found.Events {
		if event.Kind == redress.DecidedEvent {
			decided[event.Content.Outcome] = event.Actor.Name
		}
	}
	if len(decided) != 1 || (decided[redress.Reverse] == "reviewer-1") != (len(w.Blocked("phish.example")) == 0) {
		t.Errorf("decided %v, blocked by %v", decided, w.Blocked("phish.example"))
	}
}
