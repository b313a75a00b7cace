package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Ending is why a whole order is lifted.
type Ending struct {
	Why      string    `json:"why,omitempty"`
	Decision *Decision `json:"decision,omitempty"`
}

// Lift ends a whole order. To lift it twice changes nothing.
func (o *Office) Lift(ctx context.Context, sender *Sender, ref string, list blocklists.ListID, ending *Ending) (Outcome, error) {
	wrong := new(invalid)
	ending.Decision.check(wrong)
	if len(ending.Why) > maxWhy {
		wrong.add("why", "is longer than %d octets", maxWhy)
	}
	if err := wrong.err(); err != nil {
		return Outcome{}, err
	}
	return o.edit(ctx, sender, ref, list, ending.Decision, digestOf(ending), now(), func(ctx context.Context, e *edit) error {
		e.why = ending.Why
		return e.liftAll(ctx)
	})
}

func (e *edit) liftAll(ctx context.Context) error {
	if !e.record.Lifted.At.IsZero() {
		return nil
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	for _, names := range e.open {
		for _, name := range names {
			if err := e.end(ctx, name); err != nil {
				return err
			}
		}
	}
	e.record.Lifted = store.Lifting{At: e.at, By: e.sender.Name(), Why: e.why, Decision: e.decision.String(), Overruled: e.decision != nil}
	if err := e.tx.PutOrder(ctx, e.record, e.sender.Name(), e.at); err != nil {
		return err
	}
	if err := e.tx.NoteOrderChange(ctx, changeOf(e.record, WhatLifted, e.sender.Name(), len(e.lifted), e.at)); err != nil {
		return err
	}
	facts := factsOf(e.record)
	facts.Why, facts.Decision, facts.Names, facts.Digest = e.why, e.decision.String(), len(e.lifted), digestOfNames(e.lifted)
	if err := e.office.log(ctx, e.tx, event(e.record, redress.OrderLifted, e.sender.Actor, e.at, facts)); err != nil {
		return err
	}
	e.office.logger.Info("order lifted", slog.String("ref", e.record.Order.Ref), slog.Int("names", len(e.lifted)), slog.String("by", e.sender.Name()))
	return e.office.tellChanged(ctx, e)
}

// decisionTerm is how long the word of the first person waits for the second.
const decisionTerm = 7 * 24 * time.Hour

// second notes one person's word for another authority's decision, and says whether it still
// waits for a second person's.
func (o *Office) second(ctx context.Context, tx *store.Tx, sender *Sender, record *store.OrderRecord, decision *Decision, fingerprint [32]byte, at time.Time) (waits bool, err error) {
	if sender.Role != redress.Operator {
		return false, &Forbidden{Why: "another authority's decision is entered by two people of the operator, not by an authority"}
	}
	people, err := tx.EnterDecision(ctx, record.ID, fingerprint, blocklists.Person(sender.Name()), sender.Actor.Name, at, decisionTerm)
	if err != nil {
		return false, err
	}
	if people >= blocklists.Law.Needed() {
		return false, tx.ExecuteDecision(ctx, record.ID, fingerprint, at)
	}
	facts := factsOf(record)
	facts.Decision = decision.String()
	return true, o.log(ctx, tx, event(record, redress.OrderDecision, sender.Actor, at, facts))
}

// Pause is until when an order has no effect, and why.
type Pause struct {
	Until  string `json:"until"`
	Reason string `json:"reason"`
}

// Suspend stops an order's effect until a time; it goes on by itself then.
func (o *Office) Suspend(ctx context.Context, sender *Sender, ref string, list blocklists.ListID, pause *Pause) (Outcome, error) {
	at, wrong := now(), new(invalid)
	until := readTime("until", pause.Until, wrong)
	switch {
	case pause.Until == "":
		wrong.add("until", "is missing: when the order is in force again")
	case !until.IsZero() && !until.After(at):
		wrong.add("until", "is over: it is %s", at.Format(time.RFC3339))
	}
	if pause.Reason == "" || len(pause.Reason) > maxWhy {
		wrong.add("reason", "is missing: the authority is told why its order has no effect")
	}
	if err := wrong.err(); err != nil {
		return Outcome{}, err
	}
	return o.pause(ctx, sender, ref, list, store.Suspension{Until: until, At: at, By: sender.Name(), Reason: pause.Reason}, WhatSuspended)
}

// Resume ends a suspension before its time.
func (o *Office) Resume(ctx context.Context, sender *Sender, ref string, list blocklists.ListID) (Outcome, error) {
	at := now()
	return o.pause(ctx, sender, ref, list, store.Suspension{Until: at.Truncate(time.Second), At: at, By: sender.Name(), Reason: "ended before its time"}, WhatResumed)
}

func (o *Office) pause(ctx context.Context, sender *Sender, ref string, list blocklists.ListID, pause store.Suspension, what string) (Outcome, error) {
	return o.edit(ctx, sender, ref, list, nil, [32]byte{}, pause.At, func(ctx context.Context, e *edit) error {
		if !e.record.Lifted.At.IsZero() {
			return &Conflict{Why: "the order is lifted: it has no effect to be stopped"}
		}
		if what == WhatResumed && !e.record.Suspended.Until.After(e.at) {
			return &Conflict{Why: "the order is not suspended"}
		}
		if err := e.load(ctx); err != nil {
			return err
		}
		e.record.Suspended, e.why = pause, pause.Reason
		if err := e.tx.PutOrder(ctx, e.record, sender.Name(), e.at); err != nil {
			return err
		}
		if err := e.tx.NoteOrderChange(ctx, changeOf(e.record, what, sender.Name(), len(e.open), e.at)); err != nil {
			return err
		}
		facts := factsOf(e.record)
		facts.Why, facts.Until, facts.Names, facts.What = pause.Reason, pause.Until, len(e.open), what
		if err := e.office.log(ctx, e.tx, event(e.record, redress.OrderSuspended, sender.Actor, e.at, facts)); err != nil {
			return err
		}
		return o.tellSuspended(ctx, e, what)
	})
}

// Letting is one person's word that held names may go.
type Letting struct {
	Names []string `json:"names,omitempty"` // none: all that are held
	Note  string   `json:"note,omitempty"`
}

// Release writes one person's word that held names may go; the second lets them.
func (o *Office) Release(ctx context.Context, sender *Sender, ref string, list blocklists.ListID, letting *Letting) (Outcome, error) {
	if sender.Role != redress.Operator {
		return Outcome{}, &Forbidden{Why: "what a safeguard holds is released by people of the operator"}
	}
	wrong := new(invalid)
	var given []Name
	for _, name := range letting.Names {
		given = append(given, Name{Name: name})
	}
	names := readNames("names", given, wrong)
	exact("names", names, wrong)
	if len(letting.Note) > maxWhy {
		wrong.add("note", "is longer than %d octets", maxWhy)
	}
	if err := wrong.err(); err != nil {
		return Outcome{}, err
	}
	var waits bool
	outcome, err := o.edit(ctx, sender, ref, list, nil, [32]byte{}, now(), func(ctx context.Context, e *edit) (err error) {
		waits, err = e.release(ctx, names, letting.Note)
		return err
	})
	outcome.Waits = waits
	return outcome, err
}

func (e *edit) release(ctx context.Context, names []blocklists.OrderEntry, note string) (waits bool, err error) {
	if err := e.load(ctx); err != nil {
		return false, err
	}
	held, wrong := e.held(names)
	if err := wrong.err(); err != nil {
		return false, err
	}
	if len(held) == 0 {
		return false, &Conflict{Why: "no name of the order is held"}
	}
	var let []blocklists.OrderEntry
	said := 0
	for _, name := range held {
		people, err := e.tx.ReleaseOrderName(ctx, name.ID, blocklists.Release{By: e.sender.Name(), Note: note, At: e.at}, e.sender.Actor.Name)
		if errors.Is(err, store.ErrSamePerson) {
			continue
		}
		if err != nil {
			return false, err
		}
		said++
		if people < blocklists.Law.Needed() {
			waits = true
			continue
		}
		name.Standing = store.NameReleased
		if err := e.tx.SetOrderName(ctx, name); err != nil {
			return false, err
		}
		let = append(let, blocklists.OrderEntry{Name: name.Name, Scope: name.Scope})
	}
	if said == 0 {
		return false, fmt.Errorf("%s %w", e.sender.Name(), store.ErrSamePerson)
	}
	return waits, e.writeRelease(ctx, let, said, note)
}

// held are the held names that are meant, by name; all where none is.
func (e *edit) held(names []blocklists.OrderEntry) ([]*store.OrderName, *invalid) {
	var held []*store.OrderName
	wrong := new(invalid)
	take := func(from []*store.OrderName) (found bool) {
		for _, name := range from {
			if name.Standing == store.NameHeld {
				held, found = append(held, name), true
			}
		}
		return found
	}
	if len(names) == 0 {
		for _, open := range e.open {
			take(open)
		}
	}
	for i, entry := range names {
		if !take(e.having(entry, true)) {
			wrong.add(fmt.Sprintf("names[%d]", i), "%s is not held", entry.Name)
		}
	}
	return held, wrong
}

func (e *edit) writeRelease(ctx context.Context, let []blocklists.OrderEntry, said int, note string) error {
	facts := factsOf(e.record)
	facts.Names, facts.Why, facts.Digest = said, note, digestOfNames(let)
	if err := e.office.log(ctx, e.tx, event(e.record, redress.OrderReleased, e.sender.Actor, e.at, facts)); err != nil || len(let) == 0 {
		return err
	}
	if err := e.tx.NoteOrderChange(ctx, changeOf(e.record, WhatReleased, e.sender.Name(), len(let), e.at)); err != nil {
		return err
	}
	return e.office.tellReleased(ctx, e, len(let))
}
