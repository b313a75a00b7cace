package redress

import (
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// step applies the rule for an action to the tracks, and gives the change without its event.
// It changes nothing of the case.
func (c *Case) step(actor Actor, question Question, action Action, outcome Outcome, at time.Time) (Change, Rule, error) {
	rule, err := c.ruleFor(actor, question, action, outcome)
	if err != nil {
		return Change{}, rule, err
	}
	change := c.unchanged()
	own, other := &change.Merits, &change.Implementation
	if question == Implementation {
		own, other = other, own
	}
	wasReferred := change.Merits.State == Referred
	rule.apply(own, at)
	if rule.Other != "" && other.Unfinished() {
		other.State = rule.Other
	}
	change.EndExceptions = rule.Ends
	change.Clocks = append(change.Clocks, clocksOf(Implementation, change.Implementation), clocksOf(Merits, change.Merits))
	switch isReferred := change.Merits.State == Referred; {
	case isReferred && !wasReferred:
		change.Clocks = append(change.Clocks, referral(at)...)
	case wasReferred && !isReferred:
		change.Clocks = append(change.Clocks, noReferral()...)
	}
	return change, rule, nil
}

// apply moves a track and its clock.
func (r *Rule) apply(track *Track, at time.Time) {
	if r.Action == Decide && track.State == Appealed {
		track.Final = true
	}
	if r.Action == Reopen {
		track.Final = false
	}
	track.State = r.To
	switch r.Clock {
	case Stop:
		track.Left, track.Deadline = max(0, track.Deadline.Sub(at)), at.Add(r.Term)
	case Resume:
		track.Left, track.Deadline = 0, at.Add(track.Left)
	case Start:
		track.Left, track.Deadline = 0, at.Add(r.Term)
	case Hasten:
		if sooner := at.Add(r.Term); track.Deadline.IsZero() || sooner.Before(track.Deadline) {
			track.Deadline = sooner
		}
	case Keep:
	}
}

// unchanged is a change that changes nothing.
func (c *Case) unchanged() Change {
	return Change{Case: c.ID, Implementation: c.Implementation, Merits: c.Merits}
}

// told is an event of the change, with the tracks as they are from now on.
func (c *Change) told(kind EventKind, actor Actor, at time.Time, content Content) {
	content.Implementation, content.Merits = c.Implementation.State, c.Merits.State
	c.Events = append(c.Events, Event{Case: c.Case, At: at, Kind: kind, Actor: actor, Content: content})
}

// say commits the event's texts.
func (c *Change) say(content *Content, bodies map[TextKind]string) {
	texts, commitments := commit(bodies)
	c.Texts, content.Texts = append(c.Texts, texts...), commitments
}

// deciders are who has decided a question so far, as two people are compared.
func (c *Case) deciders(question Question) []string {
	var people []string
	for _, event := range c.Events {
		switch event.Kind {
		case DecidedEvent, DismissedEvent, ClosedEvent, ReferredEvent, FollowedEvent:
		default:
			continue
		}
		if event.Actor.Role != System && (event.Content.Question == question || event.Content.Question == "") {
			people = append(people, blocklists.Person(event.Actor.Name))
		}
	}
	return people
}

// fresh says why the actor may not decide what others decided before; nil where he may.
func (c *Case) fresh(actor Actor, question Question) error {
	if c.track(question).State == Appealed && slices.Contains(c.deciders(question), blocklists.Person(actor.Name)) {
		return ErrSamePerson
	}
	return nil
}

// concluded is when the question was decided last; zero where it was not.
func (c *Case) concluded(question Question) time.Time {
	var last time.Time
	for _, event := range c.Events {
		switch event.Kind {
		case DecidedEvent, DismissedEvent, ClosedEvent, PronouncedBy, ExternalEvent, FollowedEvent:
			if event.Content.Question == question || event.Content.Question == "" || c.Kind() == Empty {
				last = event.At
			}
		}
	}
	return last
}
