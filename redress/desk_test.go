package redress_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

var (
	reviewer = redress.Actor{Name: "reviewer-1", Role: redress.Reviewer}
	cleared  = redress.Actor{Name: "reviewer-2", Role: redress.Reviewer, Cleared: true}
)

func application(name string) redress.Application {
	return redress.Application{Name: name, Role: "owner", Explanation: "The site was cleaned and checked.", GoodFaith: true, Contact: "owner@example.net"}
}

func file(t *testing.T, w *redresstest.World, application redress.Application) redress.Receipt {
	t.Helper()
	receipt, err := w.Desk.File(t.Context(), application)
	if err != nil {
		t.Fatalf("file: %v", err)
	}
	return receipt
}

func decide(t *testing.T, w *redresstest.World, id redress.CaseID, decision redress.Decision) redress.Ruling {
	t.Helper()
	ruling, err := w.Desk.Decide(t.Context(), reviewer, id, decision)
	if err != nil {
		t.Fatalf("decide: %v", err)
	}
	return ruling
}

func TestReversalIsInForceAtOnceAndAfterRestart(t *testing.T) {
	for _, c := range []struct{ name, question string }{
		{"phish.example", "merits"}, {"casino.example", "merits"}, {"phish.example", "implementation"}, {"court.example", "implementation"},
	} {
		t.Run(c.name+" "+c.question, func(t *testing.T) {
			w := redresstest.New(t)
			if len(w.Blocked(c.name)) == 0 {
				t.Fatal("not blocked to begin with")
			}
			receipt := file(t, w, application(c.name))
			ruling := decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse", Question: c.question})
			if ruling.Effect == nil || ruling.Pending || ruling.Effect.Generation == 0 {
				t.Fatalf("effect %+v, pending %v", ruling.Effect, ruling.Pending)
			}
			if ruling.State != redress.Decided {
				t.Errorf("state %q", ruling.State)
			}
			if blocked := w.Blocked("www." + c.name); len(blocked) != 0 {
				t.Fatalf("still blocked by %v", blocked)
			}
			w.Restart()
			if blocked := w.Blocked(c.name); len(blocked) != 0 {
				t.Fatalf("blocked by %v after restart and re-import", blocked)
			}
			if _, _, err := w.Store.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOneFilingCoversEveryEntry(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("www.shared.example"))
	if len(receipt.Linked) != 2 { // court, phishing, gambling; hidden is not told
		t.Fatalf("linked %v", receipt.Linked)
	}
	if receipt.State != redress.Referred {
		t.Errorf("state of the law case is %q", receipt.State)
	}
	status, err := w.Desk.Show(t.Context(), receipt.Linked[0], receipt.Token)
	if err != nil {
		t.Fatal(err)
	}
	if got := blockingLists(status); !slices.Equal(got, []string{"court", "phishing", "gambling"}) {
		t.Errorf("blocked by %v", got)
	}
	ruling := decide(t, w, receipt.Linked[0], redress.Decision{Outcome: "reverse"})
	var still []string
	for _, match := range ruling.StillBlockedBy {
		still = append(still, string(match.Entry.List))
	}
	if !slices.Equal(still, []string{"court", "gambling"}) {
		t.Errorf("still blocked by %v, and the secret list is never named", still)
	}
	cases, err := w.Desk.Queue(t.Context(), cleared, redress.Page{All: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 4 {
		t.Errorf("the reviewer sees %d cases, not 4", len(cases))
	}
}

func blockingLists(status redress.Status) []string {
	var lists []string
	for _, match := range status.StillBlockedBy {
		lists = append(lists, string(match.Entry.List))
	}
	return lists
}

// What must not be told apart: a name that nothing lists, and one of a secret list.
func TestNothingAndSecretLookAlike(t *testing.T) {
	w := redresstest.New(t)
	type step struct{ nothing, secret redress.Status }
	show := func(receipts [2]redress.Receipt) step {
		var shown [2]redress.Status
		for i, receipt := range receipts {
			status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
			if err != nil {
				t.Fatal(err)
			}
			status.ID, status.Challenge, status.Name = "", redress.Challenge{}, ""
			status.Filed, status.ChallengeUntil, status.Implementation.Deadline, status.Merits.Deadline = time.Time{}, time.Time{}, time.Time{}, time.Time{}
			status.AppealUntil = status.AppealUntil.Truncate(24 * time.Hour)
			for j := range status.Events {
				status.Events[j].At = time.Time{}
			}
			shown[i] = status
		}
		return step{shown[0], shown[1]}
	}
	compare := func(when string, s step) {
		t.Helper()
		if nothing, secret := fmt.Sprintf("%+v", s.nothing), fmt.Sprintf("%+v", s.secret); nothing != secret {
			t.Errorf("%s:\n%s\n%s", when, nothing, secret)
		}
	}
	receipts := [2]redress.Receipt{file(t, w, application("nothing.example")), file(t, w, application("secret.example"))}
	if receipts[0].State != receipts[1].State || len(receipts[0].Linked) != len(receipts[1].Linked) {
		t.Errorf("receipts differ: %+v", receipts)
	}
	compare("filed", show(receipts))
	for _, receipt := range receipts {
		w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
		if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil || !proof.Verified {
			t.Fatalf("verify: %+v, %v", proof, err)
		}
	}
	compare("verified", show(receipts))
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipts[0].ID, redress.Decision{Outcome: "reverse"}); !errors.Is(err, redress.ErrNoEntry) {
		t.Errorf("a case about nothing was reversed: %v", err)
	}
	decide(t, w, receipts[0].ID, redress.Decision{Outcome: "uphold", Facts: "Nothing lists it.", Ground: "None."})
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipts[1].ID, redress.Decision{Outcome: "reverse", Question: "implementation"}); !errors.Is(err, redress.ErrNotFound) {
		t.Errorf("a reviewer who is not cleared decided about a secret list: %v", err)
	}
	correct := redress.Decision{Outcome: "uphold", Question: "implementation", Facts: "As the order says.", Ground: "The order."}
	if _, err := w.Desk.Decide(t.Context(), cleared, receipts[1].ID, correct); err != nil {
		t.Fatal(err)
	}
	compare("decided", show(receipts))
	for _, receipt := range receipts {
		if err := w.Desk.Appeal(t.Context(), receipt.ID, receipt.Token, "", "You did not look."); err != nil {
			t.Fatalf("appeal: %v", err)
		}
	}
	compare("appealed", show(receipts))
	correct.Outcome = "reverse"
	second := redress.Actor{Name: "second", Role: redress.SecondReviewer, Cleared: true}
	if _, err := w.Desk.Decide(t.Context(), second, receipts[1].ID, correct); err != nil {
		t.Fatal(err)
	}
	if status, err := w.Desk.Show(t.Context(), receipts[1].ID, receipts[1].Token); err != nil || !status.Corrected || status.Decision != nil || status.Entry != nil {
		t.Errorf("the party is told %+v, %v", status, err)
	}
	if blocked := w.Blocked("secret.example"); len(blocked) != 0 {
		t.Errorf("the implementation error was not put right: %v", blocked)
	}
}

func TestMeritsOfLawAreReferred(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("court.example"))
	for _, decision := range []redress.Decision{{Outcome: "reverse"}, {Outcome: "narrow", NarrowTo: "www.court.example"}} {
		if _, err := w.Desk.Decide(t.Context(), reviewer, receipt.ID, decision); !errors.Is(err, redress.ErrReferred) {
			t.Errorf("%s: %v", decision.Outcome, err)
		}
	}
	ruling := decide(t, w, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "The order is in force.", Ground: "Only the court can lift it."})
	if ruling.State != redress.Referred {
		t.Errorf("state %q", ruling.State)
	}
	if len(w.Blocked("court.example")) == 0 {
		t.Error("the order was lifted")
	}
	decide(t, w, receipt.ID, redress.Decision{Outcome: "narrow", Question: "implementation", NarrowTo: "shop.court.example"})
	for _, when := range []string{"at once", "after a restart"} {
		if len(w.Blocked("court.example")) != 0 || len(w.Blocked("a.court.example")) != 0 || len(w.Blocked("a.shop.court.example")) == 0 {
			t.Errorf("narrowed wrongly, %s", when)
		}
		w.Restart()
	}
}

func TestDecisionsThatAreRefused(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("phish.example"))
	reasons := redress.Decision{Outcome: "uphold", Facts: "Seen today.", Ground: "Our terms, 4."}
	for name, c := range map[string]struct {
		actor    redress.Actor
		id       redress.CaseID
		decision redress.Decision
		field    string
		err      error
	}{
		"party":               {redress.Actor{Name: "p", Role: redress.Party}, receipt.ID, reasons, "", redress.ErrNotPermitted},
		"authority":           {redress.Actor{Name: "a", Role: redress.Authority}, receipt.ID, reasons, "", redress.ErrNotPermitted},
		"no role":             {redress.Actor{Name: "x"}, receipt.ID, reasons, "", redress.ErrNotPermitted},
		"unknown case":        {reviewer, "C-0000-0000-0000", reasons, "", redress.ErrNotFound},
		"no outcome":          {reviewer, receipt.ID, redress.Decision{}, "outcome", nil},
		"unknown question":    {reviewer, receipt.ID, redress.Decision{Outcome: "reverse", Question: "both"}, "question", nil},
		"uphold without":      {reviewer, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "Seen today."}, "ground", nil},
		"narrow without":      {reviewer, receipt.ID, redress.Decision{Outcome: "narrow"}, "narrow_to", nil},
		"narrow elsewhere":    {reviewer, receipt.ID, redress.Decision{Outcome: "narrow", NarrowTo: "other.example"}, "narrow_to", nil},
		"narrow to all":       {reviewer, receipt.ID, redress.Decision{Outcome: "narrow", NarrowTo: "phish.example"}, "narrow_to", nil},
		"narrow to no name":   {reviewer, receipt.ID, redress.Decision{Outcome: "narrow", NarrowTo: "a b"}, "narrow_to", nil},
		"reverse with a name": {reviewer, receipt.ID, redress.Decision{Outcome: "reverse", NarrowTo: "a.phish.example"}, "narrow_to", nil},
		"too long":            {reviewer, receipt.ID, redress.Decision{Outcome: "reverse", Facts: strings.Repeat("x", redress.MaxStatement+1)}, "facts", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Desk.Decide(t.Context(), c.actor, c.id, c.decision)
			invalid, _ := errors.AsType[*redress.Invalid](err)
			switch {
			case c.err != nil && !errors.Is(err, c.err):
				t.Errorf("got %v, want %v", err, c.err)
			case c.field != "" && (invalid == nil || len(invalid.Fields) != 1 || invalid.Fields[0].Field != c.field):
				t.Errorf("got %v, want a problem with %s alone", err, c.field)
			}
		})
	}
	if len(w.Blocked("phish.example")) == 0 {
		t.Fatal("something refused took effect")
	}
	decide(t, w, receipt.ID, reasons)
	if _, err := w.Desk.Decide(t.Context(), reviewer, receipt.ID, redress.Decision{Outcome: "reverse"}); !errors.Is(err, redress.ErrDecided) {
		t.Errorf("decided twice: %v", err)
	}
}

