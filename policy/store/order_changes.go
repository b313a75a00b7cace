package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// OrderChange is a change to what an order blocks, and since when it has been in force.
type OrderChange struct {
	Sequence  uint64
	Order     int64
	What      string
	Actor     string
	Names     int
	Received  time.Time
	Effective time.Time // from when it is to be in force; zero: at once
	EnforceBy time.Time
	// Node, Generation, InForce and CachedUntil are zero while it is not known to be in force.
	Node        string
	Generation  uint64
	InForce     time.Time
	CachedUntil time.Time // until when somebody may hold the answer from before
}

// NoteOrderChange writes a change, which is to be put in force.
func (t *Tx) NoteOrderChange(ctx context.Context, change *OrderChange) error {
	t.Tell(OrdersTopic)
	var sequence int64
	err := t.QueryRowContext(ctx, `INSERT INTO order_changes (order_id, what, actor, names, received, effective, enforce_by) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING sequence`,
		change.Order, change.What, change.Actor, change.Names, change.Received.UnixMicro(), microsOf(change.Effective), microsOf(change.EnforceBy)).Scan(&sequence)
	if err != nil {
		return fmt.Errorf("note change of order: %w", err)
	}
	change.Sequence = uint64(sequence)
	return nil
}

const changeColumns = `SELECT sequence, order_id, what, actor, names, received, effective, enforce_by, node, generation, in_force, cached_until FROM order_changes `

func scanOrderChange(rows *sql.Rows) (OrderChange, error) {
	var (
		one                                    OrderChange
		sequence, received, generation         int64
		effective, enforceBy, inForce, outlive sql.NullInt64
	)
	err := rows.Scan(&sequence, &one.Order, &one.What, &one.Actor, &one.Names, &received, &effective, &enforceBy, &one.Node, &generation, &inForce, &outlive)
	one.Sequence, one.Generation, one.Received = uint64(sequence), uint64(generation), time.UnixMicro(received).UTC()
	one.Effective, one.EnforceBy, one.InForce, one.CachedUntil = timeOf(effective), timeOf(enforceBy), timeOf(inForce), timeOf(outlive)
	return one, err
}

// PendingOrderChanges are those that are not known to be in force, the oldest first.
func PendingOrderChanges(ctx context.Context, from Querier) ([]OrderChange, error) {
	found, err := all(ctx, from, scanOrderChange, changeColumns+`WHERE in_force IS NULL ORDER BY sequence`)
	if err != nil {
		return nil, fmt.Errorf("read changes of orders: %w", err)
	}
	return found, nil
}

// OrderChanges are all of an order, the oldest first.
func OrderChanges(ctx context.Context, from Querier, order int64) ([]OrderChange, error) {
	found, err := all(ctx, from, scanOrderChange, changeColumns+`WHERE order_id = ? ORDER BY sequence`, order)
	if err != nil {
		return nil, fmt.Errorf("read changes of order: %w", err)
	}
	return found, nil
}

// SettleOrderChange notes since when a change has been in force. To settle twice changes nothing.
func (t *Tx) SettleOrderChange(ctx context.Context, change *OrderChange) (settled bool, err error) {
	result, err := t.ExecContext(ctx, `UPDATE order_changes SET node = ?, generation = ?, in_force = ?, cached_until = ? WHERE sequence = ? AND in_force IS NULL`,
		change.Node, int64(change.Generation), change.InForce.UnixMicro(), microsOf(change.CachedUntil), int64(change.Sequence))
	if err != nil {
		return false, fmt.Errorf("settle change of order: %w", err)
	}
	count, err := result.RowsAffected()
	return count > 0, err
}

// BookedOrder is a lawful order with the names that it has.
type BookedOrder struct {
	*OrderRecord
	Names []OrderName
}

// OrdersSince gives the orders that changed after a sequence, with their names, and the
// sequence that they are the state of.
func (db *DB) OrdersSince(ctx context.Context, after uint64) (uint64, []BookedOrder, error) {
	var (
		last  sql.NullInt64
		found []BookedOrder
	)
	err := db.View(ctx, func(view *View) error {
		if err := view.QueryRowContext(ctx, `SELECT max(sequence) FROM order_changes`).Scan(&last); err != nil {
			return err
		}
		records, err := all(ctx, view, scanOrder, orderColumns+`WHERE o.lawful = 1 AND o.id IN (SELECT order_id FROM order_changes WHERE sequence > ?)
			AND (CAST(? AS BIGINT) > 0 OR EXISTS (SELECT 1 FROM order_entries WHERE order_id = o.id AND ended_at IS NULL)) ORDER BY o.id`, int64(after), int64(after))
		if err != nil {
			return err
		}
		for _, record := range records {
			one := BookedOrder{OrderRecord: record}
			if record.Lifted.At.IsZero() {
				if one.Names, err = OrderNames(ctx, view, record.ID, false); err != nil {
					return err
				}
			}
			found = append(found, one)
		}
		return nil
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read orders: %w", err)
	}
	return max(uint64(last.Int64), after), found, nil
}

// EnterDecision writes one person's word for another authority's decision on an order, and
// gives how many different people have said the same within the term.
func (t *Tx) EnterDecision(ctx context.Context, order int64, fingerprint [32]byte, person, actor string, at time.Time, term time.Duration) (people int, err error) {
	if person == "" {
		return 0, errors.New("enter decision: without the name of a person")
	}
	const same = `FROM order_decisions WHERE order_id = ? AND fingerprint = ? AND executed IS NULL AND at > ?`
	since := at.Add(-term).UnixMicro()
	err = t.QueryRowContext(ctx, `SELECT count(*) `+same+` AND person = ?`, order, fingerprint[:], since, person).Scan(&people)
	if err == nil && people > 0 {
		return 0, fmt.Errorf("%s %w", person, ErrSamePersonEntered)
	}
	if err == nil {
		_, err = t.ExecContext(ctx, `INSERT INTO order_decisions (order_id, fingerprint, person, actor, at) VALUES (?, ?, ?, ?, ?)`,
			order, fingerprint[:], person, actor, at.UnixMicro())
	}
	if err == nil {
		err = t.QueryRowContext(ctx, `SELECT count(DISTINCT person) `+same, order, fingerprint[:], since).Scan(&people)
	}
	if err != nil {
		return 0, fmt.Errorf("enter decision: %w", err)
	}
	return people, nil
}

// ErrSamePersonEntered says that a person has entered a decision before.
var ErrSamePersonEntered = errors.New("has entered it already; another person has to")

// ExecuteDecision notes that a decision was carried out.
func (t *Tx) ExecuteDecision(ctx context.Context, order int64, fingerprint [32]byte, at time.Time) error {
	_, err := t.ExecContext(ctx, `UPDATE order_decisions SET executed = ? WHERE order_id = ? AND fingerprint = ? AND executed IS NULL`, at.UnixMicro(), order, fingerprint[:])
	if err != nil {
		return fmt.Errorf("execute decision: %w", err)
	}
	return nil
}
