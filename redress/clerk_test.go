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
		one := read(t, w, receipt.ID)
		delete(one.Clocks, redress.RereadClock) // which one decision of fifty has
		if one.Merits.State != redress.Reversed || len(one.Clocks) > 1 {
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
