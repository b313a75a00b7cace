package redress_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var second = redress.Actor{Name: "second", Role: redress.SecondReviewer}

func work(t *testing.T, w *redresstest.World) {
	t.Helper()
	if err := w.Desk.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if logged := w.Logs.String(); strings.Contains(logged, `"level":"ERROR"`) {
		t.Fatalf("the clerk failed: %s", logged)
	}
}

func read(t *testing.T, w *redresstest.World, id redress.CaseID) *redress.Case {
	t.Helper()
	one, err := w.Store.Case(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

// kinds are those of a case's events, in order.
func kinds(one *redress.Case) string {
	var all []string
	for _, event := range one.Events {
		all = append(all, string(event.Kind))
	}
	return strings.Join(all, " ")
}

// notices are the kinds of what waits to be told, with the key.
func notices(t *testing.T, w *redresstest.World, kind string) (bodies []string) {
	t.Helper()
	queued, err := notify.Outbox(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range queued {
		if one.Kind == kind && one.Channel == "mail" {
			bodies = append(bodies, one.Body)
		}
	}
	return bodies
}

func TestReferralIsSentRemindedAndPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		w.Config.Mail = map[string]string{"Tribunale di Esempio": "court@authority.example"}
		w.Restart()
		receipt := file(t, w, application("www.court.example"))
		work(t, w)
		sent := notices(t, w, "case.referral")
		if len(sent) != 1 || !strings.Contains(sent[0], "RG 1234/2026") || !strings.Contains(sent[0], "The site was cleaned") || strings.Contains(sent[0], "owner@example.net") {
			t.Fatalf("dossier %q", sent)
		}
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{9 * 24 * time.Hour, "filed referred triaged dossier_sent clock_missed"},
			{24 * time.Hour, "filed referred triaged dossier_sent clock_missed clock_missed authority_reminded"},
			{20 * 24 * time.Hour, "filed referred triaged dossier_sent clock_missed clock_missed authority_reminded unanswered"},
			{100 * 24 * time.Hour, "filed referred triaged dossier_sent clock_missed clock_missed authority_reminded unanswered"},
		} {
			time.Sleep(step.wait)
			work(t, w)
			work(t, w) // once more changes nothing
			got := strings.Fields(kinds(read(t, w, receipt.ID)))
			want := strings.Fields(step.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("after %s more: %v, want %v", step.wait, got, want)
			}
		}
		operator := redress.Actor{Name: "olga", Role: redress.Operator}
		decision := redress.AuthorityDecision{Decision: redress.Decision{Outcome: "reverse"}, Body: "Tribunale di Esempio", Ref: "RG 99/2027"}
		ruling, err := w.Desk.AuthorityDecision(t.Context(), operator, receipt.ID, decision)
		if err != nil || ruling.Effect == nil || len(w.Blocked("court.example")) != 0 {
			t.Fatalf("lifted: %+v, %v, blocked %v", ruling, err, w.Blocked("court.example"))
		}
		if one := read(t, w, receipt.ID); one.Merits.State != redress.Reversed || len(one.Clocks) > 1 {
			t.Errorf("merits %v, clocks %v", one.Merits, one.Clocks)
		}
	})
}

func TestSeveralNodesServeAClockOnce(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("court.example"))
	done := make(chan error)
	for range 4 {
		go func() { done <- w.Desk.Work(context.Background()) }()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := kinds(read(t, w, receipt.ID)); strings.Count(got, "triaged") != 1 || strings.Count(got, "dossier_sent") != 1 {
		t.Errorf("events %s", got)
	}
}

func TestSilenceOfThePartyIsClosedByAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("phish.example"))
		before := read(t, w, receipt.ID).Merits.Deadline
		time.Sleep(10 * time.Hour)
		if err := w.Desk.AskParty(t.Context(), reviewer, receipt.ID, "", "Which plugin was it?", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * 24 * time.Hour)
		work(t, w)
		if one := read(t, w, receipt.ID); one.Merits.State != redress.NeedInfo {
			t.Fatalf("merits %v", one.Merits)
		}
		if err := w.Desk.Close(t.Context(), reviewer, receipt.ID, redress.Ending{Facts: "No answer.", Ground: "Nothing to go by."}); err == nil {
			t.Fatal("closed before 14 days")
		}
		if err := w.Desk.Message(t.Context(), receipt.ID, receipt.Token, "It was a gallery."); err != nil {
			t.Fatal(err)
		}
		if one := read(t, w, receipt.ID); one.Merits.State != redress.Submitted || !one.Merits.Deadline.Equal(before.Add(5*24*time.Hour)) {
			t.Fatalf("after the answer: %v; before %s", one.Merits, before)
		}
		if err := w.Desk.AskParty(t.Context(), reviewer, receipt.ID, "", "And which version?", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * 24 * time.Hour)
		work(t, w)
		one := read(t, w, receipt.ID)
		if one.Merits.State != redress.NeedInfo || !strings.HasSuffix(kinds(one), "reply_overdue") {
			t.Fatalf("the desk closed it by itself: %v, %s", one.Merits, kinds(one))
		}
		if err := w.Desk.Close(t.Context(), reviewer, receipt.ID, redress.Ending{Facts: "No answer.", Ground: "Nothing to go by."}); err != nil {
			t.Fatal(err)
		}
		if one = read(t, w, receipt.ID); one.Merits.State != redress.Closed || one.AppealUntil().IsZero() {
			t.Errorf("merits %v, appeal until %s", one.Merits, one.AppealUntil())
		}
	})
}

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

func TestShortenedBlockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("casino.example"))
		until := time.Now().Add(10 * 24 * time.Hour)
		decide(t, w, receipt.ID, redress.Decision{Outcome: "shorten", Until: until})
		work(t, w)
		if len(w.Blocked("casino.example")) == 0 {
			t.Fatal("lifted before its time")
		}
		time.Sleep(time.Until(until))
		work(t, w)
		if len(w.Blocked("casino.example")) != 0 {
			t.Error("the block goes on after its end")
		}
	})
}

func TestAppealGoesToSomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := redresstest.New(t)
		receipt := file(t, w, application("phish.example"))
		reasons := redress.Decision{Outcome: "uphold", Facts: "Seen today.", Ground: "Our terms, 4."}
		first := redress.Actor{Name: "Anna  Rossi", Role: redress.Operator}
		if _, err := w.Desk.Decide(t.Context(), first, receipt.ID, reasons); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * 24 * time.Hour)
		if err := w.Desk.Appeal(t.Context(), receipt.ID, receipt.Token, "", "It was cleaned long ago."); err != nil {
			t.Fatal(err)
		}
		if one := read(t, w, receipt.ID); time.Until(one.Merits.Deadline) != redress.AppealTime {
			t.Errorf("deadline in %s", time.Until(one.Merits.Deadline))
		}
		for _, actor := range []redress.Actor{reviewer, {Name: "anna rossi", Role: redress.Operator}} {
			if _, err := w.Desk.Decide(t.Context(), actor, receipt.ID, reasons); err == nil {
				t.Fatalf("%v decided the appeal", actor)
			}
		}
		if _, err := w.Desk.Decide(t.Context(), second, receipt.ID, reasons); err != nil {
			t.Fatal(err)
		}
		if err := w.Desk.Appeal(t.Context(), receipt.ID, receipt.Token, "", "Once more."); err == nil {
			t.Error("a second appeal was taken")
		}
		statement, err := w.Desk.Statement(t.Context(), receipt.ID, receipt.Token)
		if err != nil || statement.SecondBy != redress.Operator || statement.DecidedBy != redress.SecondReviewer || statement.What != redress.StaysBlocked || !statement.Summarised {
			t.Errorf("statement %+v, %v", statement, err)
		}

		late := file(t, w, application("casino.example"))
		if _, err := w.Desk.Decide(t.Context(), first, late.ID, reasons); err != nil {
			t.Fatal(err)
		}
		time.Sleep(190 * 24 * time.Hour)
		if err := w.Desk.Appeal(t.Context(), late.ID, late.Token, "", "Too late."); err == nil {
			t.Error("an appeal after six months was taken")
		}
	})
}

func TestContactIsHiddenUntilDecided(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("phish.example"))
	contact := func(actor redress.Actor) string {
		t.Helper()
		one, err := w.Desk.Review(t.Context(), actor, receipt.ID)
		if err != nil {
			t.Fatal(err)
		}
		return one.Text(one.Events[0], redress.Contact)
	}
	if got := contact(reviewer); got != "" {
		t.Fatalf("shown before the decision: %q", got)
	}
	decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse"})
	if contact(reviewer) == "" || contact(second) != "" || contact(redress.Actor{Name: "reviewer-1", Role: redress.Auditor}) != "" {
		t.Error("shown to the wrong people")
	}
}

