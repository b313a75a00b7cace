package redress

import (
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxParts bounds the names and the countries of a decision.
const maxParts = 64

// checkParts looks at what says which part of a block is let go, and from when.
func (d *Decision) checkParts(invalid *Invalid) {
	d.NarrowTo = strings.TrimSpace(d.NarrowTo)
	ways := 0
	for _, given := range []bool{d.NarrowTo != "", d.NarrowScope != "", len(d.Except) > 0, len(d.Jurisdiction) > 0} {
		if given {
			ways++
		}
	}
	switch narrow := d.Outcome == string(Narrow); {
	case narrow != (ways > 0):
		invalid.add("narrow_to", "belongs to narrow, and narrow needs it, or narrow_scope, except or jurisdiction")
	case ways > 1:
		invalid.add("narrow_to", "is one of four ways to narrow, and a decision takes one: decide again for another")
	}
	if d.NarrowScope != "" && d.NarrowScope != blocklists.Exact.String() {
		invalid.add("narrow_scope", "must be exact")
	}
	if len(d.Except) > maxParts || len(d.Jurisdiction) > maxParts {
		invalid.add("except", "at most %d names or countries", maxParts)
	}
	if (d.Outcome == string(Shorten)) != !d.Until.IsZero() {
		invalid.add("until", "belongs to shorten, and shorten needs it")
	} else if d.Outcome == string(Shorten) && !d.Until.After(time.Now()) {
		invalid.add("until", "is over: reverse instead")
	}
}

// decide applies the rule for a decision. It changes nothing of the case.
func (c *Case) decide(actor Actor, action Action, decision *Decision, at time.Time) (Change, Rule, error) {
	question, outcome := Question(decision.Question), Outcome(decision.Outcome)
	if err := c.fresh(actor, question); err != nil {
		return Change{}, Rule{}, err
	}
	change, rule, err := c.step(actor, question, action, outcome, at)
	if err != nil {
		return Change{}, Rule{}, err
	}
	content := Content{Question: question, Outcome: outcome, Language: decision.Language}
	if rule.Lifts {
		if err := c.lift(&change, &content, decision, at); err != nil {
			return Change{}, Rule{}, err
		}
	}
	bodies := map[TextKind]string{Facts: decision.Facts, Ground: decision.Ground}
	if err := decision.Unfounded.noted(c, &content, bodies); err != nil {
		return Change{}, Rule{}, err
	}
	change.say(&content, bodies)
	kind := DecidedEvent
	if rule.To == Referred {
		kind = ReferredEvent
	}
	change.told(kind, actor, at, content)
	change.Clocks = append(change.Clocks, c.afterDecision(&rule, change.Events[0], at)...)
	return change, rule, nil
}

// lift makes the exceptions of a decision, or sets the clock that will.
func (c *Case) lift(change *Change, content *Content, decision *Decision, at time.Time) error {
	exceptions, err := c.exceptions(decision, at)
	if err != nil {
		return err
	}
	content.Until = decision.Until
	if !c.Confidential { // the case has it; its log is read by more
		content.List, content.Entry = string(c.Entry.List), c.Entry.Name.String()
		content.NarrowScope, content.Jurisdiction = decision.NarrowScope, decision.Jurisdiction
		for _, exception := range exceptions {
			if exception.Keep != "" {
				content.NarrowTo = exception.Keep.String()
			}
			if len(decision.Except) > 0 {
				content.Except = append(content.Except, exception.Name.String())
			}
		}
	}
	if Outcome(decision.Outcome) == Shorten {
		change.Clocks = append(change.Clocks, Clock{Kind: ShortenClock, At: decision.Until})
		return nil
	}
	change.Exceptions = exceptions
	return nil
}

// exceptions are what a decision makes: for the entry's name with what lies below it, but for
// what the block is narrowed to.
func (c *Case) exceptions(decision *Decision, at time.Time) ([]blocklists.Exception, error) {
	whole := blocklists.Exception{Kind: blocklists.Decided, List: c.Entry.List, Name: c.Entry.Name, Case: string(c.ID), At: at}
	if Outcome(decision.Outcome) != Narrow {
		return []blocklists.Exception{whole}, nil
	}
	invalid := new(Invalid)
	var made []blocklists.Exception
	switch {
	case decision.NarrowTo != "":
		whole.Keep = c.below("narrow_to", decision.NarrowTo, invalid)
		made = append(made, whole)
	case decision.NarrowScope != "":
		if whole.Below = true; c.Entry.Scope != blocklists.Subtree {
			invalid.add("narrow_scope", "the entry covers nothing but %s names: there is no wider scope to leave", c.Entry.Scope)
		}
		made = append(made, whole)
	case len(decision.Jurisdiction) > 0:
		whole.Outside = countries(decision.Jurisdiction, invalid)
		made = append(made, whole)
	}
	for _, text := range decision.Except {
		one := whole
		one.Name = c.below("except", text, invalid)
		made = append(made, one)
	}
	return made, invalid.err()
}

// below reads a name that the entry covers and that is not its own.
func (c *Case) below(field, text string, invalid *Invalid) wire.Name {
	name, err := ReadName(text)
	switch {
	case err != nil:
		invalid.add(field, "%s", err)
	case name == c.Entry.Name || !c.Entry.Scope.Covers(c.Entry.Name, name):
		invalid.add(field, "is not a name below the entry that the entry covers")
	}
	return name
}

// countries reads ISO 3166 codes.
func countries(codes []string, invalid *Invalid) []string {
	var read []string
	for _, code := range codes {
		code = strings.ToUpper(strings.TrimSpace(code))
		if len(code) != 2 || strings.ContainsFunc(code, func(r rune) bool { return r < 'A' || r > 'Z' }) {
			invalid.add("jurisdiction", "must be codes of two letters, as IT")
			return nil
		}
		read = append(read, code)
	}
	slices.Sort(read)
	return slices.Compact(read)
}

// afterDecision are the clocks that a decision sets: what was lifted of a security list is
// looked at again, its publisher is told, and of one decision in fifty somebody else reads it.
func (c *Case) afterDecision(rule *Rule, event Event, at time.Time) []Clock {
	clocks := []Clock{{Kind: RetestClock}, {Kind: FollowClock, At: at}}
	if endsTerm(rule.Question, rule.Outcome, rule.Action == Settled) {
		clocks = append(clocks, Clock{Kind: ShortenClock})
	}
	if rule.Lifts && c.Entry.Purpose == blocklists.Security {
		clocks = append(clocks, Clock{Kind: ReviewClock, At: at.AddDate(0, 0, ReviewDays)})
	}
	if rule.Lifts && c.Entry.Purpose != blocklists.Law && !c.Confidential {
		clocks = append(clocks, Clock{Kind: PublisherClock, At: toldAt(at)})
	}
	if sampled(c.ID, event.Content.Question, at) {
		clocks = append(clocks, Clock{Kind: RereadClock, At: at.AddDate(0, 0, RereadDays)})
	}
	return clocks
}

// endsTerm says whether a decision takes away the day on which an earlier one has the block end. That we carry a
// block out rightly leaves it, and so does a court that finds our decision right.
func endsTerm(question Question, outcome Outcome, settled bool) bool {
	switch outcome {
	case Reverse:
		return true
	case Narrow:
		return question == Merits
	case Uphold:
		return question == Merits && !settled
	}
	return false
}
