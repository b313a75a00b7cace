package portal_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/limits"
)

// suspending is a door at which everybody is suspended.
type suspending struct{ desk func() *redress.Desk }

func (s suspending) File(ctx context.Context, _ netip.Addr, application redress.Application) (redress.Receipt, error) {
	if application.Question != "implementation" {
		return redress.Receipt{}, &limits.Suspended{Until: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)}
	}
	return s.desk().File(ctx, application)
}

// A suspended party is told until when, and asks with one button whether the block is carried out rightly.
func TestASuspendedPartyAsksForTheImplementation(t *testing.T) {
	var b *visitor
	b = open(t, func(o *options) { o.Filings = suspending{func() *redress.Desk { return b.Desk }} })
	form := url.Values{"name": {"court.example"}, "role": {"owner"}, "explanation": {"The order names another site."}, "good_faith": {"yes"}}
	status, body, _ := b.post("/cases/new", form)
	if status != http.StatusForbidden || !strings.Contains(body, "1 March 2027") || !strings.Contains(body, "The order names another site.") || !strings.Contains(body, "Ask for that alone") {
		t.Fatalf("%d: %s", status, body)
	}
	form.Set("question", "implementation")
	if status, body, _ = b.post("/cases/new", form); status != http.StatusOK || !strings.Contains(body, "withdrawn") || !strings.Contains(body, "open") {
		t.Errorf("%d: %s", status, body)
	}
}

// The page of the case says why its party is suspended and until when, and takes the appeal once.
func TestASuspensionIsAppealedOnThePage(t *testing.T) {
	b := open(t)
	reviewer := redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}
	form := url.Values{"name": {"phish.example"}, "role": {"owner"}, "explanation": {"The site was cleaned."}, "good_faith": {"yes"}}
	_, _, reply := b.post("/cases/new", form)
	path := reply.Request.URL.Path
	id := redress.CaseID(strings.TrimPrefix(path, "/cases/"))
	decision := redress.Decision{Outcome: "uphold", Facts: "f", Ground: "g", Unfounded: &redress.Unfounded{Gravity: "serious", Intent: "deliberate", Reasons: "r"}}
	if _, err := b.Desk.Decide(t.Context(), reviewer, id, decision); err != nil {
		t.Fatal(err)
	}
	if err := b.Desk.Propose(t.Context(), id, redress.MeasureFacts{Kind: redress.Suspension}); err != nil {
		t.Fatal(err)
	}
	if _, body, _ := b.get(path); strings.Contains(body, "Unfounded filings") {
		t.Error("the party is told of what is only proposed")
	}
	if err := b.Desk.GiveMeasure(t.Context(), reviewer, id, "Five filings about one page.", "Our terms, section 4."); err != nil {
		t.Fatal(err)
	}
	_, body, _ := b.get(path)
	for _, want := range []string{"Unfounded filings", "You can always ask whether we carry a block out rightly", "Five filings about one page.", "Our terms, section 4.", "Appeal the suspension"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if status, body, _ := b.post(path+"/measure", url.Values{"text": {""}}); status != http.StatusUnprocessableEntity {
		t.Errorf("an empty appeal: %d, %s", status, body)
	}
	if status, body, _ := b.post(path+"/measure", url.Values{"text": {"I bought the name last week."}}); status != http.StatusOK || !strings.Contains(body, "waits for somebody else") || strings.Contains(body, "Appeal the suspension") {
		t.Errorf("the appeal: %d, %s", status, body)
	}
	if status, _, _ := b.post(path+"/measure", url.Values{"text": {"Again."}}); status != http.StatusConflict {
		t.Errorf("a second appeal: %d", status)
	}
}
