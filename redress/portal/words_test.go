package portal_test

import (
	"os"
	"slices"
	"testing"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/language/languagetest"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/portal"
)

func catalogues(t *testing.T) (own, kit *language.Catalogue) {
	t.Helper()
	own, err := portal.Catalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	if kit, err = page.Catalogue(nil); err != nil {
		t.Fatal(err)
	}
	return own, kit
}

func TestCatalogue(t *testing.T) {
	own, kit := catalogues(t)
	languagetest.Check(t, languagetest.Part{Texts: own, Also: kit, Templates: os.DirFS("templates"), Sets: []string{"own.", "wrong.", "missing.", "pass.", "passed.", "done."}})
}

// Every state, event and outcome that a rule can lead to has words.
func TestWordsForAllStates(t *testing.T) {
	own, kit := catalogues(t)
	english := language.Join(own, kit).In("en")
	want := func(set string, value string) {
		if value != "" && !english.Has(set+"."+value) {
			t.Errorf("no words for %s %s", set, value)
		}
	}
	for _, rule := range redress.Rules() {
		for _, state := range []redress.State{rule.From, rule.To, rule.Other} {
			want("track", string(state))
		}
		want("outcome", string(rule.Outcome))
		want("question", string(rule.Question))
	}
	for _, state := range []redress.State{redress.Submitted, redress.Referred, redress.Decided, redress.Closed} {
		want("state", string(state))
	}
	for _, kind := range []redress.EventKind{
		redress.FiledEvent, redress.ReferredEvent, redress.VerifiedEvent, redress.DecidedEvent, redress.InForceEvent, redress.DossierEvent, redress.DeliveredEvent,
		redress.MessageEvent, redress.AskedEvent, redress.OverdueEvent, redress.RelievedEvent, redress.ReblockedEvent, redress.ReopenedEvent, redress.ReviewEvent, redress.LiftedEvent,
		redress.AppealedEvent, redress.WithdrawnEvent, redress.DismissedEvent, redress.MergedEvent, redress.FollowedEvent, redress.ClosedEvent, redress.PronouncedBy,
		redress.ExternalEvent, redress.RecoveredEvent, redress.HolderEvent, redress.MissedEvent, redress.RemindedEvent, redress.UnansweredEvent,
		redress.WarnedEvent, redress.SuspendedEvent, redress.MeasureAppealedEvent, redress.MeasureUpheldEvent, redress.MeasureLiftedEvent, redress.MeasureEndedEvent,
	} {
		want("event", string(kind))
	}
	for _, how := range []policy.Detection{policy.Human, policy.Automated, policy.Notice} {
		want("detection", string(how))
	}
}

func TestNoTextPromisesWhatItShouldNot(t *testing.T) {
	own, _ := catalogues(t)
	// A page in another language must not say less than the English one: texts that the law or the design ask for.
	for _, tag := range own.Languages() {
		tongue := own.In(tag)
		said := []string{tongue.Say("law.first"), tongue.Say("law.decides"), tongue.Say("home.confidential"), tongue.Say("terms.unknown", "from", "x")}
		slices.Sort(said)
		if len(slices.Compact(said)) != 4 {
			t.Errorf("%s: two of the texts that must be there are one: %q", tag, said)
		}
	}
}
