package redress

import (
	"slices"
	"unicode/utf8"
)

// Unfounded says that what a party filed was manifestly unfounded: anybody could have seen it. It is for a decision that upholds on
// the merits, and for a person to say, with reasons.
type Unfounded struct {
	// Gravity is minor or serious, by what would have come of it.
	Gravity string `json:"gravity"`
	// Intent is unknown, careless or deliberate.
	Intent string `json:"intent"`
	// Reasons are why; an event has their commitment.
	Reasons string `json:"reasons,omitempty"`
}

// What may be said of gravity and intent.
const (
	Minor      = "minor"
	Serious    = "serious"
	NotKnown   = "unknown"
	Careless   = "careless"
	Deliberate = "deliberate"
)

// Grave says that once is enough for a warning.
func (u *Unfounded) Grave() bool { return u.Gravity == Serious && u.Intent == Deliberate }

// check holds what was said to its words. Only what stays blocked on its merits can have been unfounded: to ask whether we
// carried a block out rightly never is.
func (u *Unfounded) check(decision *Decision, invalid *Invalid) {
	if u == nil {
		return
	}
	if decision.Outcome != string(Uphold) || decision.Question != string(Merits) {
		invalid.add("manifestly_unfounded", "belongs to uphold on the merits")
	}
	if !slices.Contains([]string{Minor, Serious}, u.Gravity) {
		invalid.add("gravity", "must be minor or serious")
	}
	if !slices.Contains([]string{NotKnown, Careless, Deliberate}, u.Intent) {
		invalid.add("intent", "must be unknown, careless or deliberate")
	}
	switch u.Reasons = tidy(u.Reasons); {
	case u.Reasons == "":
		invalid.add("reasons", "are missing: why could anybody have seen that this was unfounded?")
	case utf8.RuneCountInString(u.Reasons) > MaxStatement:
		invalid.add("reasons", "are longer than %d characters", MaxStatement)
	}
}

// noted is what an event says of it; ErrState where the party must not learn what the case is about, and so cannot have known.
func (u *Unfounded) noted(c *Case, content *Content, bodies map[TextKind]string) error {
	if u == nil {
		return nil
	}
	if c.Unconfirmed() || c.Kind() != Own {
		return ErrState
	}
	content.Unfounded = &Unfounded{Gravity: u.Gravity, Intent: u.Intent}
	bodies[WhyUnfounded] = u.Reasons
	return nil
}
