package redress

import (
	"slices"
	"time"
)

// Action is what somebody does to a track of a case.
type Action string

// The actions.
const (
	Decide    Action = "decide"    // answers the question, with an outcome
	Ask       Action = "ask"       // asks the party for what is missing
	Answer    Action = "answer"    // the party replies
	Relieve   Action = "relieve"   // unblocks until a person has decided
	Appeal    Action = "appeal"    // asks for somebody else to decide
	Doubt     Action = "doubt"     // who reads a decision again would have decided otherwise
	Withdraw  Action = "withdraw"  // the party gives up
	Dismiss   Action = "dismiss"   // inadmissible: it is not about a block of ours
	Merge     Action = "merge"     // another case of the same party stands for it
	Abandon   Action = "abandon"   // the party did not reply in time
	Pronounce Action = "pronounce" // the authority has decided, with an outcome
	Settled   Action = "external"  // a court or an out-of-court body has, with an outcome
	Reopen    Action = "reopen"    // the name was listed anew
	Review    Action = "review"    // it is time to look at an exception again
)

// Actions are all of them.
func Actions() []Action {
	return []Action{Decide, Ask, Answer, Relieve, Appeal, Doubt, Withdraw, Dismiss, Merge, Abandon, Pronounce, Settled, Reopen, Review}
}

// ClockMove is what an action does to the track's clock.
type ClockMove uint8

// The moves. Stop lets the party's time run in its place, Resume goes on with what was left
// of ours, Start begins anew, Hasten only ever brings a deadline nearer.
const (
	Keep ClockMove = iota
	Stop
	Resume
	Start
	Hasten
)

// How long actions give whoever has to act next.
const (
	ReplyTime   = 14 * 24 * time.Hour // for a party that was asked
	ReliefTime  = 72 * time.Hour      // in which a relief has to be decided
	AppealTime  = 14 * 24 * time.Hour
	RelistTime  = 4 * time.Hour // for what a feed has listed anew
	DoubtedTime = 72 * time.Hour
	ReviewTime  = 72 * time.Hour // for an exception that is due
)

// Rule is one permitted step of a track: who may do what to a case of which kind, where the
// track must stand, and what it makes of both tracks and the clock.
type Rule struct {
	Kind     Kind
	Question Question
	Action   Action
	Outcome  Outcome // of the actions that decide
	From     State
	To       State
	// Other is what becomes of the other track where it has not ended; empty leaves it.
	Other State
	By    []ActorRole
	Clock ClockMove
	Term  time.Duration
	// Lifts says that the step makes an exception, Ends that those of the case end before.
	Lifts bool
	Ends  bool
	// Refuses: a block goes on against the party's word. Only people do so, with reasons.
	Refuses bool
}

var (
	deciders = []ActorRole{Reviewer, SecondReviewer, Operator}
	seconds  = []ActorRole{SecondReviewer, Operator}
	party    = []ActorRole{Party}
	anybody  = []ActorRole{System, Reviewer, SecondReviewer, Operator}
)

// Rules is every step there is. What is not here cannot be done.
func Rules() []Rule {
	var rules []Rule
	for _, kind := range []Kind{Own, Ordered} {
		rules = append(rules, implementationRules(kind)...)
		rules = append(rules, endings(kind, Merits)...)
		rules = append(rules, endings(kind, Implementation)...)
	}
	rules = append(rules, meritsRules()...)
	rules = append(rules, orderedRules()...)
	return append(rules, emptyRules()...)
}

// decisions are what may be decided from a state, by whom.
func decisions(kind Kind, question Question, from State, by []ActorRole, final map[Outcome]State) []Rule {
	var rules []Rule
	for _, outcome := range []Outcome{Uphold, Reverse, Narrow, Shorten} {
		to, known := final[outcome]
		if !known {
			continue
		}
		rule := Rule{Kind: kind, Question: question, Action: Decide, Outcome: outcome, From: from, To: to, By: by}
		rule.Lifts = outcome != Uphold
		rule.Refuses = outcome == Uphold
		// What lifts takes the place of what the case had lifted before.
		rule.Ends = rule.Lifts || from == Interim || from == Reopened
		if outcome == Reverse {
			rule.Other = Closed
		}
		rules = append(rules, rule)
	}
	return rules
}

// favourable leaves the refusal out: who was asked may still answer.
func favourable(ends map[Outcome]State) map[Outcome]State {
	return map[Outcome]State{Reverse: ends[Reverse], Narrow: ends[Narrow], Shorten: ends[Shorten]}
}

