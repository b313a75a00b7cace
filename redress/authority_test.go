package redress_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// elsewhere takes down what a court made of a case.
func elsewhere(t *testing.T, w *redresstest.World, id redress.CaseID, decision redress.Decision) redress.Ruling {
	t.Helper()
	ruling, err := w.Desk.External(t.Context(), operator, id, redress.AuthorityDecision{Decision: decision, Body: "Court of Appeal", Ref: "7/2027"})
	if err != nil {
		t.Fatal(err)
	}
	return ruling
}

// TestCourtNarrowsAndShortens as a reviewer can, with the same checks and the same effect.
func TestCourtNarrowsAndShortens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("phish.example"))
		decide(t, w, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "Seen today.", Ground: "Our terms, 4."})
		for field, wrong := range map[string]redress.Decision{
			"narrow_to": {Outcome: "narrow"}, "until": {Outcome: "shorten"}, "except": {Outcome: "narrow", Except: []string{"elsewhere.example"}},
		} {
			_, err := w.Desk.External(t.Context(), operator, receipt.ID, redress.AuthorityDecision{Decision: wrong, Body: "Court", Ref: "1"})
			if invalid, is := errors.AsType[*redress.Invalid](err); !is || invalid.Fields[0].Field != field {
				t.Errorf("%+v: %v", wrong, err)
			}
		}
		ruling := elsewhere(t, w, receipt.ID, redress.Decision{Outcome: "narrow", NarrowTo: "bad.phish.example"})
		if ruling.Effect == nil || len(w.Blocked("www.phish.example")) != 0 || len(w.Blocked("bad.phish.example")) == 0 {
			t.Errorf("narrowed: %+v, blocked %v and %v", ruling, w.Blocked("www.phish.example"), w.Blocked("bad.phish.example"))
		}
		until := time.Now().Add(5 * 24 * time.Hour)
		elsewhere(t, w, receipt.ID, redress.Decision{Outcome: "shorten", Until: until})
		if one := read(t, w, receipt.ID); one.Merits.State != redress.Shortened || len(w.Blocked("www.phish.example")) == 0 {
			t.Errorf("shortened: %v, blocked %v", one.Merits, w.Blocked("www.phish.example"))
		}
		elsewhere(t, w, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "As decided.", Ground: "7/2027"}) // that it ends then is right
		time.Sleep(time.Until(until))
		work(t, w)
		if len(w.Blocked("bad.phish.example")) != 0 {
			t.Error("the block goes on after the end that the court gave it")
		}
	})
}

// TestNarrowedHasNoEnd: what the merits are narrowed to takes the place of an end that was decided before.
func TestNarrowedHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("casino.example"))
		until := time.Now().Add(5 * 24 * time.Hour)
		decide(t, w, receipt.ID, redress.Decision{Outcome: "shorten", Until: until})
		decide(t, w, receipt.ID, redress.Decision{Question: "implementation", Outcome: "uphold", Facts: "It is listed.", Ground: "Our terms, 4."})
		if _, runs := read(t, w, receipt.ID).Clocks[redress.ShortenClock]; !runs {
			t.Error("that we carry it out rightly took away its end")
		}
		elsewhere(t, w, receipt.ID, redress.Decision{Outcome: "narrow", NarrowTo: "bad.casino.example"})
		statement, err := w.Desk.Statement(t.Context(), receipt.ID, receipt.Token)
		if err != nil || statement.What != redress.PartlyOpen || statement.Until.Equal(until) {
			t.Errorf("statement %+v, %v", statement, err)
		}
		time.Sleep(time.Until(until) + time.Hour)
		work(t, w)
		if len(w.Blocked("bad.casino.example")) == 0 || len(w.Blocked("casino.example")) != 0 {
			t.Errorf("blocked %v and %v", w.Blocked("bad.casino.example"), w.Blocked("casino.example"))
		}
	})
}

// TestDossierByHand: a person has a working day to send it and say so, and the authority's time counts from the sending.
func TestDossierByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 1, 7, 10, 0, 0, 0, time.UTC))) // a Friday
		w := redresstest.New(t)
		w.Config.Holiday = func(day time.Time) bool { return day.Day() == 10 } // the Monday
		w.Restart()
		receipt := file(t, w, application("www.court.example"))
		work(t, w)
		told := notices(t, w, "case.referral")
		if one := read(t, w, receipt.ID); len(told) != 1 || !strings.Contains(told[0], "--sent") || !one.ToBeSent() || !one.Clocks[redress.RemindClock].IsZero() {
			t.Fatalf("%q, clocks %v", told, one.Clocks)
		}
		missed := func() (count int) {
			work(t, w)
			for _, event := range read(t, w, receipt.ID).Events {
				if event.Kind == redress.MissedEvent && event.Content.Clock == redress.SendClock {
					count++
				}
			}
			return count
		}
		time.Sleep(4*24*time.Hour - time.Minute) // Tuesday
		if got := missed(); got != 0 {
			t.Errorf("missed before a working day is over: %d", got)
		}
		for want := range 3 {
			if got := missed(); got != want {
				t.Errorf("missed %d times, want %d", got, want)
			}
			time.Sleep(24 * time.Hour)
		}
		if texts := notices(t, w, "case.missed"); !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "cases refer "+string(receipt.ID)+" --sent") }) {
			t.Errorf("who is on call is told %q", texts)
		}
		for _, wrong := range []time.Time{time.Now().Add(time.Hour), time.Now().AddDate(0, 0, -30)} {
			if err := w.Desk.DossierSent(t.Context(), reviewer, receipt.ID, wrong); err == nil {
				t.Errorf("sent at %s", wrong)
			}
		}
		sent := time.Now().Add(-2 * time.Hour)
		if err := w.Desk.DossierSent(t.Context(), reviewer, receipt.ID, sent); err != nil {
			t.Fatal(err)
		}
		if err := w.Desk.DossierSent(t.Context(), reviewer, receipt.ID, sent); !errors.Is(err, redress.ErrState) {
			t.Errorf("twice: %v", err)
		}
		dossier, err := w.Desk.Dossier(t.Context(), receipt.ID, receipt.Token)
		if err != nil || !dossier.Reminder.Equal(sent.AddDate(0, 0, 10)) || !dossier.Unanswered.Equal(sent.AddDate(0, 0, 30)) {
			t.Errorf("dossier %+v, %v", dossier, err)
		}
		time.Sleep(10*24*time.Hour - 3*time.Hour)
		work(t, w)
		if got := kinds(read(t, w, receipt.ID)); strings.Contains(got, "authority_reminded") {
			t.Errorf("reminded early: %s", got)
		}
		time.Sleep(time.Hour)
		work(t, w)
		if got := kinds(read(t, w, receipt.ID)); !strings.Contains(got, "authority_reminded") {
			t.Errorf("not reminded: %s", got)
		}
		time.Sleep(20 * 24 * time.Hour)
		if got := missed(); got != 2 || !strings.HasSuffix(kinds(read(t, w, receipt.ID)), "unanswered") {
			t.Errorf("missed %d, %s", got, kinds(read(t, w, receipt.ID)))
		}
		status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range status.Events {
			if event.Kind == redress.DossierEvent {
				t.Error("the party is shown as sent what was to be sent")
			}
		}
	})
}
