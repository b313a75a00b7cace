package redress

import (
	"context"
	"fmt"
	"time"
)

// maxFollowers is how many merged cases are told of one decision.
const maxFollowers = 1000

// follow tells the cases that were merged into one what became of it. Where it was withdrawn nobody would
// decide them any more: then each is its own case again.
func (d *Desk) follow(ctx context.Context, due DueClock) error {
	one, err := d.store.Case(ctx, due.Case)
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	ids, err := d.store.MergedInto(ctx, one.ID, maxFollowers)
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	for _, id := range ids {
		err := d.change(ctx, id, func(cases []*Case) ([]Change, error) {
			change, moved, err := cases[0].follow(one, now())
			if err != nil || !moved {
				return nil, err
			}
			return []Change{change}, nil
		})
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
	}
	return d.serve(ctx, due, func(c *Case, _ time.Time) (Change, error) { return c.unchanged(), nil })
}

// follow takes in what became of the case that stands for this one; false where that is known already.
func (c *Case) follow(into *Case, at time.Time) (Change, bool, error) {
	last := -1
	for i := range into.Events {
		if event := &into.Events[i]; event.isDecision() && event.Kind != ReferredEvent || event.Kind == WithdrawnEvent {
			last = i
		}
	}
	if last < 0 || c.heard(into, &into.Events[last]) {
		return Change{}, false, nil
	}
	event := into.Events[last]
	if event.Kind == WithdrawnEvent {
		return c.standAlone(at)
	}
	if !c.mergedFor(event.Content.Question) {
		return Change{}, false, nil
	}
	change, content := c.unchanged(), event.Content
	content.Into, content.Texts, content.Triage, content.Clock = string(into.ID), nil, nil, ""
	change.say(&content, map[TextKind]string{Facts: into.Text(event, Facts), Ground: into.Text(event, Ground)})
	change.told(FollowedEvent, event.Actor, at, content)
	return change, true, nil
}

// heard says whether the last thing that was told of the other case is the event.
func (c *Case) heard(into *Case, event *Event) bool {
	for i := range c.Events {
		told := &c.Events[i]
		if told.Kind == FollowedEvent && told.Content.Into == string(into.ID) && !told.At.Before(event.At) {
			return true
		}
	}
	return false
}

// mergedFor says whether the track of a question is another case's; of any, where it is empty.
func (c *Case) mergedFor(question Question) bool {
	if question == "" {
		return c.Merits.State == Merged || c.Implementation.State == Merged
	}
	return c.track(question).State == Merged
}

// standAlone opens a merged case again.
func (c *Case) standAlone(at time.Time) (Change, bool, error) {
	change, moved := c.unchanged(), false
	for _, question := range []Question{Merits, Implementation} {
		if c.track(question).State != Merged {
			continue
		}
		step, _, err := c.step(clerk, question, Reopen, "", at)
		if err != nil {
			return Change{}, false, err
		}
		if question == Merits {
			change.Merits = step.Merits
		} else {
			change.Implementation = step.Implementation
		}
		change.Clocks = append(change.Clocks, step.Clocks...)
		moved = true
	}
	change.Clocks = append(change.Clocks, clocksOf(Implementation, change.Implementation), clocksOf(Merits, change.Merits))
	change.told(ReopenedEvent, clerk, at, Content{Deadline: change.Merits.Deadline})
	return change, moved, nil
}

// followed says whether the case that stands for this one was decided on a question, and not for the party
// alone: what was lifted wholly leaves nothing to appeal against.
func (c *Case) followed(question Question) bool {
	is := false
	for i := range c.Events {
		event := &c.Events[i]
		if event.Kind == FollowedEvent && (event.Content.Question == question || event.Content.Question == "") {
			is = event.Content.Outcome != Reverse
		}
	}
	return is
}

// waitsForAnother says whether the party has not been told yet what became of the case that stands for its.
func (c *Case) waitsForAnother() bool {
	return len(c.Events) > 0 && c.mergedFor("") && c.count(FollowedEvent, Reviewer)+c.count(FollowedEvent, SecondReviewer)+c.count(FollowedEvent, Operator)+c.count(FollowedEvent, Authority) == 0
}