func meritsRules() []Rule {
	ends := map[Outcome]State{Uphold: Upheld, Reverse: Reversed, Narrow: Narrowed, Shorten: Shortened}
	rules := slices.Concat(
		decisions(Own, Merits, Submitted, deciders, ends),
		decisions(Own, Merits, Interim, deciders, ends),
		decisions(Own, Merits, Reopened, deciders, ends),
		decisions(Own, Merits, Appealed, seconds, ends),
		decisions(Own, Merits, NeedInfo, deciders, favourable(ends)),
	)
	rules = append(rules,
		Rule{Kind: Own, Question: Merits, Action: Relieve, From: Submitted, To: Interim, By: anybody, Clock: Hasten, Term: ReliefTime, Lifts: true},
		Rule{Kind: Own, Question: Merits, Action: Withdraw, From: Interim, To: Withdrawn, By: party, Ends: true},
	)
	for _, from := range []State{Upheld, Narrowed, Shortened, Inadmissible, Closed, Merged} {
		rules = append(rules, Rule{Kind: Own, Question: Merits, Action: Appeal, From: from, To: Appealed, By: party, Clock: Start, Term: AppealTime})
	}
	for _, from := range []State{Upheld, Narrowed, Shortened, Reversed} {
		rules = append(rules, Rule{Kind: Own, Question: Merits, Action: Doubt, From: from, To: Appealed, By: deciders, Clock: Start, Term: DoubtedTime})
	}
	for _, from := range []State{Reversed, Narrowed, Shortened, Withdrawn, Inadmissible, Closed, Merged} {
		rules = append(rules, Rule{Kind: Own, Question: Merits, Action: Reopen, From: from, To: Reopened, By: anybody, Clock: Start, Term: RelistTime})
	}
	for _, from := range []State{Reversed, Narrowed, Shortened} {
		rules = append(rules, Rule{Kind: Own, Question: Merits, Action: Review, From: from, To: Reopened, By: anybody, Clock: Start, Term: ReviewTime})
	}
	return append(rules, settled(Own, Merits, Upheld, Narrowed, Shortened)...)
}

// implementationRules are the same for every purpose.
func implementationRules(kind Kind) []Rule {
	ends := map[Outcome]State{Uphold: Confirmed, Reverse: Fixed, Narrow: Fixed, Shorten: Fixed}
	rules := slices.Concat(
		decisions(kind, Implementation, Submitted, deciders, ends),
		decisions(kind, Implementation, Appealed, seconds, ends),
		decisions(kind, Implementation, Reopened, deciders, ends),
		decisions(kind, Implementation, NeedInfo, deciders, favourable(ends)),
	)
	for _, from := range []State{Confirmed, Inadmissible, Closed, Merged} {
		rules = append(rules, Rule{Kind: kind, Question: Implementation, Action: Appeal, From: from, To: Appealed, By: party, Clock: Start, Term: AppealTime})
	}
	for _, from := range []State{Confirmed, Fixed} {
		rules = append(rules, Rule{Kind: kind, Question: Implementation, Action: Doubt, From: from, To: Appealed, By: deciders, Clock: Start, Term: DoubtedTime})
	}
	for _, from := range []State{Fixed, Withdrawn, Inadmissible, Closed, Merged} {
		rules = append(rules, Rule{Kind: kind, Question: Implementation, Action: Reopen, From: from, To: Reopened, By: anybody, Clock: Start, Term: RelistTime})
	}
	return append(rules, settled(kind, Implementation, Confirmed)...)
}

// orderedRules are those of the merits of an order, which are the authority's.
func orderedRules() []Rule {
	authority := []ActorRole{Operator, Authority}
	rules := []Rule{
		// Not a decision on the merits: it tells the party why they are the authority's.
		{Kind: Ordered, Question: Merits, Action: Decide, Outcome: Uphold, From: Referred, To: Referred, By: deciders, Refuses: true},
		{Kind: Ordered, Question: Merits, Action: Pronounce, Outcome: Uphold, From: Referred, To: Upheld, By: authority, Refuses: true},
		{Kind: Ordered, Question: Merits, Action: Pronounce, Outcome: Reverse, From: Referred, To: Reversed, Other: Closed, By: authority, Lifts: true},
		{Kind: Ordered, Question: Merits, Action: Pronounce, Outcome: Narrow, From: Referred, To: Narrowed, By: authority, Lifts: true},
		{Kind: Ordered, Question: Merits, Action: Pronounce, Outcome: Shorten, From: Referred, To: Shortened, By: authority, Lifts: true},
		{Kind: Ordered, Question: Merits, Action: Withdraw, From: Referred, To: Withdrawn, By: party},
		{Kind: Ordered, Question: Merits, Action: Merge, From: Referred, To: Merged, By: anybody},
		{Kind: Ordered, Question: Merits, Action: Dismiss, From: Referred, To: Inadmissible, By: deciders, Refuses: true},
	}
	for _, from := range []State{Reversed, Narrowed, Shortened, Withdrawn, Inadmissible, Closed, Merged} {
		rules = append(rules, Rule{Kind: Ordered, Question: Merits, Action: Reopen, From: from, To: Referred, By: anybody})
	}
	return append(rules, settled(Ordered, Merits, Upheld, Narrowed, Shortened)...)
}

