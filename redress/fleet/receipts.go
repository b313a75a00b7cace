package fleet

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Report is what a node says that it has put in force.
type Report struct {
	Node       string    `json:"node"`
	Version    string    `json:"version"`
	At         time.Time `json:"at"` // by the node's clock
	Generation uint64    `json:"generation"`
	Position   Position  `json:"position"`
}

// receipts takes a node's report down.
func (d *Desk) receipts(w http.ResponseWriter, r *http.Request) {
	var report Report
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReport)).Decode(&report); err != nil || !validNode(report.Node) || len(report.Version) > 64 {
		http.Error(w, "this is no report of a node", http.StatusBadRequest)
		return
	}
	if err := Note(r.Context(), d.db, &report, time.Now()); err != nil {
		d.unable(w, "receipts", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Note takes down what a node has in force. The time is the desk's, since a node's clock may
// be wrong; it is never before the change, and so never claims too much.
func Note(ctx context.Context, db *store.DB, report *Report, at time.Time) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO fleet_nodes (node, version, seen_at, generation, exceptions, orders, profiles) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (node) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at, generation = excluded.generation,
				exceptions = excluded.exceptions, orders = excluded.orders, profiles = excluded.profiles`,
			report.Node, report.Version, at.UnixMicro(), int64(report.Generation),
			int64(report.Position.Exceptions), int64(report.Position.Orders), int64(report.Position.Profiles))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO fleet_receipts (node, exceptions, orders, profiles, generation, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			report.Node, int64(report.Position.Exceptions), int64(report.Position.Orders), int64(report.Position.Profiles), int64(report.Generation), at.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("note receipt of node %q: %w", report.Node, err)
	}
	return nil
}

// Receipt is since when a node has had a change in force.
type Receipt struct {
	Node       string
	Generation uint64
	At         time.Time
}

// CaseReceipts are the nodes that have every exception of a case in force, and since when.
func CaseReceipts(ctx context.Context, from store.Querier, id string) ([]Receipt, error) {
	return receiptsFrom(ctx, from, `r.exceptions >= (SELECT max(a.sequence) FROM announcements a JOIN exceptions e ON e.id = a.exception WHERE e.case_id = ?)`, id)
}

// OrderReceipts are the nodes that have a change of an order in force, and since when.
func OrderReceipts(ctx context.Context, from store.Querier, change uint64) ([]Receipt, error) {
	return receiptsFrom(ctx, from, `r.orders >= ?`, int64(change))
}

func receiptsFrom(ctx context.Context, from store.Querier, reached string, arg any) ([]Receipt, error) {
	var found []Receipt
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var one Receipt
		var generation, at int64
		err := rows.Scan(&one.Node, &generation, &at)
		one.Generation, one.At = uint64(generation), time.UnixMicro(at).UTC()
		found = append(found, one)
		return err
	}, `SELECT r.node, r.generation, r.at FROM fleet_receipts r JOIN (SELECT r.node AS node, min(r.at) AS first FROM fleet_receipts r WHERE `+reached+` GROUP BY r.node) f
		ON f.node = r.node AND f.first = r.at ORDER BY r.at, r.node LIMIT 10000`, arg)
	if err != nil {
		return nil, fmt.Errorf("read receipts of nodes: %w", err)
	}
	return found, nil
}

// Node is a node as the desk knows it.
type Node struct {
	Report
	Seen time.Time // by the desk's clock
}

// Nodes are all that have reported, by name.
func Nodes(ctx context.Context, from store.Querier) ([]Node, error) {
	var found []Node
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var one Node
		var seen, generation, exceptions, orders, profiles int64
		err := rows.Scan(&one.Node, &one.Version, &seen, &generation, &exceptions, &orders, &profiles)
		one.Seen, one.Generation = time.UnixMicro(seen).UTC(), uint64(generation)
		one.Position = Position{uint64(exceptions), uint64(orders), uint64(profiles)}
		found = append(found, one)
		return err
	}, `SELECT node, version, seen_at, generation, exceptions, orders, profiles FROM fleet_nodes ORDER BY node LIMIT 10000`)
	if err != nil {
		return nil, fmt.Errorf("read nodes: %w", err)
	}
	return found, nil
}

// Forget leaves a node out of the list that is no more. Its receipts stay: they prove what was.
func Forget(ctx context.Context, db *store.DB, node string) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM fleet_nodes WHERE node = ?`, node)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget node %q: %w", node, err)
	}
	return nil
}
