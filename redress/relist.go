package redress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
)

// reblockFeeds is how many feeds of different publishers block a lifted name again at once.
const reblockFeeds = 2

// Relisted looks at what was lifted of security lists: where a feed has the name anew since, a
// person looks at it within hours, and where two feeds of their own do it is blocked again at
// once, until that person has decided.
func (d *Desk) Relisted(ctx context.Context) error {
	after, ended := CaseID(""), false
	for {
		ids, err := d.store.Lifted(ctx, after, clocksAtOnce)
		if err != nil {
			return fmt.Errorf("relisted: %w", err)
		}
		for _, id := range ids {
			blocked, err := d.relisted(ctx, id)
			if err != nil {
				return fmt.Errorf("relisted: %w", err)
			}
			ended = ended || blocked
			after = id
		}
		if len(ids) < clocksAtOnce {
			break
		}
	}
	if !ended {
		return nil
	}
	_, err := d.Settle(ctx)
	return err
}

func (d *Desk) relisted(ctx context.Context, id CaseID) (blocked bool, err error) {
	one, err := d.store.Case(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound): // an exception that was made before its case was lost, or by hand
		return false, nil
	case err != nil || one.Entry == nil || one.Entry.Purpose != blocklists.Security:
		return false, err
	}
	since := one.liftedAt()
	anew, feeds := d.evidence(one, since)
	if since.IsZero() || feeds == 0 {
		return false, nil
	}
	blocked = anew && feeds >= reblockFeeds
	if !blocked && !anew || one.Merits.State == Reopened && !blocked || one.reblocked(since) {
		return false, nil
	}
	err = d.one(ctx, "relisted", id, func(c *Case, at time.Time) (Change, error) { return c.reopen(blocked, at) })
	return blocked, err
}

// evidence says whether the case's own list has the name anew since a time, and how many feeds of
// different publishers do.
func (d *Desk) evidence(one *Case, since time.Time) (anew bool, feeds int) {
	publishers := make(map[string]bool)
	for _, match := range d.index().Matches(one.Entry.covered()) {
		if match.Role != policy.Feed || match.Manifest == nil || match.Purpose() != blocklists.Security || !match.Entry.FirstSeen.After(since) {
			continue
		}
		anew = anew || match.Entry.List == one.Entry.List
		publishers[publisherOf(&match)] = true
	}
	return anew, len(publishers)
}

// liftedAt is when the last decision let the name go; zero where none did.
func (c *Case) liftedAt() time.Time {
	var at time.Time
	for _, event := range c.Events {
		switch outcome := event.Content.Outcome; {
		case event.Kind == RelievedEvent, event.Kind == LiftedEvent:
			at = event.At
		case event.isDecision() && (outcome == Reverse || outcome == Narrow):
			at = event.At
		}
	}
	return at
}

func (c *Case) reblocked(since time.Time) bool {
	for _, event := range c.Events {
		if event.Kind == ReblockedEvent && event.At.After(since) {
			return true
		}
	}
	return false
}

// reopen brings a lifted name before a person again, and blocks it until then where told so. What
// nobody has decided yet stays with whoever has it.
func (c *Case) reopen(blocks bool, at time.Time) (Change, error) {
	question := Merits
	if !c.Merits.Unfinished() && c.Merits.State == Closed { // it was the implementation that let go
		question = Implementation
	}
	change := c.unchanged()
	if !c.track(question).Unfinished() {
		var err error
		if change, _, err = c.step(clerk, question, Reopen, "", at); err != nil {
			return change, err
		}
		change.told(ReopenedEvent, clerk, at, Content{Question: question, Deadline: change.trackOf(question).Deadline})
	}
	if blocks {
		change.EndExceptions = true
		change.told(ReblockedEvent, clerk, at, Content{Question: question})
	}
	change.Clocks = append(change.Clocks, Clock{Kind: ReviewClock})
	return change, nil
}

func (c *Change) trackOf(question Question) Track {
	if question == Implementation {
		return c.Implementation
	}
	return c.Merits
}

// reviewException looks at an exception that is due: where its list has the name still, a person
// does; else it does no harm, and waits for the next time.
func (d *Desk) reviewException(c *Case, at time.Time) (Change, error) {
	change := c.unchanged()
	_, listed := d.match(c.Entry)
	moved, _, err := c.step(clerk, Merits, Review, "", at)
	if !listed || err != nil {
		change.told(ReviewEvent, clerk, at, Content{Question: Merits})
		change.Clocks = append(change.Clocks, Clock{Kind: ReviewClock, At: at.AddDate(0, 0, ReviewDays)})
		return change, nil
	}
	moved.told(ReviewEvent, clerk, at, Content{Question: Merits, Deadline: moved.Merits.Deadline})
	return moved, nil
}