func TestLostLinkIsRegained(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("phish.example"))
	for _, words := range []string{"", "babab-babab-babab-babab-babab-babab", receipt.Recovery[:10], strings.Repeat("a", 10000)} {
		if _, _, err := w.Desk.Recover(t.Context(), receipt.ID, words); err == nil {
			t.Fatalf("%q opened the case", words)
		}
	}
	typed := strings.ToUpper(strings.ReplaceAll(receipt.Recovery, "-", "  "))
	token, words, err := w.Desk.Recover(t.Context(), receipt.ID, typed)
	if err != nil || words == receipt.Recovery {
		t.Fatal(err)
	}
	if _, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token); err == nil {
		t.Error("the old link still opens")
	}
	if _, _, err := w.Desk.Recover(t.Context(), receipt.ID, receipt.Recovery); err == nil {
		t.Error("the old words still open")
	}
	if _, err := w.Desk.Show(t.Context(), receipt.ID, token); err != nil {
		t.Error(err)
	}

	renewal, err := w.Desk.Renewal(receipt.ID, "phish.example")
	if err != nil {
		t.Fatal(err)
	}
	w.DNS.Add(renewal.Challenge.Name + `. 60 IN TXT "` + renewal.Challenge.Value + `"`)
	if _, _, err := w.Desk.Renew(t.Context(), receipt.ID, renewal.Secret); err == nil {
		t.Fatal("renewed a case of which control was never proved")
	}
	w.DNS.Add(receipt.Challenge.Name + `. 60 IN TXT "` + receipt.Challenge.Value + `"`)
	if proof, err := w.Desk.Verify(t.Context(), receipt.ID, token, redress.Attempt{}); err != nil || !proof.Verified {
		t.Fatal(proof, err)
	}
	if _, _, err := w.Desk.Renew(t.Context(), receipt.ID, "a"+renewal.Secret[1:]); err == nil && renewal.Secret[0] != 'a' {
		t.Error("another secret renewed it")
	}
	token, _, err = w.Desk.Renew(t.Context(), receipt.ID, renewal.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Desk.Show(t.Context(), receipt.ID, token); err != nil {
		t.Error(err)
	}
}

func TestDuplicatesOfOnePartyMerge(t *testing.T) {
	w := redresstest.New(t)
	first := file(t, w, application("phish.example"))
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
}

// TestMergedIsToldAndMayAppeal: who filed a merged case learns the decision of the one that stands for it,
// in their own language, and somebody else decides their appeal.
func TestMergedIsToldAndMayAppeal(t *testing.T) {
	w := redresstest.New(t)
	first := file(t, w, application("phish.example"))
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
}

// TestMergedStandsAloneWhereTheOtherIsWithdrawn: nobody would decide it any more.
func TestMergedStandsAloneWhereTheOtherIsWithdrawn(t *testing.T) {
	w := redresstest.New(t)
	first, again := file(t, w, application("phish.example")), file(t, w, application("phish.example"))
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
}

