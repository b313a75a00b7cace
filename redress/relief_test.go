package redress_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

type vantages []redress.Vantage

func (v vantages) Retest(context.Context, wire.Name) []redress.Vantage { return v }

type known time.Duration

func (k known) FirstSeen(context.Context, wire.Name) (time.Time, bool) {
	return time.Now().Add(-time.Duration(k)), k != 0
}

// born is a registry that says how long it has had every name; 0: it says nothing.
type born time.Duration

// Registered implements redress.Registry.
func (b born) Registered(context.Context, string) (time.Time, bool, error) {
	return time.Now().Add(-time.Duration(b)), b != 0, nil
}

// TestAPersonJudgesWhereNobodyKnowsTheAge: the desk by itself does not, and what the registry said is kept.
func TestAPersonJudgesWhereNobodyKnowsTheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		seen := vantages{{From: "a", Agent: "one", Clean: true}, {From: "b", Agent: "two", Clean: true}}
		sources := redress.Sources{Retester: seen, Age: known(0), Registry: born(0)}
		w.Config.Sources = sources
		w.Restart()
		receipt := file(t, w, application("phish.example"))
		w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
		if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil || !proof.Verified {
			t.Fatalf("verify: %+v, %v", proof, err)
		}
		work(t, w)
		if one := read(t, w, receipt.ID); one.Merits.State != redress.Submitted {
			t.Fatalf("relieved by itself: %s", kinds(one))
		}
		if err := w.Desk.LookAgain(t.Context(), reviewer, receipt.ID); err != nil {
			t.Fatal(err)
		}
		one := read(t, w, receipt.ID)
		if one.Merits.State != redress.Interim || one.Events[len(one.Events)-1].Kind != redress.InForceEvent {
			t.Fatalf("merits %v: %s", one.Merits, kinds(one))
		}
		for _, event := range one.Events {
			if event.Kind == redress.RelievedEvent && event.Actor.Name != reviewer.Name {
				t.Errorf("relieved by %v", event.Actor)
			}
		}

		young := born(time.Hour)
		sources.Registry = young
		w.Config.Sources = sources
		w.Restart()
		other := file(t, w, application("shared.example"))
		w.DNS.Add(other.Challenge.Name + `. 60 IN TXT "` + other.Challenge.Value + `"`)
		if _, err := w.Desk.Verify(t.Context(), other.ID, other.Token, redress.Attempt{}); err != nil {
			t.Fatal(err)
		}
		work(t, w)
		for _, id := range append([]redress.CaseID{other.ID}, other.Linked...) {
			one := read(t, w, id)
			if one.Entry == nil || one.Entry.List != "phishing" {
				continue
			}
			if err := w.Desk.LookAgain(t.Context(), reviewer, id); err != nil {
				t.Fatal(err)
			}
			facts, err := w.Desk.Facts(t.Context(), reviewer, id)
			if one = read(t, w, id); err != nil || one.Merits.State != redress.Submitted || facts.Registered.IsZero() {
				t.Errorf("a young name: %v, %+v, %v", one.Merits, facts, err)
			}
		}
	})
}

