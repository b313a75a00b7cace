package portal_test

import (
	"context"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/control"
)

// TestWhatOurOwnLooksFound is on the page of a case: what is wrong, and when we look again.
func TestWhatOurOwnLooksFound(t *testing.T) {
	looked := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	b := open(t, func(config *options) {
		config.Progress = func(context.Context, redress.CaseID) (control.Progress, error) {
			return control.Progress{Next: looked.Add(5 * time.Minute), Findings: []control.Finding{{Method: redress.ByDNS, At: looked, Flaw: redress.FlawDoubled, Found: "twice.example"}}}, nil
		}
	})
	receipt, err := b.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := b.get("/cases/" + string(receipt.ID) + "?token=" + receipt.Token)
	b.contains(page, "The record is at twice.example.", "Last look, 26 November 2026", "We look again by ourselves, 26 November 2026")
}
