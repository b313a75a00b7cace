package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxUnlawful is how many submissions of a day that are no orders are written down.
const maxUnlawful = 1000

// Submit takes an order in. When it returns without an error the order is on the disk, and
// with an effect it is in force for the next query. Its error is an [Unlawful] where what
// was sent is no order: that is recorded and blocks nothing.
func (o *Office) Submit(ctx context.Context, sender *Sender, submission *Submission) (Outcome, error) {
	at, wrong := now(), new(invalid)
	order := submission.read(at, wrong)
	if err := sender.admits(order); err != nil {
		return Outcome{}, err
	}
	list := o.listOf(sender, order, wrong)
	check := order.Check()
	for _, problem := range check.Unlawful {
		wrong.add(problem.Key, "%s", problem.Text)
	}
	if list == nil || len(wrong.fields) > 0 {
		return Outcome{}, o.record(ctx, sender, submission, order, wrong, at)
	}
	if order.List = list.ID; order.EnforceBy.IsZero() && list.EnforceWithin > 0 {
		order.EnforceBy = order.Received.Add(list.EnforceWithin)
	}
	record := &store.OrderRecord{
		Lawful: true, Fingerprint: submission.fingerprint(order), Submitter: sender.Name(), At: at,
		OrderContent: store.OrderContent{Order: *order, Deficient: check.Deficient},
	}
	err := o.db.Tx(ctx, func(tx *store.Tx) error { return o.accept(ctx, tx, sender, record) })
	if errors.Is(err, store.ErrOrderKnown) {
		return o.again(ctx, sender, record)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("submit order: %w", err)
	}
	o.logger.Info("order accepted", slog.String("list", string(order.List)), slog.String("ref", order.Ref), slog.Int("names", len(order.Entries)),
		slog.Any("deficient", check.Deficient), slog.String("by", sender.Name()))
	return o.outcome(ctx, record.ID)
}

// admits refuses an order of another authority, jurisdiction or list than the sender's.
func (s *Sender) admits(order *blocklists.Order) error {
	if s.Role == redress.Operator {
		return nil
	}
	if !s.isAuthority() {
		return redress.ErrNotPermitted
	}
	if name := order.Authority.Name; name != "" && name != s.Authority {
		return &Forbidden{Why: fmt.Sprintf("you may send orders of %s, not of %.100s", s.Authority, name)}
	}
	for _, code := range order.Jurisdiction {
		if !slices.Contains(s.Jurisdiction, code) {
			return &Forbidden{Why: fmt.Sprintf("you may send orders for %s, not for %.10q", strings.Join(s.Jurisdiction, ", "), code)}
		}
	}
	if order.List != "" && !s.forList(order.List) {
		return &Forbidden{Why: fmt.Sprintf("you may not send orders of list %.63q", order.List)}
	}
	return nil
}

// listOf finds the law list that the order's names belong to; nil where that is not clear.
func (o *Office) listOf(sender *Sender, order *blocklists.Order, wrong *invalid) *blocklists.Manifest {
	var fitting []*blocklists.Manifest
	var names []string
	for _, list := range o.rules.Catalog().Lists() {
		if list.Purpose != blocklists.Law || !sender.forList(list.ID) {
			continue
		}
		named := list.ID == order.List
		if named || order.List == "" && (len(sender.Lists) > 0 || list.Authority.Name == order.Authority.Name) {
			fitting, names = append(fitting, list), append(names, string(list.ID))
		}
	}
	switch {
	case len(fitting) == 0 && order.List != "":
		wrong.add("list", "%.63q is no law list of this resolver", order.List)
		return nil
	case len(fitting) == 0:
		wrong.add("list", "is missing: no law list is of this authority alone")
		return nil
	case len(fitting) > 1:
		wrong.add("list", "is missing: one of %s", strings.Join(names, ", "))
		return nil
	}
	for i, code := range order.Jurisdiction {
		if !slices.Contains(fitting[0].Jurisdiction, code) {
			wrong.add(fmt.Sprintf("jurisdiction[%d]", i), "%.10q is not one of list %s, which is for %s", code, fitting[0].ID, strings.Join(fitting[0].Jurisdiction, ", "))
		}
	}
	return fitting[0]
}

// record writes down what is no order, once for each that says the same.
func (o *Office) record(ctx context.Context, sender *Sender, submission *Submission, order *blocklists.Order, wrong *invalid, at time.Time) error {
	told := &Unlawful{Invalid: redress.Invalid{Fields: wrong.fields}, Ref: order.Ref}
	record := &store.OrderRecord{
		Fingerprint: submission.fingerprint(order), Submitter: sender.Name(), At: at, OrderContent: store.OrderContent{Order: *order},
	}
	for _, field := range wrong.fields {
		record.Problems = append(record.Problems, blocklists.Problem{Key: field.Field, Text: field.Text})
	}
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		known, err := store.UnlawfulOrder(ctx, tx, record.Submitter, record.Fingerprint)
		if known != nil || err != nil {
			return err
		}
		_, unlawful, err := store.NamesSince(ctx, tx, sender.Name(), today(at))
		if err != nil {
			return err
		}
		if unlawful >= maxUnlawful {
			return &TooMany{Most: maxUnlawful, Had: unlawful, Until: today(at).AddDate(0, 0, 1)}
		}
		if err := tx.AddOrder(ctx, record); err != nil {
			return err
		}
		facts := factsOf(record)
		for _, field := range wrong.fields[:min(len(wrong.fields), 20)] {
			facts.Missing = append(facts.Missing, field.Field)
		}
		return o.log(ctx, tx, event(record, redress.OrderRecorded, sender.Actor, at, facts))
	})
	if err != nil {
		return fmt.Errorf("record order: %w", err)
	}
	return told
}

