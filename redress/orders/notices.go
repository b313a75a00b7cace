package orders

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
)

// notice is a mail to the authority, in short lines that a person reads.
type notice struct {
	kind    string // of the message, after order.
	subject string
	lines   strings.Builder
}

func (n *notice) add(format string, args ...any) { fmt.Fprintf(&n.lines, format+"\n", args...) }

// tell queues a notice for the authority of an order, where it has a mail address.
func (o *Office) tell(ctx context.Context, tx *store.Tx, record *store.OrderRecord, made *notice) error {
	address := o.config.Mail[record.Order.Authority.Name]
	if address == "" {
		return nil
	}
	head := fmt.Sprintf("To %s\nYour order %s, received %s.\n\n", record.Order.Authority.Name, record.Order.Ref, stamp(record.Order.Received))
	foot := fmt.Sprintf("\n%s, %s\nReceipts: GET /api/v1/orders/REF/receipts\n", o.config.Operator, o.config.Contact)
	return notify.Queue(ctx, tx, notify.Message{
		To: notify.Mail(address), Kind: "order." + made.kind, Subject: made.subject, Body: head + made.lines.String() + foot,
		Key: fmt.Sprintf("order/%d/%s/%d", record.ID, made.kind, record.Version),
	})
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// maxNamed is how many names a notice has.
const maxNamed = 500

// addNames writes names, of a list that shows them.
func (n *notice) addNames(o *Office, record *store.OrderRecord, entries []blocklists.OrderEntry) {
	n.add("Names: %d, SHA-256 of them (sorted, one a line, with its scope): %s", len(entries), digestOfNames(entries))
	list := o.rules.Catalog().List(record.Order.List)
	if list == nil || list.Disclosure != blocklists.Full {
		n.add("They are not written out, for the list is confidential.")
		return
	}
	for i, entry := range sorted(entries) {
		if i == maxNamed {
			n.add("  and %d more", len(entries)-i)
			break
		}
		n.add("  %s (%s)", entry.Name, entry.Scope)
	}
}

func entriesOf(names []store.OrderName) []blocklists.OrderEntry {
	entries := make([]blocklists.OrderEntry, 0, len(names))
	for i := range names {
		entries = append(entries, blocklists.OrderEntry{Name: names[i].Name, Scope: names[i].Scope})
	}
	return entries
}

// tellAccepted echoes an order to its authority: who did not send it then learns of it.
func (o *Office) tellAccepted(ctx context.Context, tx *store.Tx, record *store.OrderRecord, names []store.OrderName) error {
	made := &notice{kind: "echo", subject: "Order " + record.Order.Ref + " was accepted"}
	made.add("It was accepted from %s for list %s, in %s.", record.Submitter, record.Order.List, strings.Join(record.Order.Jurisdiction, ", "))
	made.add("If you did not send it, call us at once.")
	if record.Order.Effective.After(record.At) {
		made.add("It takes effect at %s.", stamp(record.Order.Effective))
	}
	if len(record.Deficient) > 0 {
		made.add("It is carried out, but lacks: %s. Please send them with PATCH.", strings.Join(record.Deficient, ", "))
	}
	addHeld(made, names)
	made.addNames(o, record, entriesOf(names))
	return o.tell(ctx, tx, record, made)
}

func addHeld(made *notice, names []store.OrderName) {
	for i := range names {
		if names[i].Standing == store.NameHeld {
			made.add("Held, and not in force until two people have looked at it: %s (%s): %s", names[i].Name, names[i].Scope, names[i].Detail)
		}
	}
}

func (o *Office) tellChanged(ctx context.Context, e *edit) error {
	made := &notice{kind: "changed", subject: "Order " + e.record.Order.Ref + " was changed"}
	if !e.record.Lifted.At.IsZero() {
		made.subject = "Order " + e.record.Order.Ref + " was lifted"
		made.add("It was lifted whole by %s.", e.sender.Name())
	}
	if e.decision != nil {
		made.add("By decision of %s, %s.", e.decision.Authority.Name, e.decision.Ref)
	}
	if e.why != "" {
		made.add("Because: %s", e.why)
	}
	if len(e.lifted) > 0 {
		made.add("Lifted:")
		made.addNames(o, e.record, e.lifted)
	}
	if len(e.added) > 0 {
		made.add("Added:")
		addHeld(made, e.added)
		made.addNames(o, e.record, entriesOf(e.added))
	}
	if e.corrected > 0 {
		made.add("Dates of %d names were corrected.", e.corrected)
	}
	return o.tell(ctx, e.tx, e.record, made)
}

func (o *Office) tellSuspended(ctx context.Context, e *edit, what string) error {
	made := &notice{kind: what, subject: fmt.Sprintf("Order %s is %s", e.record.Order.Ref, what)}
	if what == WhatSuspended {
		made.add("It has no effect until %s, by word of %s.", stamp(e.record.Suspended.Until), e.sender.Name())
		made.add("Because: %s", e.why)
	} else {
		made.add("It is in force again, by word of %s.", e.sender.Name())
	}
	return o.tell(ctx, e.tx, e.record, made)
}

func (o *Office) tellReleased(ctx context.Context, e *edit, names int) error {
	if err := e.tx.PutOrder(ctx, e.record, e.sender.Name(), e.at); err != nil { // a version of its own, as its notice has
		return err
	}
	made := &notice{kind: "released", subject: "Order " + e.record.Order.Ref + ": names were released"}
	made.add("%d of its names that a safeguard held are in force now: two people have looked at them.", names)
	return o.tell(ctx, e.tx, e.record, made)
}

// alarmSource is under which alarms of orders are raised.
const alarmSource = "order"

// watch raises the alarm of an order of which names are held, and ends it when none is.
func (o *Office) watch(ctx context.Context, tx *store.Tx, record *store.OrderRecord, at time.Time) error {
	names, err := store.OrderNames(ctx, tx, record.ID, false)
	if err != nil {
		return err
	}
	held := held(names)
	if key := fmt.Sprint(record.ID); len(held) == 0 {
		return notify.End(ctx, tx, alarmSource, key, at)
	} else {
		return notify.Raise(ctx, tx, o.alarm(record, held, key), at)
	}
}

func held(names []store.OrderName) []store.OrderName {
	var found []store.OrderName
	for i := range names {
		if names[i].Standing == store.NameHeld {
			found = append(found, names[i])
		}
	}
	return found
}

// maxAlarmed is how many names an alarm has.
const maxAlarmed = 20

func (o *Office) alarm(record *store.OrderRecord, names []store.OrderName, key string) notify.Alarm {
	order := &record.Order
	var body strings.Builder
	fmt.Fprintf(&body, "Order %s of %s (list %s) is held by a safeguard, and not in force:\n", order.Ref, order.Authority.Name, order.List)
	for i := range names {
		if i == maxAlarmed {
			fmt.Fprintf(&body, "  and %d more\n", len(names)-i)
			break
		}
		fmt.Fprintf(&body, "  %s (%s): %s\n", names[i].Name, names[i].Scope, names[i].Detail)
	}
	fmt.Fprintf(&body, "\nTwo people release them, each with: recourse orders release %q --by NAME\nOr the authority corrects the order.\n", order.Ref)
	made := notify.Alarm{Source: alarmSource, Key: key, Urgent: true, Subject: fmt.Sprintf("Order %s: %d names held", order.Ref, len(names))}
	if list := o.rules.Catalog().List(order.List); !order.EnforceBy.IsZero() && list != nil {
		then := "they stay held, and the authority is told"
		if list.AtEnforceBy == "enforce" {
			then = "they take effect over the safeguard"
		}
		fmt.Fprintf(&body, "At %s %s.\n", stamp(order.EnforceBy), then)
		made.Again = []time.Time{order.Received.Add(order.EnforceBy.Sub(order.Received) / 2)}
	}
	made.Body = body.String()
	return made
}