// settled are what a court or an out-of-court body may have made of a decision: what we may decide, but that to
// uphold leaves the decision as it is.
func settled(kind Kind, question Question, states ...State) []Rule {
	ends := map[Outcome]State{Reverse: Reversed, Narrow: Narrowed, Shorten: Shortened}
	if question == Implementation {
		ends = map[Outcome]State{Reverse: Fixed, Narrow: Fixed, Shorten: Fixed}
	}
	operator := []ActorRole{Operator}
	var rules []Rule
	for _, from := range states {
		rules = append(rules, Rule{Kind: kind, Question: question, Action: Settled, Outcome: Uphold, From: from, To: from, By: operator, Refuses: true})
		for _, outcome := range []Outcome{Reverse, Narrow, Shorten} {
			rules = append(rules, Rule{Kind: kind, Question: question, Action: Settled, Outcome: outcome, From: from, To: ends[outcome], By: operator, Lifts: true, Ends: true})
		}
	}
	return rules
}

// endings are how a track that waits for us is asked about, given up, put aside or joined.
func endings(kind Kind, question Question) []Rule {
	rules := []Rule{
		{Kind: kind, Question: question, Action: Ask, From: Submitted, To: NeedInfo, By: anybody, Clock: Stop, Term: ReplyTime},
		{Kind: kind, Question: question, Action: Answer, From: NeedInfo, To: Submitted, By: party, Clock: Resume},
		{Kind: kind, Question: question, Action: Abandon, From: NeedInfo, To: Closed, By: deciders, Refuses: true},
	}
	for _, from := range []State{Submitted, NeedInfo} {
		rules = append(rules,
			Rule{Kind: kind, Question: question, Action: Withdraw, From: from, To: Withdrawn, By: party},
			Rule{Kind: kind, Question: question, Action: Dismiss, From: from, To: Inadmissible, By: deciders, Refuses: true},
			Rule{Kind: kind, Question: question, Action: Merge, From: from, To: Merged, By: anybody})
	}
	return append(rules, Rule{Kind: kind, Question: question, Action: Withdraw, From: Appealed, To: Withdrawn, By: party})
}

// emptyRules are those of a case about nothing. It goes the ways of one about a secret entry,
// so that the party cannot tell them apart.
func emptyRules() []Rule {
	var rules []Rule
	for _, question := range []Question{Merits, Implementation} {
		rules = append(rules, Rule{Kind: Empty, Question: question, Action: Decide, Outcome: Uphold, From: Submitted, To: Closed, Other: Closed, By: deciders, Refuses: true})
		rules = append(rules, Rule{Kind: Empty, Question: question, Action: Decide, Outcome: Uphold, From: Appealed, To: Closed, Other: Closed, By: seconds, Refuses: true})
		for _, from := range []State{Closed, Inadmissible} {
			rules = append(rules, Rule{Kind: Empty, Question: question, Action: Appeal, From: from, To: Appealed, By: party, Clock: Start, Term: AppealTime})
		}
		rules = append(rules, endings(Empty, question)...)
	}
	return rules
}

// ruleFor finds the rule for a step, or says why there is none.
func (c *Case) ruleFor(actor Actor, question Question, action Action, outcome Outcome) (Rule, error) {
	kind, from := c.Kind(), c.track(question).State
	exists, elsewhere := false, false
	for _, rule := range Rules() {
		if rule.Kind != kind || rule.Question != question || rule.Action != action || rule.Outcome != outcome {
			continue
		}
		exists = true
		if rule.From != from {
			continue
		}
		if !slices.Contains(rule.By, actor.Role) {
			elsewhere = true
			continue
		}
		return rule, nil
	}
	switch {
	case elsewhere:
		return Rule{}, ErrNotPermitted
	case action != Decide:
		return Rule{}, ErrState
	case exists && !c.track(question).Unfinished():
		return Rule{}, ErrDecided
	case exists:
		return Rule{}, ErrState
	case kind == Ordered:
		return Rule{}, ErrReferred
	}
	return Rule{}, ErrNoEntry
}
