package redress

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/blocklists"
)

// stepsFile has every pair of state and action, one a line, and what comes of it. UPDATE=1 writes
// it anew, to be read before it is committed.
const stepsFile = "testdata/steps.txt"

func TestEveryStateAndAction(t *testing.T) {
	var text strings.Builder
	names := map[Kind]string{Own: "own", Ordered: "ordered", Empty: "empty"}
	for _, kind := range []Kind{Own, Ordered, Empty} {
		for _, question := range []Question{Merits, Implementation} {
			for _, state := range States() {
				for _, action := range Actions() {
					fmt.Fprintf(&text, "%s %s %s %s: %s\n", names[kind], question, state, action, stepsFrom(kind, question, state, action))
				}
			}
		}
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(stepsFile, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(stepsFile)
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(text.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(lines)) {
		if i >= len(got) || i >= len(lines) || got[i] != lines[i] {
			t.Fatalf("%s, line %d, is not the table any more", stepsFile, i+1)
		}
	}
}

// stepsFrom are the outcomes of an action, with who may take it and what it does.
func stepsFrom(kind Kind, question Question, state State, action Action) string {
	var steps []string
	for _, rule := range Rules() {
		if rule.Kind != kind || rule.Question != question || rule.From != state || rule.Action != action {
			continue
		}
		step := strings.TrimSpace(fmt.Sprintf("%s -> %s by %v", rule.Outcome, rule.To, rule.By))
		if rule.Other != "" {
			step += ", other " + string(rule.Other)
		}
		if rule.Clock != Keep {
			step += fmt.Sprintf(", clock %d %s", rule.Clock, rule.Term)
		}
		for word, is := range map[string]bool{", lifts": rule.Lifts, ", ends": rule.Ends, ", refuses": rule.Refuses} {
			if is {
				step += word
			}
		}
		parts := strings.Split(step, ", ")
		slices.Sort(parts[1:])
		steps = append(steps, strings.Join(parts, ", "))
	}
	if len(steps) == 0 {
		return "no"
	}
	return strings.Join(steps, "; ")
}

// No two rules fit the same step, and none lets a program refuse.
func TestRulesAreAFunction(t *testing.T) {
	type step struct {
		kind     Kind
		question Question
		action   Action
		outcome  Outcome
		from     State
	}
	seen := make(map[step]bool)
	for _, rule := range Rules() {
		at := step{rule.Kind, rule.Question, rule.Action, rule.Outcome, rule.From}
		if seen[at] {
			t.Errorf("two rules for %v", at)
		}
		seen[at] = true
		if rule.Refuses && (slices.Contains(rule.By, System) || slices.Contains(rule.By, Party)) {
			t.Errorf("%v: a refusal without a person of ours", at)
		}
		if rule.Lifts && rule.Kind == Empty {
			t.Errorf("%v lifts nothing", at)
		}
		if rule.Kind == Ordered && rule.Question == Merits && rule.Action == Decide && rule.To != Referred {
			t.Errorf("%v decides what is the authority's", at)
		}
		if open := (Track{State: rule.To}).open(); open && rule.Action != Relieve && rule.Action != Answer && rule.Clock != Start {
			t.Errorf("%v opens a track without a clock", at)
		}
	}
}

// Whatever anybody does in whatever order, no case is lost, nothing is refused without a person,
// and no clock of ours moves later but where the table says so.
func TestAnySequenceOfSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		purposes := []*Entry{nil, {Purpose: blocklists.Law}, {Purpose: blocklists.Security}, {Purpose: blocklists.User}}
		at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		one := &Case{ID: "C-0000-0000-0000", Entry: rapid.SampledFrom(purposes).Draw(t, "entry")}
		one.Implementation, one.Merits = tracks(one.Entry, at, nil)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20*24).Draw(t, "hours")) * time.Hour)
			actor := Actor{Name: "x", Role: rapid.SampledFrom([]ActorRole{Party, Reviewer, SecondReviewer, Operator, Auditor, Authority, System}).Draw(t, "role")}
			question := rapid.SampledFrom([]Question{Merits, Implementation}).Draw(t, "question")
			action := rapid.SampledFrom(Actions()).Draw(t, "action")
			outcome := rapid.SampledFrom([]Outcome{"", Uphold, Reverse, Narrow, Shorten}).Draw(t, "outcome")
			change, rule, err := one.step(actor, question, action, outcome, at)
			if err != nil {
				continue
			}
			check(t, one, &change, &rule, actor, question)
			one.Implementation, one.Merits = change.Implementation, change.Merits
		}
	})
}

func check(t *rapid.T, before *Case, change *Change, rule *Rule, actor Actor, question Question) {
	if rule.Refuses && !actor.May() && actor.Role != Authority {
		t.Fatalf("%s refused", actor.Role)
	}
	if actor.Role == Auditor {
		t.Fatal("an auditor changed something")
	}
	for _, asked := range []Question{Merits, Implementation} {
		was, is := *before.track(asked), change.trackOf(asked)
		if !slices.Contains(States(), is.State) {
			t.Fatalf("the state %q", is.State)
		}
		if is.Waits() && is.Deadline.IsZero() {
			t.Fatalf("%s %s waits for us without a clock, after %+v", asked, is.State, rule)
		}
		later := is.Deadline.After(was.Deadline)
		if later && (asked != question || rule.Clock == Keep || rule.Clock == Hasten) {
			t.Fatalf("the clock of %s moved later by %+v", asked, rule)
		}
		due := clocksOf(asked, is)
		if is.Waits() != !due.At.IsZero() || !slices.Contains(change.Clocks, due) {
			t.Fatalf("the clerk does not know of %s %s", asked, is.State)
		}
	}
}
