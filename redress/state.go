package redress

import (
	"errors"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// State is where a track of a case stands, or the whole case for the party.
type State string

// The states. A track is submitted or referred while it is open; the others end it.
const (
	Submitted State = "submitted" // the clock runs, a person of ours decides
	Referred  State = "referred"  // the authority decides, not we
	Upheld    State = "upheld"
	Reversed  State = "reversed"
	Narrowed  State = "narrowed"
	Confirmed State = "confirmed" // implemented rightly
	Fixed     State = "fixed"     // implemented wrongly, put right
	Closed    State = "closed"    // nothing is left to decide
	Decided   State = "decided"   // of a whole case only
)

// Question is which of the two a decision answers.
type Question string

// The questions.
const (
	Implementation Question = "implementation"
	Merits         Question = "merits"
)

// Outcome is what a reviewer decides.
type Outcome string

// The outcomes.
const (
	Uphold  Outcome = "uphold"
	Reverse Outcome = "reverse"
	Narrow  Outcome = "narrow"
)

// Track is one question's state and clock. A zero deadline is none of ours.
type Track struct {
	State    State
	Deadline time.Time
}

// open says whether the track waits for a decision of ours.
func (t Track) open() bool { return t.State == Submitted }

// Kind is whose a case's merits are.
type Kind uint8

// The kinds: security and user are ours, law is the authority's, and a case
// without an entry has nothing that could be lifted.
const (
	Own Kind = iota
	Ordered
	Empty
)

// Rule is one permitted decision: what it asks of the case and what it makes of
// both tracks. A zero Other leaves the other track as it is.
type Rule struct {
	Kind     Kind
	Question Question
	Outcome  Outcome
	From     State
	To       State
	Other    State
	// Lifts says that the decision makes an exception.
	Lifts bool
}

// Rules is every decision there is. What is not here cannot be decided.
func Rules() []Rule {
	return []Rule{
		{Kind: Own, Question: Merits, Outcome: Uphold, From: Submitted, To: Upheld},
		{Kind: Own, Question: Merits, Outcome: Reverse, From: Submitted, To: Reversed, Other: Closed, Lifts: true},
		{Kind: Own, Question: Merits, Outcome: Narrow, From: Submitted, To: Narrowed, Lifts: true},
		{Kind: Own, Question: Implementation, Outcome: Uphold, From: Submitted, To: Confirmed},
		{Kind: Own, Question: Implementation, Outcome: Reverse, From: Submitted, To: Fixed, Other: Closed, Lifts: true},
		{Kind: Own, Question: Implementation, Outcome: Narrow, From: Submitted, To: Fixed, Lifts: true},

		// Not a decision on the merits: it tells the party why they are the authority's.
		{Kind: Ordered, Question: Merits, Outcome: Uphold, From: Referred, To: Referred},
		{Kind: Ordered, Question: Implementation, Outcome: Uphold, From: Submitted, To: Confirmed},
		{Kind: Ordered, Question: Implementation, Outcome: Reverse, From: Submitted, To: Fixed, Other: Closed, Lifts: true},
		{Kind: Ordered, Question: Implementation, Outcome: Narrow, From: Submitted, To: Fixed, Lifts: true},

		{Kind: Empty, Question: Merits, Outcome: Uphold, From: Submitted, To: Closed, Other: Closed},
		{Kind: Empty, Question: Implementation, Outcome: Uphold, From: Submitted, To: Closed, Other: Closed},
	}
}

// Why a decision is refused.
var (
	ErrReferred = errors.New("the merits of an order are decided by the authority, not here")
	ErrNoEntry  = errors.New("the case has no entry that could be lifted")
	ErrDecided  = errors.New("this question is decided already")
)

// ruleFor finds the rule for a decision, or says why there is none.
func (c *Case) ruleFor(question Question, outcome Outcome) (Rule, error) {
	kind := c.Kind()
	for _, rule := range Rules() {
		if rule.Kind != kind || rule.Question != question || rule.Outcome != outcome {
			continue
		}
		if c.track(question).State != rule.From {
			return Rule{}, ErrDecided
		}
		return rule, nil
	}
	if kind == Ordered {
		return Rule{}, ErrReferred
	}
	return Rule{}, ErrNoEntry
}

// Kind is whose the merits of the case are.
func (c *Case) Kind() Kind {
	switch {
	case c.Entry == nil:
		return Empty
	case c.Entry.Purpose == blocklists.Law:
		return Ordered
	}
	return Own
}

// State sums both tracks up.
func (c *Case) State() State {
	switch c.Merits.State {
	case Upheld, Reversed, Narrowed, Closed:
		return Decided
	}
	return c.Merits.State
}

func (c *Case) track(question Question) *Track {
	if question == Implementation {
		return &c.Implementation
	}
	return &c.Merits
}
