package redress

import (
	"errors"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// State is where a track of a case stands, or the whole case for the party.
type State string

// The states. A track waits for us in the first four, for the party in need_info, for the
// authority in referred; the others end it, until an appeal, or the name is listed again.
const (
	Submitted State = "submitted" // the clock runs, a person of ours decides
	Interim   State = "interim"   // unblocked until a person has decided
	Appealed  State = "appeal"    // somebody else decides once more
	Reopened  State = "reopened"  // what was lifted is looked at again, and stays lifted until then
	NeedInfo  State = "need_info" // we asked the party, and our clock stands still
	Referred  State = "referred"  // the authority decides, not we

	Upheld       State = "upheld"
	Reversed     State = "reversed"
	Narrowed     State = "narrowed"
	Shortened    State = "shortened"
	Confirmed    State = "confirmed" // implemented rightly
	Fixed        State = "fixed"     // implemented wrongly, put right
	Closed       State = "closed"    // nothing is left to decide
	Withdrawn    State = "withdrawn" // by the party
	Inadmissible State = "inadmissible"
	Merged       State = "merged" // another case of the same party stands for it

	Decided State = "decided" // of a whole case only
)

// States are all states of a track.
func States() []State {
	return []State{Submitted, Interim, Appealed, Reopened, NeedInfo, Referred, Upheld, Reversed, Narrowed, Shortened, Confirmed, Fixed, Closed, Withdrawn, Inadmissible, Merged}
}

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
	Shorten Outcome = "shorten"
)

// Track is one question's state and clock.
type Track struct {
	State State
	// Deadline is when whoever has to act next must have done so; zero: nobody of ours has to.
	// A track that has ended keeps the last one.
	Deadline time.Time
	// Left is what was left of our clock when it was stopped.
	Left time.Duration
	// Final: decided on appeal. There is no second one.
	Final bool
}

// Waits says whether somebody of ours has to decide, ask again or close.
func (t Track) Waits() bool { return t.open() || t.State == NeedInfo }

// open says whether the track waits for a decision of ours.
func (t Track) open() bool {
	return t.State == Submitted || t.State == Interim || t.State == Appealed || t.State == Reopened
}

// Unfinished says whether anybody has something to do yet.
func (t Track) Unfinished() bool { return t.Waits() || t.State == Referred }

// Kind is whose a case's merits are.
type Kind uint8

// The kinds: security and user are ours, law is the authority's, and a case
// without an entry has nothing that could be lifted.
const (
	Own Kind = iota
	Ordered
	Empty
)

// Why a decision is refused.
var (
	ErrReferred = errors.New("the merits of an order are decided by the authority, not here")
	ErrNoEntry  = errors.New("the case has no entry that could be lifted")
	ErrDecided  = errors.New("this question is decided already")
	// ErrState says that the case does not stand where this can be done.
	ErrState = errors.New("the case is not in a state that allows this")
	// ErrSamePerson says that another person has to do this.
	ErrSamePerson = errors.New("somebody else has to do this")
)

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
	if c.Merits.Unfinished() {
		return c.Merits.State
	}
	switch {
	case c.Implementation.State == Appealed, c.Merits.State == Withdrawn && c.Implementation.Waits(): // of the latter nothing else was asked
		return c.Implementation.State
	case c.Merits.State == Withdrawn, c.Merits.State == Inadmissible, c.Merits.State == Merged:
		return c.Merits.State
	}
	return Decided
}

// track is the one of a question.
func (c *Case) track(question Question) *Track {
	if question == Implementation {
		return &c.Implementation
	}
	return &c.Merits
}
