package orders

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
)

// What a change of an order did.
const (
	WhatBlocked   = "blocked"
	WhatLifted    = "lifted"
	WhatCorrected = "corrected"
	WhatSuspended = "suspended"
	WhatResumed   = "resumed"
	WhatReleased  = "released"
	WhatEnforced  = "enforced over a safeguard"
)

// State is how an order stands.
type State string

// The states.
const (
	InForce    State = "in_force"
	PartlyHeld State = "partly_held" // a safeguard holds some of its names
	Held       State = "held"        // or all
	Scheduled  State = "scheduled"   // its time has not come
	Suspended  State = "suspended"
	Expired    State = "expired"
	Lifted     State = "lifted"
)

// Outcome is what became of an order.
type Outcome struct {
	Record    *store.OrderRecord
	State     State
	Deficient []string
	Held      []store.OrderName
	Names     int // that it has
	// Effect is when its names came in force, or will by their date; nil where none is,
	// and where Pending.
	Effect *redress.InForce
	// Pending: it is on the disk and could not be put in force yet. It is tried again until it is.
	Pending bool
	// Waits says that a second person has to enter the same.
	Waits bool
}

// outcome puts in force what is to be, and says how the order stands.
func (o *Office) outcome(ctx context.Context, id int64) (Outcome, error) {
	ctx = context.WithoutCancel(ctx) // what is on the disk comes in force, whoever hangs up
	o.kick()
	settled := o.Settle(ctx)
	if settled != nil {
		o.logger.Error("order not in force yet", slog.Any("error", settled))
	}
	made, err := o.stand(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	made.Pending = settled != nil
	return made, nil
}

// stand says how an order stands.
func (o *Office) stand(ctx context.Context, id int64) (Outcome, error) {
	var made Outcome
	err := o.db.View(ctx, func(view *store.View) error {
		record, err := store.OrderByID(ctx, view, id)
		if err != nil {
			return err
		}
		names, err := store.OrderNames(ctx, view, id, false)
		if err != nil {
			return err
		}
		changes, err := store.OrderChanges(ctx, view, id)
		if err != nil {
			return err
		}
		made = Outcome{Record: record, Deficient: record.Deficient, Names: len(names), State: stateOf(record, names, now())}
		for i := range names {
			if names[i].Standing == store.NameHeld {
				made.Held = append(made.Held, names[i])
			}
		}
		for i := range changes {
			if change := &changes[i]; !change.InForce.IsZero() {
				made.Effect = &redress.InForce{Generation: change.Generation, At: change.InForce}
			}
		}
		return nil
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("read order: %w", err)
	}
	return made, nil
}

func stateOf(record *store.OrderRecord, names []store.OrderName, at time.Time) State {
	order := &record.Order
	held := 0
	for i := range names {
		if names[i].Standing == store.NameHeld {
			held++
		}
	}
	switch {
	case !record.Lifted.At.IsZero() || len(names) == 0:
		return Lifted
	case !order.Expires.IsZero() && !at.Before(order.Expires):
		return Expired
	case held == len(names):
		return Held
	case at.Before(record.Suspended.Until):
		return Suspended
	case at.Before(order.Effective):
		return Scheduled
	case held > 0:
		return PartlyHeld
	}
	return InForce
}

// changeOf is a change that is to be put in force now, or at the order's date.
func changeOf(record *store.OrderRecord, what, by string, names int, at time.Time) *store.OrderChange {
	change := &store.OrderChange{Order: record.ID, What: what, Actor: by, Names: names, Received: at}
	switch what {
	case WhatBlocked: // of names that came after the order's term there is none
		if change.Effective = record.Order.Effective; record.Order.EnforceBy.After(at) || !record.At.Before(at) {
			change.EnforceBy = record.Order.EnforceBy
		}
	case WhatReleased, WhatEnforced:
		change.Effective, change.EnforceBy, change.Received = record.Order.Effective, record.Order.EnforceBy, record.Order.Received
	}
	return change
}

// Settle puts every change in force that is not known to be, and writes the receipts.
func (o *Office) Settle(ctx context.Context) error {
	o.settling.Lock()
	defer o.settling.Unlock()
	// Read before applying: what changes in between is left for its own call.
	pending, err := store.PendingOrderChanges(ctx, o.db)
	if err != nil || len(pending) == 0 {
		return err
	}
	generation, at, err := o.effect.Apply(ctx)
	if err != nil {
		return fmt.Errorf("settle orders: %w", err)
	}
	at = at.UTC().Truncate(time.Millisecond)
	err = o.db.Tx(ctx, func(tx *store.Tx) error {
		for i := range pending {
			pending[i].Node, pending[i].Generation = o.config.Node, generation
			if err := o.settle(ctx, tx, &pending[i], at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle orders: %w", err)
	}
	return nil
}

// settle writes the receipt of a change, and an event that says the same.
func (o *Office) settle(ctx context.Context, tx *store.Tx, change *store.OrderChange, at time.Time) error {
	change.InForce = at
	if change.Effective.After(at) {
		change.InForce = change.Effective
	}
	record, err := store.OrderByID(ctx, tx, change.Order)
	if err != nil {
		return err
	}
	kept := o.answerTTL(&record.Order)
	if change.What == WhatLifted || change.What == WhatSuspended {
		kept = o.config.BlockTTL
	}
	change.CachedUntil = change.InForce.Add(kept)
	settled, err := tx.SettleOrderChange(ctx, change)
	if err != nil || !settled {
		return err
	}
	facts := factsOf(record)
	facts.What, facts.Names, facts.Node, facts.InForce = change.What, change.Names, change.Node, change.InForce
	system := redress.Actor{Name: change.Node, Role: redress.System}
	events := []redress.Event{event(record, redress.OrderInForce, system, at, facts)}
	events[0].Content.Generation = change.Generation
	if late := lateness(change); late > 0 {
		told := *facts
		told.Late = late.String()
		events = append(events, event(record, redress.OrderLate, system, at, &told))
		o.logger.Warn("an order came in force after its time", slog.String("ref", record.Order.Ref), slog.Duration("late", late))
	}
	return o.log(ctx, tx, events...)
}

// answerTTL is for how long a client that an order concerns may keep an answer: the longest
// TTL that the doors hand out, or less where the law lists of all its jurisdictions say so.
func (o *Office) answerTTL(order *blocklists.Order) time.Duration {
	longest := time.Duration(0)
	for _, jurisdiction := range order.Jurisdiction {
		own := o.config.AnswerTTL
		for _, list := range o.rules.Catalog().Lists() {
			if list.Purpose == blocklists.Law && list.MaxTTL > 0 && slices.Contains(list.Jurisdiction, jurisdiction) {
				own = min(own, list.MaxTTL)
			}
		}
		longest = max(longest, own)
	}
	return longest
}

// lateness is by how much a change came in force after its time; 0 where it did not.
func lateness(change *store.OrderChange) time.Duration {
	if change.EnforceBy.IsZero() || !change.InForce.After(change.EnforceBy) {
		return 0
	}
	return change.InForce.Sub(change.EnforceBy)
}

// Receipt proves one change at one node.
type Receipt struct {
	store.OrderChange
	// InForce is zero while it is not in force, which Scheduled says the time of.
	Scheduled time.Time
	Late      time.Duration
}

// Proof is an order's receipts.
type Proof struct {
	Outcome
	Receipts []Receipt
}

// Receipts gives an order's receipts, the oldest first.
func (o *Office) Receipts(ctx context.Context, sender *Sender, ref string, list blocklists.ListID) (Proof, error) {
	record, err := o.find(ctx, o.db, sender, ref, list)
	if err != nil {
		return Proof{}, err
	}
	made := Proof{}
	if made.Outcome, err = o.stand(ctx, record.ID); err != nil {
		return Proof{}, err
	}
	changes, err := store.OrderChanges(ctx, o.db, record.ID)
	if err != nil {
		return Proof{}, err
	}
	for i := range changes {
		everywhere, err := o.everywhere(ctx, &changes[i])
		if err != nil {
			return Proof{}, err
		}
		made.Receipts = append(made.Receipts, everywhere...)
	}
	return made, nil
}

// everywhere are the receipts of a change from the node that made it and from all that follow.
func (o *Office) everywhere(ctx context.Context, change *store.OrderChange) ([]Receipt, error) {
	at := now()
	receipts := []Receipt{receiptOf(*change, at)}
	if change.InForce.IsZero() {
		return receipts, nil
	}
	nodes, err := fleet.OrderReceipts(ctx, o.db, change.Sequence)
	if err != nil {
		return nil, err
	}
	for _, node := range nodes {
		if node.Node == change.Node {
			continue
		}
		there, kept := *change, change.CachedUntil.Sub(change.InForce)
		there.Node, there.Generation, there.InForce = node.Node, node.Generation, node.At
		if change.Effective.After(node.At) {
			there.InForce = change.Effective
		}
		there.CachedUntil = there.InForce.Add(kept)
		receipts = append(receipts, receiptOf(there, at))
	}
	return receipts, nil
}

func receiptOf(change store.OrderChange, at time.Time) Receipt {
	receipt := Receipt{OrderChange: change, Late: lateness(&change)}
	if change.InForce.After(at) {
		receipt.Scheduled, receipt.InForce, receipt.CachedUntil = change.InForce, time.Time{}, time.Time{}
	}
	return receipt
}
