package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
)

// orderBook lays what authorities ordered on whatever bundle is in force. It is derived from
// the database, and read again from the first change that it does not have.
type orderBook struct {
	decisions decisions
	current   *policy.Current
	logger    *slog.Logger

	laid atomic.Pointer[layOfOrders] // what every bundle that comes in force gets

	mu       sync.Mutex // one Apply at a time; guards what follows
	sequence uint64
	known    map[int64]bookedOrder
	applied  *layOfOrders // what Apply put in force last
}

type bookedOrder struct {
	order   *blocklists.Order
	entries []blocklists.Entry
}

// layOfOrders is immutable.
type layOfOrders struct {
	orders  *policy.Orders
	entries []blocklists.Entry
}

func newOrderBook(from decisions, current *policy.Current, logger *slog.Logger) *orderBook {
	return &orderBook{decisions: from, current: current, logger: logger, known: make(map[int64]bookedOrder)}
}

// Apply reads what changed and lays it on the bundle in force. The next query sees it when
// it returns.
func (b *orderBook) Apply(ctx context.Context) (generation uint64, at time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.read(ctx); err != nil {
		return 0, time.Time{}, err
	}
	made := b.laid.Load()
	if made == b.applied { // every bundle that came in force since has it too
		return b.current.Load().Bundle.Generation(), time.Now().UTC(), nil
	}
	b.current.Update(func(snapshot policy.Snapshot) policy.Snapshot {
		err = b.lay(&snapshot)
		generation = snapshot.Bundle.Generation()
		return snapshot
	})
	if err == nil {
		b.applied = made
	}
	return generation, time.Now().UTC(), err
}

// begin reads all orders before any bundle is in force.
func (b *orderBook) begin(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read(ctx)
}

func (b *orderBook) read(ctx context.Context) error {
	sequence, changed, err := b.decisions.OrdersSince(ctx, b.sequence)
	if err != nil {
		return fmt.Errorf("apply orders: %w", err)
	}
	if len(changed) == 0 && b.laid.Load() != nil {
		b.sequence = sequence
		return nil
	}
	now := time.Now()
	for i := range changed {
		one := &changed[i]
		delete(b.known, one.ID)
		if entries := entriesOf(one, now); len(entries) > 0 {
			b.known[one.ID] = bookedOrder{order: &one.Order, entries: entries}
		}
	}
	b.sequence = sequence
	made := &layOfOrders{}
	orders := make([]*blocklists.Order, 0, len(b.known))
	for _, one := range b.known {
		orders = append(orders, one.order)
		made.entries = append(made.entries, one.entries...)
	}
	made.orders = policy.NewOrders(orders)
	b.laid.Store(made)
	return nil
}

// entriesOf are the names of an order as a bundle has them.
func entriesOf(order *store.BookedOrder, now time.Time) []blocklists.Entry {
	entries := make([]blocklists.Entry, 0, len(order.Names))
	for i := range order.Names {
		name := &order.Names[i]
		from, until := order.Order.Effective, order.Order.Expires
		if !name.Effective.IsZero() {
			from = name.Effective
		}
		if !name.Expires.IsZero() {
			until = name.Expires
		}
		if pause := order.Suspended.Until; pause.After(from) && pause.After(now) {
			from = pause
		}
		entry := blocklists.Entry{
			List: order.Order.List, Name: name.Name, Scope: name.Scope, Order: order.Order.Ref, FirstSeen: name.AddedAt,
			Terms: blocklists.Terms{From: secondsOf(from), Until: secondsOf(until)},
		}
		if from.After(name.AddedAt) {
			entry.FirstSeen = from
		}
		if name.Standing == store.NameHeld {
			entry.Standing = blocklists.Held
		}
		entries = append(entries, entry)
	}
	return entries
}

func secondsOf(at time.Time) uint32 {
	if at.IsZero() {
		return 0
	}
	return uint32(min(max(at.Unix(), 1), 1<<32-1))
}

// lay puts orders on the snapshot's bundle, in the place of those that it had. An order whose
// list is no longer configured blocks nothing, which is told.
func (b *orderBook) lay(snapshot *policy.Snapshot) error {
	if b == nil {
		return nil
	}
	made := b.laid.Load()
	if made == nil {
		return nil
	}
	now := time.Now().Unix()
	has := make(map[blocklists.ListID]bool)
	for _, list := range snapshot.Bundle.Lists() {
		has[list.ID] = true
	}
	entries := make([]blocklists.Entry, 0, len(made.entries))
	missing := make(map[blocklists.ListID]int)
	for i := range made.entries {
		switch entry := &made.entries[i]; {
		case !has[entry.List]:
			missing[entry.List]++
		case entry.Until == 0 || int64(entry.Until) > now:
			entries = append(entries, *entry)
		}
	}
	if len(snapshot.Bundle.Lists()) > 0 {
		for list, names := range missing {
			b.logger.Error("ALARM: orders are not in force, for their list is not in the configuration", "list", list, "names", names)
		}
	}
	inForce := b.current.Load().Bundle
	after := inForce.Generation()
	if len(entries)+snapshot.Bundle.Laid() == 0 && (snapshot.Bundle == inForce || snapshot.Bundle.Generation() == 0 || snapshot.Bundle.Generation() > after) {
		snapshot.Orders = made.orders // nothing to lay, and the number is one that nobody has seen
		return nil
	}
	laid, err := snapshot.Bundle.Lay(entries, after)
	if err != nil {
		b.logger.Error("ALARM: orders could not be put in force", "error", err)
		return fmt.Errorf("put orders in force: %w", err)
	}
	snapshot.Bundle, snapshot.Orders = laid, made.orders
	return nil
}

// ordersOf lays the orders of a state that somebody else may hold on a snapshot.
func ordersOf(ctx context.Context, from store.Config, snapshot *policy.Snapshot, logger *slog.Logger) (err error) {
	database, err := from.OpenReader(ctx)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrOlder) {
		return nil // no order was ever entered
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	book := newOrderBook(database, policy.NewCurrent(&policy.Snapshot{}), logger)
	if err := book.begin(ctx); err != nil {
		return err
	}
	return book.lay(snapshot)
}
