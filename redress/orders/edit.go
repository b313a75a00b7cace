package orders

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// edit is one change under way, in its transaction.
type edit struct {
	office *Office
	tx     *store.Tx
	sender *Sender
	record *store.OrderRecord
	at     time.Time
	why    string
	// decision is whose, where it is another's than the order's authority.
	decision *Decision
	open     map[place][]*store.OrderName

	lifted    []blocklists.OrderEntry
	added     []store.OrderName
	corrected int
	texts     bool // dates or texts changed
}

// place finds the names of an order.
type place struct {
	name  wire.Name
	scope blocklists.Scope
}

// edit runs a change in a transaction, once for who may and twice for another's decision.
func (o *Office) edit(ctx context.Context, sender *Sender, ref string, list blocklists.ListID, decision *Decision, fingerprint [32]byte, at time.Time, do func(context.Context, *edit) error) (Outcome, error) {
	var (
		id    int64
		waits bool
	)
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		record, err := o.find(ctx, tx, sender, ref, list)
		if err != nil {
			return err
		}
		id = record.ID
		if decision != nil {
			if waits, err = o.second(ctx, tx, sender, record, decision, fingerprint, at); waits || err != nil {
				return err
			}
		}
		e := &edit{office: o, tx: tx, sender: sender, record: record, at: at, decision: decision}
		if err := do(ctx, e); err != nil {
			return err
		}
		return o.watch(ctx, tx, record, at)
	})
	if err != nil {
		return Outcome{}, err
	}
	outcome, err := o.outcome(ctx, id)
	outcome.Waits = waits
	return outcome, err
}

// change does what is wanted, and writes it down.
func (e *edit) change(ctx context.Context, change *Change, wanted *wanted) error {
	if !e.record.Lifted.At.IsZero() {
		return &Conflict{Why: "the order was lifted on " + e.record.Lifted.At.Format(time.RFC3339) + "; a new one needs a reference of its own"}
	}
	wrong := new(invalid)
	if err := e.load(ctx); err != nil {
		return err
	}
	if err := e.lift(ctx, change, wanted, wrong); err != nil {
		return err
	}
	if err := e.correct(ctx, wanted, wrong); err != nil {
		return err
	}
	if err := e.add(ctx, wanted.add); err != nil {
		return err
	}
	e.say(change, wanted, wrong)
	if err := wrong.err(); err != nil {
		return err
	}
	return e.write(ctx)
}

func (e *edit) load(ctx context.Context) error {
	names, err := store.OrderNames(ctx, e.tx, e.record.ID, false)
	if err != nil {
		return err
	}
	e.open = make(map[place][]*store.OrderName, len(names))
	for i := range names {
		at := place{names[i].Name, names[i].Scope}
		e.open[at] = append(e.open[at], &names[i])
	}
	return nil
}

// having are the open names of an entry; of all scopes where none is said.
func (e *edit) having(entry blocklists.OrderEntry, anyScope bool) []*store.OrderName {
	if !anyScope {
		return e.open[place{entry.Name, entry.Scope}]
	}
	var found []*store.OrderName
	for _, scope := range []blocklists.Scope{blocklists.Exact, blocklists.Subtree, blocklists.Below} {
		found = append(found, e.open[place{entry.Name, scope}]...)
	}
	return found
}

// end takes a name out of the order.
func (e *edit) end(ctx context.Context, name *store.OrderName) error {
	delete(e.open, place{name.Name, name.Scope})
	e.lifted = append(e.lifted, blocklists.OrderEntry{Name: name.Name, Scope: name.Scope})
	return e.tx.EndOrderName(ctx, name.ID, e.sender.Name(), e.because(), e.decision != nil, e.at)
}

// because is why, and on whose word.
func (e *edit) because() string {
	if e.decision == nil {
		return e.why
	}
	return e.decision.String() + ": " + e.why
}

func (e *edit) lift(ctx context.Context, change *Change, wanted *wanted, wrong *invalid) error {
	var before map[wire.Name]bool
	for i, entry := range wanted.lift {
		anyScope := i < len(change.Lift) && change.Lift[i].Scope == ""
		found := e.having(entry, anyScope)
		for _, name := range found {
			if err := e.end(ctx, name); err != nil {
				return err
			}
		}
		if len(found) > 0 {
			continue
		}
		if before == nil {
			var err error
			if before, err = e.ended(ctx); err != nil {
				return err
			}
		}
		if !before[entry.Name] { // to lift twice is no mistake
			wrong.add(fmt.Sprintf("lift[%d].name", i), "%s is not in this order", entry.Name)
		}
	}
	return nil
}

// ended are the names that the order had once.
func (e *edit) ended(ctx context.Context) (map[wire.Name]bool, error) {
	all, err := store.OrderNames(ctx, e.tx, e.record.ID, true)
	had := make(map[wire.Name]bool, len(all))
	for i := range all {
		if !all[i].EndedAt.IsZero() {
			had[all[i].Name] = true
		}
	}
	return had, err
}