// TestSecretCasesAreNotMerged: a case about nothing is never, and the party must not tell them apart.
func TestSecretCasesAreNotMerged(t *testing.T) {
	w := redresstest.New(t)
	file(t, w, application("secret.example"))
	again := file(t, w, application("secret.example"))
	work(t, w)
	if one := read(t, w, again.ID); one.Merits.State == redress.Merged || strings.Contains(kinds(one), "merged") {
		t.Errorf("%v: %s", one.Merits, kinds(one))
	}
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

func TestReversalsOfAList(t *testing.T) {
	w := redresstest.New(t)
	w.Config.Entries = func(list blocklists.ListID) (int, bool) { return 400, list == "phishing" }
	w.Restart()
	receipt := file(t, w, application("phish.example"))
	decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse", Facts: "It is clean.", Ground: "Nothing is left."})
	upheld := file(t, w, application("shared.example"))
	decide(t, w, upheld.Linked[0], redress.Decision{Outcome: "uphold", Facts: "It is not.", Ground: "Our terms, 4."})
	found, err := w.Desk.Reversals(t.Context(), "phishing", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Reversals) != 1 || found.Reversals[0].Name != "phish.example" || found.Reversals[0].Facts != "It is clean." || *found.Score.PerTenThousand != 25 {
		t.Errorf("found %+v", found)
	}
	if _, err := w.Desk.Reversals(t.Context(), "hidden", 0); err == nil {
		t.Error("a secret list's reversals were told")
	}
}

type approvals string

func (a approvals) Approved(_ context.Context, list blocklists.ListID, person string) (bool, error) {
	return list == "phishing" && person == string(a), nil
}

func TestNobodyDecidesAListThatHeApproved(t *testing.T) {
	w := redresstest.New(t)
	w.Config.Approvals = approvals("anna rossi")
	w.Restart()
	receipt := file(t, w, application("phish.example"))
	_, err := w.Desk.Decide(t.Context(), redress.Actor{Name: "Anna Rossi", Role: redress.Reviewer}, receipt.ID, redress.Decision{Outcome: "reverse"})
	if !errors.Is(err, redress.ErrOwnList) {
		t.Fatalf("got %v", err)
	}
	if approved, err := w.Store.Approved(t.Context(), "phishing", "anna rossi"); err != nil || approved {
		t.Errorf("the store says %v, %v", approved, err)
	}
	decide(t, w, receipt.ID, redress.Decision{Outcome: "reverse"})
}

func TestPartsOfABlockAreLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		decision redress.Decision
		blocked  []string
		open     []string
	}{
		"all but one below":  {redress.Decision{NarrowTo: "bad.phish.example"}, []string{"bad.phish.example", "a.bad.phish.example"}, []string{"phish.example", "www.phish.example"}},
		"the name alone":     {redress.Decision{NarrowScope: "exact"}, []string{"phish.example"}, []string{"www.phish.example"}},
		"names below":        {redress.Decision{Except: []string{"good.phish.example", "fine.phish.example"}}, []string{"phish.example", "x.phish.example"}, []string{"good.phish.example", "a.fine.phish.example"}},
		"but in one country": {redress.Decision{Jurisdiction: []string{"it"}}, []string{"phish.example"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := redresstest.New(t)
			receipt := file(t, w, application("phish.example"))
			c.decision.Outcome = "narrow"
			decide(t, w, receipt.ID, c.decision)
			for range 2 {
				for _, name := range c.blocked {
					if len(w.Blocked(name)) == 0 {
						t.Errorf("%s is open", name)
					}
				}
				for _, name := range c.open {
					if len(w.Blocked(name)) != 0 {
						t.Errorf("%s is blocked", name)
					}
				}
				w.Restart()
			}
			if exception := w.Current.Load().Overlay.CoversIn("phishing", wire.MustName("phish.example"), "FR"); (exception != nil) != (len(c.decision.Jurisdiction) > 0 || c.decision.NarrowTo != "") {
				t.Errorf("for a client in France: %+v", exception)
			}
		})
	}
}

var operator = redress.Actor{Name: "olga", Role: redress.Operator}

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

// TestLanguageOfWhatWeWrite goes with it: to the party's page, and into the statement of reasons.
func TestLanguageOfWhatWeWrite(t *testing.T) {
	w := redresstest.New(t)
	receipt := file(t, w, application("phish.example"))
	if err := w.Desk.Reply(t.Context(), reviewer, receipt.ID, "Ci stiamo lavorando.", "it"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		w.Desk.Reply(t.Context(), reviewer, receipt.ID, "Ciao.", "not a tag"),
		w.Desk.Dismiss(t.Context(), reviewer, receipt.ID, redress.Ending{Facts: "a", Ground: "b", Language: "<b>"}),
	} {
		if invalid, is := errors.AsType[*redress.Invalid](err); !is || invalid.Fields[0].Field != "language" {
			t.Errorf("no language: %v", err)
		}
	}
	if err := w.Desk.Dismiss(t.Context(), reviewer, receipt.ID, redress.Ending{Facts: "Non è un blocco nostro.", Ground: "Termini, 4.", Language: "it"}); err != nil {
		t.Fatal(err)
	}
	status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range status.Events {
		if want := map[redress.EventKind]string{redress.MessageEvent: "it", redress.DismissedEvent: "it"}[event.Kind]; event.Language != want {
			t.Errorf("%s is in %q", event.Kind, event.Language)
		}
	}
	statement, err := w.Desk.Statement(t.Context(), receipt.ID, receipt.Token)
	if err != nil || statement.TextLanguage != "it" {
		t.Errorf("statement in %q, %v", statement.TextLanguage, err)
	}
}