func TestInterimRelief(t *testing.T) {
	const month = born(31 * 24 * time.Hour)
	seen := vantages{{From: "a", Agent: "one", Clean: true}, {From: "b", Agent: "two", Clean: true}}
	old := known(31 * 24 * time.Hour)
	for _, c := range []struct {
		name   string
		role   string
		proved bool
		second bool // another feed has the name
		seen   vantages
		age    known
		born   born
		want   redress.State
	}{
		{"registered long ago", "owner", true, false, seen, known(time.Hour), month, redress.Interim},
		{"registered anew after it was listed", "owner", true, false, seen, old, born(time.Hour), redress.Submitted},
		{"all speaks for it", "owner", true, false, seen, old, 0, redress.Interim},
		{"no proof", "owner", false, false, seen, old, 0, redress.Submitted},
		{"a reporter", "reporter", true, false, seen, old, 0, redress.Submitted},
		{"a second feed", "owner", true, true, seen, old, 0, redress.Submitted},
		{"a young name", "owner", true, false, seen, known(29 * 24 * time.Hour), 0, redress.Submitted},
		{"an unknown age", "owner", true, false, seen, 0, 0, redress.Submitted},
		{"one network", "owner", true, false, vantages{{From: "a", Agent: "one", Clean: true}, {From: "a", Agent: "two", Clean: true}}, old, 0, redress.Submitted},
		{"one program", "owner", true, false, vantages{{From: "a", Agent: "one", Clean: true}, {From: "b", Agent: "one", Clean: true}}, old, 0, redress.Submitted},
		{"one sees harm", "owner", true, false, append(slices.Clone(seen), redress.Vantage{From: "c", Agent: "one"}), old, 0, redress.Submitted},
		{"nobody looked", "owner", true, false, nil, old, 0, redress.Submitted},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := redresstest.New(t)
				w.Config.Sources = redress.Sources{Retester: c.seen, Age: c.age, Registry: c.born}
				if c.second {
					w.Lists["scam"] = append(w.Lists["scam"], "phish.example")
				}
				w.Restart()
				given := application("phish.example")
				given.Role = c.role
				receipt := file(t, w, given)
				if c.proved {
					w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
					if proof, err := w.Desk.Verify(t.Context(), receipt.ID, receipt.Token, redress.Attempt{}); err != nil || !proof.Verified {
						t.Fatalf("verify: %+v, %v", proof, err)
					}
				}
				work(t, w)
				one := read(t, w, receipt.ID)
				if one.Merits.State != c.want || (len(w.Blocked("phish.example")) == 0) != (c.want == redress.Interim) {
					t.Fatalf("merits %v, blocked by %v: %s", one.Merits, w.Blocked("phish.example"), kinds(one))
				}
				if c.want != redress.Interim {
					return
				}
				time.Sleep(73 * time.Hour)
				work(t, w)
				if one = read(t, w, receipt.ID); one.Merits.State != redress.Interim || len(notices(t, w, "case.missed")) == 0 {
					t.Fatalf("after 72 hours: %v, %s", one.Merits, kinds(one))
				}
				decide(t, w, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "A kit lies there.", Ground: "Our terms, 4."})
				if len(w.Blocked("phish.example")) == 0 {
					t.Error("the relief outlived the decision")
				}
			})
		})
	}
}

func TestListedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		time.Sleep(time.Hour)
		receipt := file(t, w, application("phish.example"))
		decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse"})
		if err := w.Desk.Relisted(t.Context()); err != nil {
			t.Fatal(err)
		}
		if one := read(t, w, receipt.ID); one.Merits.State != redress.Reversed {
			t.Fatalf("reopened without news: %v", one.Merits)
		}
		time.Sleep(time.Hour)
		w.Restart() // the list is new, and has the name since now
		for range 2 {
			if err := w.Desk.Relisted(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		one := read(t, w, receipt.ID)
		if one.Merits.State != redress.Reopened || time.Until(one.Merits.Deadline) != redress.RelistTime || len(w.Blocked("phish.example")) != 0 || strings.Count(kinds(one), "reopened") != 1 {
			t.Fatalf("merits %v, blocked %v, %s", one.Merits, w.Blocked("phish.example"), kinds(one))
		}
		time.Sleep(time.Hour)
		w.Lists["scam"] = append(w.Lists["scam"], "phish.example")
		w.Restart()
		for range 2 {
			if err := w.Desk.Relisted(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		one = read(t, w, receipt.ID)
		if !slices.Contains(w.Blocked("phish.example"), "phishing") || strings.Count(kinds(one), "reblocked") != 1 || one.Merits.State != redress.Reopened {
			t.Fatalf("two feeds: blocked %v, %s", w.Blocked("phish.example"), kinds(one))
		}
		decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse"})
		if slices.Contains(w.Blocked("phish.example"), "phishing") {
			t.Error("the second reversal lifted nothing")
		}
	})
}

func TestExceptionIsReviewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("phish.example"))
		decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse"})
		time.Sleep(91 * 24 * time.Hour)
		w.Restart() // or the list itself would be past its review
		work(t, w)
		if one := read(t, w, receipt.ID); one.Merits.State != redress.Reopened || len(w.Blocked("phish.example")) != 0 {
			t.Fatalf("merits %v, blocked %v", one.Merits, w.Blocked("phish.example"))
		}
		decide(t, w, receipt.ID, redress.Decision{Outcome: "uphold", Facts: "It is back.", Ground: "Our terms, 4."})
		if len(w.Blocked("phish.example")) == 0 {
			t.Error("what was upheld stays lifted")
		}
	})
}