func (e *edit) correct(ctx context.Context, wanted *wanted, wrong *invalid) error {
	for i := range wanted.correct {
		one := &wanted.correct[i]
		found := e.having(one.from, one.anyScope)
		if len(found) == 0 {
			wrong.add(fmt.Sprintf("correct[%d].name", i), "%s is not in this order", one.from.Name)
			continue
		}
		for _, name := range found {
			if err := e.correctOne(ctx, one, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *edit) correctOne(ctx context.Context, one *correction, name *store.OrderName) error {
	if !one.effective.IsZero() {
		name.Effective = one.effective
	}
	if !one.expires.IsZero() {
		name.Expires = one.expires
	}
	if one.to == nil {
		e.corrected++
		return e.tx.SetOrderName(ctx, name)
	}
	if err := e.end(ctx, name); err != nil {
		return err
	}
	to := *one.to
	if one.keepsScope {
		to.Scope = name.Scope
	}
	return e.addDated(ctx, []blocklists.OrderEntry{to}, name.Effective, name.Expires)
}

func (e *edit) add(ctx context.Context, entries []blocklists.OrderEntry) error {
	return e.addDated(ctx, entries, time.Time{}, time.Time{})
}

func (e *edit) addDated(ctx context.Context, entries []blocklists.OrderEntry, effective, expires time.Time) error {
	var fresh []blocklists.OrderEntry
	for _, entry := range entries {
		if len(e.open[place{entry.Name, entry.Scope}]) == 0 {
			fresh = append(fresh, entry)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := e.office.withinDay(ctx, e.tx, e.sender, len(fresh), e.at); err != nil {
		return err
	}
	names, err := e.office.judged(ctx, e.tx, e.sender, e.record, fresh, e.at)
	if err != nil {
		return err
	}
	for i := range names {
		names[i].Effective, names[i].Expires = effective, expires
	}
	if _, err := e.tx.AddOrderNames(ctx, e.record.ID, names); err != nil {
		return err
	}
	e.added = append(e.added, names...)
	return nil
}

// say puts dates and texts into the order, and holds it to what an order must be.
func (e *edit) say(change *Change, wanted *wanted, wrong *invalid) {
	order := &e.record.Order
	before := digestOf(order)
	for _, date := range []struct {
		to   *time.Time
		from time.Time
	}{{&order.Effective, wanted.effective}, {&order.EnforceBy, wanted.enforceBy}, {&order.Expires, wanted.expires}} {
		if !date.from.IsZero() {
			*date.to = date.from
		}
	}
	if change.Reasons != nil {
		order.Reasons = change.Reasons
	}
	if change.Language != "" {
		order.Language = change.Language
	}
	if change.Document != nil {
		order.Document = *change.Document
	}
	if change.Published != nil {
		order.Published = *change.Published
	}
	if wanted.redress != nil {
		order.Redress = *wanted.redress
	}
	if e.texts = digestOf(order) != before; !e.texts {
		return
	}
	order.Entries = []blocklists.OrderEntry{{Name: wire.Root}} // its names are judged already
	check := order.Check()
	order.Entries = nil
	for _, problem := range check.Unlawful {
		wrong.add(problem.Key, "%s", problem.Text)
	}
	e.record.Deficient = check.Deficient
}

// write notes what changed: version, receipts to come, events, notices.
func (e *edit) write(ctx context.Context) error {
	if len(e.lifted)+len(e.added)+e.corrected == 0 && !e.texts {
		return nil
	}
	if err := e.tx.PutOrder(ctx, e.record, e.sender.Name(), e.at); err != nil {
		return err
	}
	if err := e.note(ctx); err != nil {
		return err
	}
	facts := factsOf(e.record)
	facts.Why, facts.Decision, facts.Names, facts.Missing = e.why, e.decision.String(), len(e.lifted)+len(e.added)+e.corrected, e.record.Deficient
	events := []redress.Event{event(e.record, redress.OrderChanged, e.sender.Actor, e.at, facts)}
	if len(e.lifted) > 0 {
		told := *facts
		told.Names, told.Digest, told.Missing = len(e.lifted), digestOfNames(e.lifted), nil
		events = append(events, event(e.record, redress.OrderLifted, e.sender.Actor, e.at, &told))
	}
	if err := e.office.log(ctx, e.tx, events...); err != nil {
		return err
	}
	e.office.logger.Info("order changed", slog.String("ref", e.record.Order.Ref), slog.Int("added", len(e.added)), slog.Int("lifted", len(e.lifted)),
		slog.Int("corrected", e.corrected), slog.String("by", e.sender.Name()))
	return e.office.tellChanged(ctx, e)
}

// note writes what is to be put in force.
func (e *edit) note(ctx context.Context) error {
	if len(e.lifted) > 0 {
		if err := e.tx.NoteOrderChange(ctx, changeOf(e.record, WhatLifted, e.sender.Name(), len(e.lifted), e.at)); err != nil {
			return err
		}
	}
	if e.corrected > 0 || e.texts {
		if err := e.tx.NoteOrderChange(ctx, changeOf(e.record, WhatCorrected, e.sender.Name(), e.corrected, e.at)); err != nil {
			return err
		}
	}
	if len(e.added) == 0 {
		return nil
	}
	return e.office.noteAdded(ctx, e.tx, e.sender, e.record, e.added, e.at)
}
