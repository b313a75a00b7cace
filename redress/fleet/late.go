package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// mostLate bounds how many nodes are told of at once.
const mostLate = 1000

// alarmSource is that of alarms about nodes.
const alarmSource = "fleet"

// LateForCase are the nodes that had not reported, by a time, what had been decided in a case
// [redress.ApplyTime] before. A node that was away all that time and as long before the decision is left out, as
// is one that was not there yet: [SettleAlarms] tells of the first. Self is the node that asks, which is never away.
func LateForCase(ctx context.Context, from store.Querier, id, self string, by time.Time) ([]string, error) {
	decided := by.Add(-redress.ApplyTime)
	var change sql.NullInt64
	err := from.QueryRowContext(ctx, `SELECT max(a.sequence) FROM announcements a JOIN exceptions e ON e.id = a.exception WHERE e.case_id = ? AND a.at <= ?`,
		id, decided.UnixMicro()).Scan(&change)
	if err != nil {
		return nil, fmt.Errorf("look for late nodes: %w", err)
	}
	if !change.Valid {
		return nil, nil
	}
	var late []string
	err = store.Each(ctx, from, func(rows *sql.Rows) error {
		var node string
		err := rows.Scan(&node)
		late = append(late, node)
		return err
	}, `SELECT n.node FROM fleet_nodes n WHERE (n.seen_at >= ? OR n.node = ?)
			AND EXISTS (SELECT 1 FROM fleet_receipts r WHERE r.node = n.node AND r.at <= ?)
			AND NOT EXISTS (SELECT 1 FROM fleet_receipts r WHERE r.node = n.node AND r.exceptions >= ? AND r.at <= ?)
		ORDER BY n.node LIMIT ?`,
		decided.Add(-redress.ApplyTime).UnixMicro(), self, by.UnixMicro(), change.Int64, by.UnixMicro(), mostLate)
	if err != nil {
		return nil, fmt.Errorf("look for late nodes: %w", err)
	}
	return late, nil
}

// orderedAt is since when a change of an order is in force at the desk, or should be. What is let go after a hold was
// received long before: it counts from when it is in force.
const orderedAt = `coalesce(c.in_force, CASE WHEN c.what IN ('released', 'enforced over a safeguard') THEN NULL ELSE c.received END)`

// LateOrder is a change of an order that a node did not have in time.
type LateOrder struct {
	Node   string
	Change uint64
	Order  int64
	What   string
	Names  int
	Since  time.Time // it is in force at the desk, or should be
}

// LateOrders are changes of orders that a node does not have [redress.ApplyTime] later, and that were not noted
// yet, the oldest first. Of nodes that are away the same holds as in [LateForCase].
func LateOrders(ctx context.Context, from store.Querier, self string, at time.Time) ([]LateOrder, error) {
	var late []LateOrder
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			one           LateOrder
			change, since int64
		)
		err := rows.Scan(&one.Node, &change, &one.Order, &one.What, &one.Names, &since)
		one.Change, one.Since = uint64(change), time.UnixMicro(since).UTC()
		late = append(late, one)
		return err
	}, `SELECT n.node, c.sequence, c.order_id, c.what, c.names, `+orderedAt+` FROM fleet_nodes n JOIN order_changes c ON c.sequence > n.orders
		WHERE `+orderedAt+` <= ? AND (n.node = ? OR n.seen_at >= `+orderedAt+` - ?)
			AND NOT EXISTS (SELECT 1 FROM fleet_late l WHERE l.node = n.node AND l.order_change = c.sequence)
		ORDER BY c.sequence, n.node LIMIT ?`,
		at.Add(-redress.ApplyTime).UnixMicro(), self, redress.ApplyTime.Microseconds(), mostLate)
	if err != nil {
		return nil, fmt.Errorf("look for orders that nodes lack: %w", err)
	}
	return late, nil
}

// NoteLate notes that it was told of; it is once for a node and a change.
func NoteLate(ctx context.Context, tx *store.Tx, late *LateOrder, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO fleet_late (node, order_change, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, late.Node, int64(late.Change), at.UnixMicro())
	if err != nil {
		return fmt.Errorf("note that node %q is late: %w", late.Node, err)
	}
	return nil
}

// SettleAlarms makes the alarms about nodes those of the nodes that do not have in force what was decided or ordered
// [redress.ApplyTime] ago: one a node, however much it lacks and whether or not it is there. It ends when the node has
// it, or is forgotten.
func SettleAlarms(ctx context.Context, db *store.DB, at time.Time) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		late, err := behind(ctx, tx, at.Add(-redress.ApplyTime))
		if err != nil {
			return err
		}
		alarms := make([]notify.Alarm, 0, len(late))
		for i := range late {
			alarms = append(alarms, alarmOf(&late[i]))
		}
		return notify.Settle(ctx, tx, alarmSource, alarms, at)
	})
	if err != nil {
		return fmt.Errorf("alarms about nodes: %w", err)
	}
	return nil
}

// behind are the nodes that lack something from before a time.
func behind(ctx context.Context, tx *store.Tx, before time.Time) ([]Node, error) {
	var due [2]int64
	for i, query := range []string{
		`SELECT sequence FROM announcements WHERE at <= ? ORDER BY sequence DESC LIMIT 1`,
		`SELECT c.sequence FROM order_changes c WHERE ` + orderedAt + ` <= ? ORDER BY c.sequence DESC LIMIT 1`,
	} {
		if err := tx.QueryRowContext(ctx, query, before.UnixMicro()).Scan(&due[i]); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	nodes, err := Nodes(ctx, tx)
	if err != nil {
		return nil, err
	}
	var late []Node
	for i := range nodes {
		at := &nodes[i].Position
		if (at.Exceptions < uint64(due[0]) || at.Orders < uint64(due[1])) && len(late) < mostLate {
			late = append(late, nodes[i])
		}
	}
	return late, nil
}

func alarmOf(node *Node) notify.Alarm {
	return notify.Alarm{
		Key: node.Node, Urgent: true,
		Subject: fmt.Sprintf("Node %s: what was decided is not in force there after %d minutes", node.Node, int(redress.ApplyTime.Minutes())),
		Body: fmt.Sprintf("Node %s has exceptions up to change %d and orders up to change %d in force. It was last heard of at %s.\n\nHow far each node is: recourse fleet nodes\nA node that is no more: recourse fleet forget %s\n",
			node.Node, node.Position.Exceptions, node.Position.Orders, node.Seen.Format(time.RFC3339), node.Node),
	}
}
