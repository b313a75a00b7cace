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

// closed is a door at which a limit is reached.
type closed struct{ asked *redress.Application }

func (c closed) File(_ context.Context, _ netip.Addr, application redress.Application) (redress.Receipt, error) {
	*c.asked = application
	return redress.Receipt{}, &limits.Refused{
		Full: limits.Full{Kind: "contact", Wait: 90 * time.Minute}, Missing: application.EarlyProof != "",
		EarlyProof: redress.EarlyProof{Challenge: redress.Challenge{Name: "_redress-challenge.phish.example", Value: "redress=abc"}, Secret: "secret.1"},
	}
}

// Where a limit is reached nothing that was written is lost, and the page says when to come back, why, and the way past.
func TestARefusedFilingLosesNothing(t *testing.T) {
	var asked redress.Application
	b := open(t, func(o *options) { o.Filings = closed{&asked} })
	form := url.Values{"name": {"phish.example"}, "role": {"owner"}, "explanation": {"The site was cleaned."}, "good_faith": {"yes"}, "contact": {"me@shop.example"}}
	status, body, reply := b.post("/cases/new", form)
	if status != http.StatusTooManyRequests || reply.Header.Get("Retry-After") != "5400" {
		t.Errorf("%d, %v", status, reply.Header)
	}
	for _, want := range []string{"Nothing was kept yet", "You can also leave the contact out", "redress=abc", `value="secret.1"`, "The site was cleaned.", "me@shop.example", "phish.example"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "have not found the record") {
		t.Error("a record is missed that nobody was asked for before")
	}
	form.Set("early_proof", "secret.1")
	if _, body, _ = b.post("/cases/new", form); asked.EarlyProof != "secret.1" || !strings.Contains(body, "have not found the record") {
		t.Errorf("the secret was %q, the page says nothing of the record", asked.EarlyProof)
	}
}
