package redress

import (
	"context"
	"time"
)

// Ending is why a case ends without a decision on it, and the language of that; empty: the desk's.
type Ending struct {
	Facts    string
	Ground   string
	Language string
}

// Dismiss ends a case that is not about a block of ours, or not about anything: inadmissible,
// with reasons.
func (d *Desk) Dismiss(ctx context.Context, actor Actor, id CaseID, why Ending) error {
	return d.end(ctx, actor, id, Dismiss, DismissedEvent, why)
}

// Close ends what the party was asked about and did not answer in 14 days.
func (d *Desk) Close(ctx context.Context, actor Actor, id CaseID, why Ending) error {
	return d.end(ctx, actor, id, Abandon, ClosedEvent, why)
}

func (d *Desk) end(ctx context.Context, actor Actor, id CaseID, action Action, kind EventKind, why Ending) error {
	facts, err := d.spoken(ctx, actor, id, "facts", why.Facts, why.Language)
	if err != nil {
		return err
	}
	ground, err := statement("ground", why.Ground, true)
	if err != nil {
		return err
	}
	return d.one(ctx, string(action), id, func(c *Case, at time.Time) (Change, error) {
		change, err := c.endings(actor, action, at)
		if err != nil {
			return Change{}, err
		}
		change.Clocks = append(change.Clocks, Clock{Kind: FollowClock, At: at})
		content := Content{Language: why.Language}
		change.say(&content, map[TextKind]string{Facts: facts, Ground: ground})
		change.told(kind, actor, at, content)
		return change, nil
	})
}

// endings moves each track for which there is a rule; ErrState where there is none.
func (c *Case) endings(actor Actor, action Action, at time.Time) (Change, error) {
	change, moved := c.unchanged(), false
	for _, question := range []Question{Merits, Implementation} {
		track := c.track(question)
		if action == Abandon && (track.State != NeedInfo || at.Before(track.Deadline)) {
			continue
		}
		step, _, err := c.step(actor, question, action, "", at)
		if err != nil {
			continue
		}
		moved = true
		if question == Merits {
			change.Merits = step.Merits
		} else {
			change.Implementation = step.Implementation
		}
		change.Clocks = append(change.Clocks, step.Clocks...)
	}
	if !moved {
		return Change{}, ErrState
	}
	change.Clocks = append(change.Clocks, clocksOf(Implementation, change.Implementation), clocksOf(Merits, change.Merits))
	return change, nil
}

// Merge ends a case for which another of the same name stands, which says where the party
// finds it.
func (d *Desk) Merge(ctx context.Context, actor Actor, id, into CaseID) error {
	if !actor.May() {
		return ErrNotPermitted
	}
	if err := d.mayDecide(ctx, actor, id); err != nil {
		return err
	}
	other, err := d.store.Case(ctx, into)
	if err != nil {
		return err
	}
	return d.one(ctx, "merge", id, func(c *Case, at time.Time) (Change, error) {
		invalid := new(Invalid)
		switch {
		case c.ID == into:
			invalid.add("into", "is the case itself")
		case c.Entry == nil || other.Entry == nil || *c.Entry != *other.Entry || other.Hidden:
			invalid.add("into", "is not about the same entry")
		case !other.Merits.Unfinished() && !other.Implementation.Unfinished():
			invalid.add("into", "is over: nobody would decide what is merged into it")
		}
		if err := invalid.err(); err != nil {
			return Change{}, err
		}
		change, err := c.endings(actor, Merge, at)
		if err != nil {
			return Change{}, err
		}
		change.told(MergedEvent, actor, at, Content{Into: string(into)})
		return change, nil
	})
}