func TestDecisionThatIsNotInForceYetIsTriedAgain(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("phish.example"))
	w.Effect.Fail(errors.New("disk full"))
	ruling := decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse"})
	if !ruling.Pending || ruling.Effect != nil {
		t.Fatalf("ruling %+v", ruling)
	}
	w.Effect.Fail(nil)
	settled, err := w.Desk.Settle(t.Context())
	if err != nil || settled == nil {
		t.Fatalf("settle: %v, %v", settled, err)
	}
	if blocked := w.Blocked("phish.example"); len(blocked) != 0 {
		t.Errorf("blocked by %v", blocked)
	}
	if again, err := w.Desk.Settle(t.Context()); err != nil || again != nil {
		t.Errorf("settled twice: %v, %v", again, err)
	}
	status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil || status.Decision == nil || status.Decision.Effect == nil || status.Decision.Effect.Generation != settled.Generation {
		t.Errorf("status %+v, %v", status.Decision, err)
	}
}

func TestManyDecideAtOnce(t *testing.T) {
	w := redresstest.New(t)
	receipts := []redress.Receipt{file(t, w, application("phish.example")), file(t, w, application("casino.example"))}
	var group sync.WaitGroup
	var mu sync.Mutex
	won := make(map[redress.CaseID]int)
	for range 4 {
		for _, receipt := range receipts {
			group.Go(func() {
				ruling, err := w.Desk.Decide(context.Background(), reviewer, receipt.ID, redress.Decision{Outcome: "reverse"})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && ruling.Effect != nil:
					won[receipt.ID]++
				case !errors.Is(err, redress.ErrDecided):
					t.Errorf("%+v, %v", ruling, err)
				}
			})
		}
	}
	group.Wait()
	if won[receipts[0].ID] != 1 || won[receipts[1].ID] != 1 {
		t.Errorf("decided %v", won)
	}
}

