package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// OrderRecord is what an authority submitted, as it stands now.
type OrderRecord struct {
	ID int64
	// Lawful is false for what was recorded and blocks nothing.
	Lawful      bool
	Fingerprint [32]byte // of what was submitted
	Submitter   string
	At          time.Time
	Version     int
	OrderContent
}

// OrderContent is what changes of an order. Its names are rows of their own.
type OrderContent struct {
	Order     blocklists.Order     `json:"order"`
	Deficient []string             `json:"deficient,omitempty"`
	Problems  []blocklists.Problem `json:"problems,omitempty"` // of one that is not lawful
	Suspended Suspension           `json:"suspended,omitzero"`
	Lifted    Lifting              `json:"lifted,omitzero"`
	// RanOut is the enforce-by time at which it was decided what becomes of held names.
	RanOut time.Time `json:"ran_out,omitzero"`
}

// Suspension stops an order's effect until a time.
type Suspension struct {
	Until  time.Time `json:"until"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Lifting is the end of a whole order.
type Lifting struct {
	At        time.Time `json:"at"`
	By        string    `json:"by"`
	Why       string    `json:"why,omitempty"`
	Decision  string    `json:"decision,omitempty"` // whose, where it was another than the order's authority
	Overruled bool      `json:"overruled,omitempty"`
}

// ErrOrderKnown says that the list has an order of this reference already.
var ErrOrderKnown = errors.New("the list has an order of this reference")

// AddOrder writes a new order with its first version, and sets its ID.
func (t *Tx) AddOrder(ctx context.Context, order *OrderRecord) error {
	err := t.QueryRowContext(ctx, `INSERT INTO orders (ref, list, lawful, fingerprint, submitter, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
		order.Order.Ref, string(order.Order.List), order.Lawful, order.Fingerprint[:], order.Submitter, order.At.UnixMicro()).Scan(&order.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrOrderKnown
	}
	if err != nil {
		return fmt.Errorf("add order: %w", err)
	}
	return t.PutOrder(ctx, order, order.Submitter, order.At)
}

// PutOrder writes what an order says as its next version.
func (t *Tx) PutOrder(ctx context.Context, order *OrderRecord, actor string, at time.Time) error {
	content, err := json.Marshal(&order.OrderContent)
	if err == nil {
		_, err = t.ExecContext(ctx, `INSERT INTO order_versions (order_id, version, actor, at, content) VALUES (?, ?, ?, ?, ?)`,
			order.ID, order.Version+1, actor, at.UnixMicro(), string(content))
	}
	if err != nil {
		return fmt.Errorf("put order: %w", err)
	}
	order.Version++
	return nil
}

const orderColumns = `SELECT o.id, o.lawful, o.fingerprint, o.submitter, o.at, v.version, v.content FROM orders o
	JOIN order_versions v ON v.order_id = o.id AND v.version = (SELECT max(version) FROM order_versions WHERE order_id = o.id) `

func scanOrder(rows *sql.Rows) (*OrderRecord, error) {
	var (
		one         OrderRecord
		at          int64
		fingerprint []byte
		content     string
	)
	if err := rows.Scan(&one.ID, &one.Lawful, &fingerprint, &one.Submitter, &at, &one.Version, &content); err != nil {
		return nil, err
	}
	one.At = time.UnixMicro(at).UTC()
	copy(one.Fingerprint[:], fingerprint)
	if err := json.Unmarshal([]byte(content), &one.OrderContent); err != nil {
		return nil, fmt.Errorf("order %d: %w", one.ID, err)
	}
	return &one, nil
}

// OrdersByRef gives the lawful orders of a reference: one for each list that has one.
func OrdersByRef(ctx context.Context, from Querier, ref string) ([]*OrderRecord, error) {
	found, err := all(ctx, from, scanOrder, orderColumns+`WHERE o.ref = ? AND o.lawful = 1 ORDER BY o.id`, ref)
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	return found, nil
}

// OrderByID reads one order.
func OrderByID(ctx context.Context, from Querier, id int64) (*OrderRecord, error) {
	found, err := all(ctx, from, scanOrder, orderColumns+`WHERE o.id = ?`, id)
	if err != nil {
		return nil, fmt.Errorf("read order: %w", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("read order %d: %w", id, sql.ErrNoRows)
	}
	return found[0], nil
}

// MaxOrderPage is the most orders of one reading.
const MaxOrderPage = 500

// OrdersAfter gives orders, unlawful ones among them, in the order of their coming, a page at a time.
func OrdersAfter(ctx context.Context, from Querier, after int64) ([]*OrderRecord, error) {
	found, err := all(ctx, from, scanOrder, orderColumns+`WHERE o.id > ? ORDER BY o.id LIMIT ?`, after, MaxOrderPage)
	if err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	return found, nil
}

// UnlawfulOrder finds what was recorded before of the same submission; nil where nothing was.
func UnlawfulOrder(ctx context.Context, from Querier, submitter string, fingerprint [32]byte) (*OrderRecord, error) {
	found, err := all(ctx, from, scanOrder, orderColumns+`WHERE o.submitter = ? AND o.fingerprint = ? AND o.lawful = 0 ORDER BY o.id LIMIT 1`, submitter, fingerprint[:])
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// HeldOrders are those that have held names.
func HeldOrders(ctx context.Context, from Querier) ([]*OrderRecord, error) {
	found, err := all(ctx, from, scanOrder, orderColumns+`WHERE o.id IN (SELECT order_id FROM order_entries WHERE ended_at IS NULL AND standing = 'held') ORDER BY o.id`)
	if err != nil {
		return nil, fmt.Errorf("read held orders: %w", err)
	}
	return found, nil
}

// NamesSince counts the names that a submitter added since a time, and what it submitted that
// was no lawful order.
func NamesSince(ctx context.Context, from Querier, submitter string, since time.Time) (names, unlawful int, err error) {
	err = from.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM order_entries WHERE added_by = ? AND added_at >= ?),
		(SELECT count(*) FROM orders WHERE submitter = ? AND at >= ? AND lawful = 0)`,
		submitter, since.UnixMicro(), submitter, since.UnixMicro()).Scan(&names, &unlawful)
	if err != nil {
		return 0, 0, fmt.Errorf("count names: %w", err)
	}
	return names, unlawful, nil
}