// today is when the day in UTC began.
func today(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// accept writes a lawful order with its names, event and change.
func (o *Office) accept(ctx context.Context, tx *store.Tx, sender *Sender, record *store.OrderRecord) error {
	if err := tx.AddOrder(ctx, record); err != nil {
		return err
	}
	names, err := o.judged(ctx, tx, sender, record, record.Order.Entries, record.At)
	if err != nil {
		return err
	}
	if err := o.withinDay(ctx, tx, sender, len(names), record.At); err != nil {
		return err
	}
	if _, err := tx.AddOrderNames(ctx, record.ID, names); err != nil {
		return err
	}
	facts := factsOf(record)
	facts.Names, facts.Digest, facts.Missing = len(record.Order.Entries), digestOfNames(record.Order.Entries), record.Deficient
	if err := o.log(ctx, tx, event(record, redress.OrderAccepted, sender.Actor, record.At, facts)); err != nil {
		return err
	}
	if err := o.noteAdded(ctx, tx, sender, record, names, record.At); err != nil {
		return err
	}
	if err := o.tellAccepted(ctx, tx, record, names); err != nil {
		return err
	}
	return o.watch(ctx, tx, record, record.At)
}

// withinDay holds a sender to its names of a day.
func (o *Office) withinDay(ctx context.Context, tx *store.Tx, sender *Sender, more int, at time.Time) error {
	if sender.DailyMax == 0 {
		return nil
	}
	had, _, err := store.NamesSince(ctx, tx, sender.Name(), today(at))
	if err != nil {
		return err
	}
	if had+more > int(sender.DailyMax) {
		return &TooMany{Most: sender.DailyMax, Had: had, Until: today(at).AddDate(0, 0, 1)}
	}
	return nil
}

// judged are the names as safeguards let them be.
func (o *Office) judged(ctx context.Context, tx *store.Tx, sender *Sender, record *store.OrderRecord, entries []blocklists.OrderEntry, at time.Time) ([]store.OrderName, error) {
	overruled, err := store.Overruled(ctx, tx, record.Order.List)
	if err != nil {
		return nil, err
	}
	safeguards := o.rules.Guard()
	names := make([]store.OrderName, 0, len(entries))
	for _, entry := range entries {
		one := store.OrderName{Name: entry.Name, Scope: entry.Scope, Standing: store.NameActive, AddedAt: at, AddedBy: sender.Name()}
		found, is := safeguards.FindOrdered(&blocklists.Entry{List: record.Order.List, Name: entry.Name, Scope: entry.Scope})
		switch {
		case is:
			one.Standing, one.Safeguard, one.Detail = store.NameHeld, found.Safeguard, found.String()
		case covers(overruled, entry):
			one.Standing, one.Safeguard, one.Detail = store.NameHeld, blocklists.Overruled, "another authority or a court has lifted this name before"
		}
		names = append(names, one)
	}
	return names, nil
}

// covers says whether an entry would block any of the names.
func covers(names map[wire.Name]bool, entry blocklists.OrderEntry) bool {
	if len(names) == 0 || entry.Scope == blocklists.Exact {
		return names[entry.Name]
	}
	for name := range names {
		if entry.Scope.Covers(entry.Name, name) {
			return true
		}
	}
	return false
}

// noteAdded writes down what is to be put in force of new names, and what is held of them.
func (o *Office) noteAdded(ctx context.Context, tx *store.Tx, sender *Sender, record *store.OrderRecord, names []store.OrderName, at time.Time) error {
	held := 0
	for i := range names {
		if names[i].Standing == store.NameHeld {
			held++
		}
	}
	if held > 0 {
		facts := factsOf(record)
		facts.Names = held
		if err := o.log(ctx, tx, event(record, redress.OrderHeld, redress.Actor{Name: "safeguards", Role: redress.System}, at, facts)); err != nil {
			return err
		}
	}
	if len(names) == held {
		return nil
	}
	change := changeOf(record, WhatBlocked, sender.Name(), len(names)-held, at)
	change.Received = record.Order.Received
	if record.At.Before(at) { // names that were added later were received later
		change.Received = at
	}
	return tx.NoteOrderChange(ctx, change)
}

// again answers a submission whose reference the list has already.
func (o *Office) again(ctx context.Context, sender *Sender, record *store.OrderRecord) (Outcome, error) {
	found, err := store.OrdersByRef(ctx, o.db, record.Order.Ref)
	if err != nil {
		return Outcome{}, err
	}
	for _, one := range found {
		if one.Order.List != record.Order.List {
			continue
		}
		if !sender.may(&one.Order) || one.Fingerprint != record.Fingerprint {
			return Outcome{}, ErrOtherBody
		}
		return o.outcome(ctx, one.ID)
	}
	return Outcome{}, ErrOtherBody
}

// factsOf is what every event of an order says.
func factsOf(record *store.OrderRecord) *redress.OrderFacts {
	order := &record.Order
	return &redress.OrderFacts{
		Ref: order.Ref, List: order.List, Authority: order.Authority.Name, Country: order.Authority.Country,
		Received: order.Received, Effective: order.Effective, EnforceBy: order.EnforceBy, Expires: order.Expires,
	}
}

func event(record *store.OrderRecord, kind redress.EventKind, actor redress.Actor, at time.Time, facts *redress.OrderFacts) redress.Event {
	return redress.Event{Order: record.ID, At: at, Kind: kind, Actor: actor, Content: redress.Content{Order: facts}}
}
