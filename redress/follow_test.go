package redress_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

func TestDuplicatesOfOnePartyMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		first := file(t, w, application("phish.example"))
		time.Sleep(time.Minute)
		same, other := application("phish.example"), application("phish.example")
		same.Contact, other.Contact = " OWNER@example.net ", "else@example.net"
		again, stranger := file(t, w, same), file(t, w, other)
		work(t, w)
		if one := read(t, w, again.ID); one.Merits.State != redress.Merged || one.Implementation.State != redress.Merged {
			t.Errorf("the second of one party: %v", one.Merits)
		}
		for _, id := range []redress.CaseID{first.ID, stranger.ID} {
			if one := read(t, w, id); one.Merits.State != redress.Submitted {
				t.Errorf("%s: %v", id, one.Merits)
			}
		}
	})
}

// TestMergedIsToldAndMayAppeal: who filed a merged case learns the decision of the one that stands for it,
// in their own language, and somebody else decides their appeal.
func TestMergedIsToldAndMayAppeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		first := file(t, w, application("phish.example"))
		time.Sleep(time.Minute)
		same := application("phish.example")
		same.Language = "it"
		again := file(t, w, same)
		work(t, w)
		if err := w.Desk.Appeal(t.Context(), again.ID, again.Token, "", "Before there is a decision."); err == nil {
			t.Fatal("an appeal before the decision was taken")
		}
		decide(t, w, first.ID, redress.Decision{Outcome: "uphold", Facts: "Seen today.", Ground: "Our terms, 4."})
		work(t, w)
		work(t, w)
		shown, err := w.Desk.Show(t.Context(), again.ID, again.Token)
		if err != nil || shown.State != redress.Merged || shown.Decision == nil || shown.Decision.Outcome != redress.Uphold || shown.Decision.Facts != "Seen today." || shown.AppealUntil.IsZero() {
			t.Fatalf("%+v, %v", shown, err)
		}
		if one := read(t, w, again.ID); !strings.HasSuffix(kinds(one), "merged followed") {
			t.Errorf("events %s", kinds(one))
		}
		made, err := w.Desk.Statement(t.Context(), again.ID, again.Token)
		if err != nil || made.Written == nil || made.Written.Language != "it" {
			t.Errorf("statement %+v, %v", made, err)
		}
		if err := w.Desk.Appeal(t.Context(), again.ID, again.Token, "", "It was cleaned."); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Desk.Decide(t.Context(), redress.Actor{Name: reviewer.Name, Role: redress.SecondReviewer}, again.ID, redress.Decision{Outcome: "reverse"}); err == nil {
			t.Error("who decided the one decided the appeal of the other")
		}
		if _, err := w.Desk.Decide(t.Context(), second, again.ID, redress.Decision{Outcome: "reverse"}); err != nil || len(w.Blocked("phish.example")) != 0 {
			t.Errorf("%v, blocked by %v", err, w.Blocked("phish.example"))
		}
	})
}

// TestMergedStandsAloneWhereTheOtherIsWithdrawn: nobody would decide it any more.
func TestMergedStandsAloneWhereTheOtherIsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		first := file(t, w, application("phish.example"))
		time.Sleep(time.Minute)
		again := file(t, w, application("phish.example"))
		work(t, w)
		if err := w.Desk.Withdraw(t.Context(), first.ID, first.Token, ""); err != nil {
			t.Fatal(err)
		}
		work(t, w)
		one := read(t, w, again.ID)
		if one.Merits.State != redress.Reopened || one.Implementation.State != redress.Reopened || one.Clocks[redress.MeritsClock].IsZero() {
			t.Fatalf("%v, %v, %v", one.Merits, one.Implementation, one.Clocks)
		}
		decide(t, w, again.ID, redress.Decision{Outcome: "reverse"})
		if len(w.Blocked("phish.example")) != 0 {
			t.Error("still blocked")
		}
	})
}

// TestSecretCasesAreNotMerged: a case about nothing is never, and the party must not tell them apart.
func TestSecretCasesAreNotMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		file(t, w, application("secret.example"))
		time.Sleep(time.Minute)
		again := file(t, w, application("secret.example"))
		work(t, w)
		if one := read(t, w, again.ID); one.Merits.State == redress.Merged || strings.Contains(kinds(one), "merged") {
			t.Errorf("%v: %s", one.Merits, kinds(one))
		}
	})
}

// TestLinkedCasesShowEachOther: how they stand, but for those that the party may not know of.
func TestLinkedCasesShowEachOther(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("shared.example"))
	for _, id := range receipt.Linked {
		if one := read(t, w, id); one.Entry.List == "gambling" {
			decide(t, w, id, redress.Decision{Outcome: "reverse"})
		}
	}
	shown, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil {
		t.Fatal(err)
	}
	states := make(map[string]redress.State)
	for _, one := range shown.Beside {
		states[one.List] = one.State
	}
	if len(states) != len(receipt.Linked) || states["gambling"] != redress.Decided || states["hidden"] != "" {
		t.Errorf("%v", states)
	}
}
