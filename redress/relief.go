package redress

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// minAge is how long a name must be known to be for an interim relief.
const minAge = 30 * 24 * time.Hour

// retest looks at a site whose owner proved control, and unblocks it until a person has decided
// where everything speaks for it. Whatever it finds refuses nothing.
func (d *Desk) retest(ctx context.Context, due DueClock, by Actor) error {
	one, err := d.store.Case(ctx, due.Case)
	if err != nil {
		return fmt.Errorf("retest: %w", err)
	}
	facts, err := d.facts(ctx, one, true)
	if err != nil {
		return fmt.Errorf("retest: %w", err)
	}
	facts.Matches, facts.Retest = []FactMatch{}, nil
	if one.relievable(&facts) == "" {
		d.register(ctx, one, &facts)
	}
	if retester := d.config.Sources.Retester; retester != nil && one.relievable(&facts) == "" && facts.young(by) == "" {
		facts.Retest = retester.Retest(ctx, one.Contested())
	}
	err = d.serve(ctx, due, func(c *Case, at time.Time) (Change, error) { return c.relieve(&facts, by, at) })
	if err != nil {
		return fmt.Errorf("retest: %w", err)
	}
	_, err = d.Settle(ctx)
	return err
}

// relievable says why a case gets no interim relief, whatever the site looks like; empty where
// it may.
func (c *Case) relievable(facts *Triage) string {
	switch {
	case c.Entry == nil || c.Entry.Purpose != blocklists.Security || c.Confidential:
		return "it is not about a security list"
	case c.Merits.State != Submitted:
		return "it does not wait for a first decision"
	case c.Implementation.State == Fixed:
		return "a part was let go already"
	case c.Filing.Verified.IsZero() || c.Filing.Role == Reporter:
		return "control of the name is not proved"
	case facts.Feeds > 1:
		return "a second feed has the name"
	}
	return ""
}

// register finds out since when the name is registered, once a case: the answer is kept with the facts of the
// test. A registry that is silent leaves it unknown.
func (d *Desk) register(ctx context.Context, one *Case, facts *Triage) {
	if d.config.Sources.Registry == nil || !facts.Registered.IsZero() {
		return
	}
	since, known, err := d.config.Sources.Registry.Registered(ctx, one.Filing.Name.String())
	if err != nil {
		d.logger.Warn("the age of a name is not known", slog.String("case", string(one.ID)), slog.Any("error", err))
	}
	if err == nil && known {
		facts.Registered = since
	}
}

// young says why the name is not known to be old enough; empty where it is. The registry's word goes before
// that of lists, which only tells how old it is at the least. Where nobody knows, a person may judge.
func (t *Triage) young(by Actor) string {
	switch old := t.At.Add(-minAge); {
	case !t.Registered.IsZero() && t.Registered.After(old):
		return "the name is younger than 30 days"
	case !t.Registered.IsZero() || !t.FirstSeen.IsZero() && !t.FirstSeen.After(old) || by.Role != System:
		return ""
	}
	return "it is not known whether the name is older than 30 days"
}

// relieve unblocks until a person has decided, or says in the log why not.
func (c *Case) relieve(facts *Triage, by Actor, at time.Time) (Change, error) {
	if facts.Why = c.relievable(facts); facts.Why == "" {
		facts.Why = facts.young(by)
	}
	if facts.Why == "" && !clean(facts.Retest) {
		facts.Why = "the site was not seen clean from two networks with two programs"
	}
	if facts.Why != "" {
		change := c.unchanged()
		change.told(RetestedEvent, by, at, Content{Question: Merits, Triage: facts})
		return change, nil
	}
	change, _, err := c.step(by, Merits, Relieve, "", at)
	if err != nil {
		return change, err
	}
	content := Content{Question: Merits, Deadline: change.Merits.Deadline}
	if err := c.lift(&change, &content, &Decision{Outcome: string(Reverse)}, at); err != nil {
		return change, err
	}
	change.told(RetestedEvent, by, at, Content{Question: Merits, Triage: facts})
	change.told(RelievedEvent, by, at, content)
	return change, nil
}

// LookAgain looks at the site now, as the clerk does when control is proved, and unblocks until the
// decision where everything speaks for it. That nobody knows how old a name is does not stand in a person's way.
func (d *Desk) LookAgain(ctx context.Context, actor Actor, id CaseID) error {
	if !actor.May() {
		return ErrNotPermitted
	}
	if err := d.mayDecide(ctx, actor, id); err != nil {
		return fmt.Errorf("look again: %w", err)
	}
	clock := Clock{Kind: RetestClock}
	err := d.one(ctx, "look again", id, func(c *Case, at time.Time) (Change, error) {
		if c.Merits.State != Submitted || c.Entry == nil || c.Entry.Purpose != blocklists.Security {
			return Change{}, ErrState
		}
		change := c.unchanged()
		clock.At = at
		change.Clocks = append(change.Clocks, clock)
		return change, nil
	})
	if err != nil {
		return err
	}
	return d.retest(ctx, DueClock{Case: id, Clock: clock}, actor)
}
