package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
)

// TestStatementPage: as it was sent, and in another language with a word about that.
func TestStatementPage(t *testing.T) {
	b := open(t)
	path, _ := b.filed("phish.example")
	if status, _, _ := b.get(path + "/statement"); status != http.StatusNotFound {
		t.Errorf("before a decision: %d", status)
	}
	id := redress.CaseID(strings.TrimPrefix(path, "/cases/"))
	actor := redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}
	if _, err := b.Desk.Decide(t.Context(), actor, id, redress.Decision{Outcome: "uphold", Facts: "Visto <oggi>.", Ground: "Regola 3.", Language: "it"}); err != nil {
		t.Fatal(err)
	}
	_, page, _ := b.get(path)
	b.contains(page, "The whole statement of reasons", "Visto <oggi>.")
	_, page, _ = b.get(path + "/statement")
	b.contains(page, "This is the statement as you were sent it.", "The block stays.", "written in: Italian", "Visto <oggi>.", "You can appeal to us")
	if !strings.Contains(page, `<dd class="text" lang="it">Visto &lt;oggi&gt;.`) {
		t.Errorf("what the reviewer wrote is not marked:\n%s", page)
	}
	_, page, _ = b.get(path + "/statement?version=et")
	b.contains(page, "What counts is what you were sent, in: English.", "Blokeering jääb.", "Visto <oggi>.")
	stranger := open(t)
	stranger.url = b.url
	if status, _, _ := stranger.get(path + "/statement"); status != http.StatusNotFound {
		t.Errorf("a stranger: %d", status)
	}
}