func TestApplicationProblemsComeAtOnce(t *testing.T) {
	w := redresstest.New(t)
	for name, c := range map[string]struct {
		change func(*redress.Application)
		fields string
	}{
		"nothing":      {func(a *redress.Application) { *a = redress.Application{} }, "name role explanation good_faith"},
		"bad code":     {func(a *redress.Application) { a.ReasonCode = "7K4Q-92QF" }, "reason_code"},
		"unknown code": {func(a *redress.Application) { a.ReasonCode, a.Name = "0000-0000-0011", "" }, ""},
		"secret code":  {func(a *redress.Application) { a.ReasonCode, a.Name = w.Code("hidden", "secret.example").String(), "" }, "name"},
		"discreet code": {func(a *redress.Application) {
			a.ReasonCode, a.Name = w.Code("discreet", "discreet.example").String(), ""
		}, "name"},
		"address":        {func(a *redress.Application) { a.Name = "192.0.2.1" }, "name"},
		"role":           {func(a *redress.Application) { a.Role = "reviewer" }, "role"},
		"short":          {func(a *redress.Application) { a.Explanation = "  wrong \n\n" }, "explanation"},
		"long":           {func(a *redress.Application) { a.Explanation = strings.Repeat("ä", redress.MaxExplanation+1) }, "explanation"},
		"just fits":      {func(a *redress.Application) { a.Explanation = strings.Repeat("ä", redress.MaxExplanation) }, ""},
		"no good faith":  {func(a *redress.Application) { a.GoodFaith = false }, "good_faith"},
		"contact":        {func(a *redress.Application) { a.Contact = "a@example.net\nBcc: b@example.net" }, "contact"},
		"long contact":   {func(a *redress.Application) { a.Contact = strings.Repeat("x", redress.MaxContact+1) }, "contact"},
		"language":       {func(a *redress.Application) { a.Language = "en; drop" }, "language"},
		"control octets": {func(a *redress.Application) { a.Explanation = "\x00\x1b[2J\u202e\x07 \u2066  ab" }, "explanation"},
	} {
		t.Run(name, func(t *testing.T) {
			given := application("phish.example")
			c.change(&given)
			_, err := w.Desk.File(t.Context(), given)
			var fields []string
			if invalid, ok := errors.AsType[*redress.Invalid](err); ok {
				for _, field := range invalid.Fields {
					fields = append(fields, field.Field)
				}
			}
			if name == "unknown code" {
				if len(fields) == 0 {
					t.Errorf("got %v", err)
				}
				return
			}
			if got := strings.Join(fields, " "); got != c.fields {
				t.Errorf("problems with %q, want %q (%v)", got, c.fields, err)
			}
		})
	}
}

