package orders

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

const (
	// retry is how soon what could not be done is tried again.
	retry = 5 * time.Second
	// longest is how long Run sleeps where nothing has a date: a clock may be set meanwhile.
	longest = time.Hour
)

// Run puts in force what is not known to be, and does what is due when the time of an order
// with held names runs out, until the context ends.
func (o *Office) Run(ctx context.Context) {
	for {
		wait := o.round(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-o.kicked:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// round does what is due, and says how long nothing is.
func (o *Office) round(ctx context.Context) time.Duration {
	next, err := o.deadlines(ctx)
	if err == nil {
		err = o.Settle(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			o.logger.Error("orders: not everything that is due is done; it is tried again", slog.Any("error", err))
		}
		return retry
	}
	if next.IsZero() {
		return longest
	}
	return min(max(time.Until(next), time.Millisecond), longest)
}

// deadlines does what is due for orders with held names, and gives the next date.
func (o *Office) deadlines(ctx context.Context) (next time.Time, err error) {
	waiting, err := store.HeldOrders(ctx, o.db)
	if err != nil {
		return time.Time{}, err
	}
	at := now()
	for _, record := range waiting {
		due := record.Order.EnforceBy
		if due.IsZero() || record.RanOut.Equal(due) {
			continue
		}
		if due.After(at) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		if err := o.db.Tx(ctx, func(tx *store.Tx) error { return o.runOut(ctx, tx, record.ID, at) }); err != nil {
			return time.Time{}, fmt.Errorf("order %d: %w", record.ID, err)
		}
	}
	return next, nil
}

// runOut does at an order's enforce-by time what its list says of names that are still held.
func (o *Office) runOut(ctx context.Context, tx *store.Tx, id int64, at time.Time) error {
	record, err := store.OrderByID(ctx, tx, id)
	if err != nil {
		return err
	}
	if due := record.Order.EnforceBy; due.After(at) || record.RanOut.Equal(due) {
		return nil // somebody was faster
	}
	names, err := store.OrderNames(ctx, tx, id, false)
	if err != nil {
		return err
	}
	waiting := held(names)
	if len(waiting) == 0 {
		return nil
	}
	record.RanOut = record.Order.EnforceBy
	if err := tx.PutOrder(ctx, record, "system", at); err != nil {
		return err
	}
	list := o.rules.Catalog().List(record.Order.List)
	if list != nil && list.AtEnforceBy == "enforce" {
		return o.enforce(ctx, tx, record, waiting, at)
	}
	return o.notExecuted(ctx, tx, record, waiting, at)
}

// system is who acts when a time runs out.
func system() redress.Actor { return redress.Actor{Name: "deadlines", Role: redress.System} }

// enforce puts names in force over the safeguard that held them.
func (o *Office) enforce(ctx context.Context, tx *store.Tx, record *store.OrderRecord, names []store.OrderName, at time.Time) error {
	for i := range names {
		names[i].Standing = store.NameOverridden
		if err := tx.SetOrderName(ctx, &names[i]); err != nil {
			return err
		}
	}
	facts := factsOf(record)
	facts.Names, facts.Digest, facts.Why = len(names), digestOfNames(entriesOf(names)), "over "+safeguardsOf(names)
	if err := o.log(ctx, tx, event(record, redress.OrderOverridden, system(), at, facts)); err != nil {
		return err
	}
	if err := tx.NoteOrderChange(ctx, changeOf(record, WhatEnforced, "deadlines", len(names), at)); err != nil {
		return err
	}
	made := &notice{kind: "overridden", subject: "Order " + record.Order.Ref + ": executed over a safeguard"}
	made.add("Executed over safeguard %s: its time ran out at %s before two people had released it.", safeguardsOf(names), stamp(record.Order.EnforceBy))
	made.addNames(o, record, entriesOf(names))
	if err := o.tellAll(ctx, tx, record, made); err != nil {
		return err
	}
	return o.watch(ctx, tx, record, at)
}

// notExecuted tells that names stay held although their time ran out.
func (o *Office) notExecuted(ctx context.Context, tx *store.Tx, record *store.OrderRecord, names []store.OrderName, at time.Time) error {
	facts := factsOf(record)
	facts.Names, facts.Digest, facts.Why = len(names), digestOfNames(entriesOf(names)), "held by "+safeguardsOf(names)
	if err := o.log(ctx, tx, event(record, redress.OrderNotExecuted, system(), at, facts)); err != nil {
		return err
	}
	made := &notice{kind: "not-executed", subject: "Order " + record.Order.Ref + ": not executed"}
	made.add("Not executed: %d of its names were still held at %s.", len(names), stamp(record.Order.EnforceBy))
	addHeld(made, names)
	made.add("To have it executed, correct the names with PATCH, or call %s, %s: two people there can release them.", o.config.Operator, o.config.Contact)
	return o.tellAll(ctx, tx, record, made)
}

// tellAll tells the authority and who is on call.
func (o *Office) tellAll(ctx context.Context, tx *store.Tx, record *store.OrderRecord, made *notice) error {
	o.logger.Warn("order: "+made.subject, slog.String("list", string(record.Order.List)))
	if err := o.tell(ctx, tx, record, made); err != nil {
		return err
	}
	return notify.Queue(ctx, tx, notify.Message{
		To: notify.OnCall(), Kind: "order." + made.kind, Subject: made.subject, Body: made.lines.String(),
		Key: fmt.Sprintf("order/%d/%s/%d/on-call", record.ID, made.kind, record.Version),
	})
}

// safeguardsOf names the safeguards that hold names, each once.
func safeguardsOf(names []store.OrderName) string {
	var words []string
	seen := make(map[blocklists.Safeguard]bool)
	for i := range names {
		if word := names[i].Safeguard; !seen[word] {
			seen[word] = true
			words = append(words, string(word))
		}
	}
	return strings.Join(words, ", ")
}