func TestCodeStandsForItsEntry(t *testing.T) {
	w := redresstest.New(t)
	code := w.Code("gambling", "shared.example")
	given := application("")
	given.ReasonCode = strings.ToLower(code.String())
	receipt := file(t, w, given)
	status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil || status.Entry == nil || status.Entry.Code != code || status.Name != "shared.example" {
		t.Fatalf("the code's own entry comes first: %+v, %v", status.Entry, err)
	}
	given.Name = "elsewhere.example"
	receipt = file(t, w, given)
	if status, err = w.Desk.Show(t.Context(), receipt.ID, receipt.Token); err != nil || status.Entry != nil {
		t.Errorf("a code that does not concern the name was taken: %+v, %v", status.Entry, err)
	}
}

func TestTokenOpensItsOwnFilingOnly(t *testing.T) {
	w := redresstest.New(t)
	first, second := file(t, w, application("shared.example")), file(t, w, application("phish.example"))
	for _, c := range []struct {
		id    redress.CaseID
		token string
		opens bool
	}{
		{first.ID, first.Token, true}, {first.Linked[0], first.Token, true}, {second.ID, second.Token, true},
		{first.ID, second.Token, false}, {second.ID, first.Token, false}, {first.ID, "", false}, {first.ID, strings.ToUpper(first.Token), false},
		{first.ID, strings.TrimPrefix(first.Challenge.Value, "redress="), false}, {"C-0000-0000-0000", first.Token, false}, {"C-0000-0000-0000", "", false},
	} {
		_, err := w.Desk.Show(t.Context(), c.id, c.token)
		if c.opens && err != nil || !c.opens && !errors.Is(err, redress.ErrNotFound) {
			t.Errorf("case %s: %v", c.id, err)
		}
		if _, err := w.Desk.Verify(t.Context(), c.id, c.token, redress.Attempt{}); !c.opens && !errors.Is(err, redress.ErrNotFound) {
			t.Errorf("verify %s: %v", c.id, err)
		}
	}
	cases, err := w.Desk.Queue(t.Context(), cleared, redress.Page{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range cases {
		if one.Hidden {
			if _, err := w.Desk.Show(t.Context(), one.ID, first.Token); !errors.Is(err, redress.ErrNotFound) {
				t.Errorf("the hidden case opened: %v", err)
			}
		}
	}
}

func TestProofCountsForAllCasesAndHastensSecurity(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("shared.example"))
	before, err := w.Desk.Show(t.Context(), receipt.Linked[0], receipt.Token)
	if err != nil {
		t.Fatal(err)
	}
	if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{Method: redress.ByDNS}); err != nil || proof.Verified {
		t.Fatalf("verified without a record: %+v, %v", proof, err)
	}
	w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
	for range 2 {
		if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{Method: redress.ByDNS}); err != nil || !proof.Verified {
			t.Fatalf("verify: %+v, %v", proof, err)
		}
	}
	after, err := w.Desk.Show(t.Context(), receipt.Linked[0], receipt.Token)
	if err != nil || !after.Verified {
		t.Fatalf("the linked case: %+v, %v", after, err)
	}
	if !after.Merits.Deadline.Before(before.Merits.Deadline.Add(-40 * time.Hour)) {
		t.Errorf("deadline went from %s to %s", before.Merits.Deadline, after.Merits.Deadline)
	}
	verified := 0
	for _, event := range after.Events {
		if event.Kind == redress.VerifiedEvent {
			verified++
		}
	}
	if verified != 1 {
		t.Errorf("%d events of the proof", verified)
	}
	if _, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{Method: "pigeon"}); err == nil {
		t.Error("a proof of another kind was run")
	}
}

func TestNothingPersonalIsLogged(t *testing.T) {
	w := redresstest.New(t)
	given := application("phish.example")
	given.Explanation = "My very own explanation."
	receipt := file(t, w, given)
	decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse", Facts: "Facts of the matter."})
	logged := w.Logs.String()
	for _, secret := range []string{"phish.example", "owner@example.net", "very own", "Facts of", receipt.Token, receipt.Challenge.Value} {
		if strings.Contains(logged, secret) {
			t.Errorf("the log has %q:\n%s", secret, logged)
		}
	}
	if !strings.Contains(logged, string(receipt.ID)) {
		t.Errorf("the log does not name the case:\n%s", logged)
	}
}
