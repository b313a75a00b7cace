package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// NameStanding is how far a name of an order has come.
type NameStanding string

// The standings: it takes effect; a safeguard holds it; people have released it; it takes effect
// over the safeguard because its time ran out.
const (
	NameActive     NameStanding = "active"
	NameHeld       NameStanding = "held"
	NameReleased   NameStanding = "released"
	NameOverridden NameStanding = "overridden"
)

// OrderName is a name that an order blocks, or blocked.
type OrderName struct {
	ID        int64
	Name      wire.Name
	Scope     blocklists.Scope
	Effective time.Time // zero: as the order says
	Expires   time.Time // likewise
	Standing  NameStanding
	Safeguard blocklists.Safeguard // that held it, or holds it
	Detail    string
	AddedAt   time.Time
	AddedBy   string
	EndedAt   time.Time // zero while the order has it
	EndedBy   string
	EndedWhy  string
	// Overruled says that another authority or a court ended it.
	Overruled bool
}

// AddOrderNames writes names of an order. One that it has already stays as it is.
func (t *Tx) AddOrderNames(ctx context.Context, order int64, names []OrderName) (added int, err error) {
	for i := range names {
		one := &names[i]
		result, err := t.ExecContext(ctx, `INSERT INTO order_entries (order_id, name, scope, effective, expires, standing, safeguard, detail, added_at, added_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			order, one.Name.String(), one.Scope.String(), microsOf(one.Effective), microsOf(one.Expires), string(one.Standing), string(one.Safeguard), one.Detail,
			one.AddedAt.UnixMicro(), one.AddedBy)
		if err != nil {
			return added, fmt.Errorf("add name of order: %w", err)
		}
		count, err := result.RowsAffected()
		if err != nil {
			return added, err
		}
		added += int(count)
	}
	return added, nil
}

// EndOrderName takes a name out of its order. Its row stays.
func (t *Tx) EndOrderName(ctx context.Context, id int64, by, why string, overruled bool, at time.Time) error {
	_, err := t.ExecContext(ctx, `UPDATE order_entries SET ended_at = ?, ended_by = ?, ended_why = ?, overruled = ? WHERE id = ? AND ended_at IS NULL`,
		at.UnixMicro(), by, why, overruled, id)
	if err != nil {
		return fmt.Errorf("end name of order: %w", err)
	}
	return nil
}

// SetOrderName writes the dates and the standing of a name.
func (t *Tx) SetOrderName(ctx context.Context, name *OrderName) error {
	_, err := t.ExecContext(ctx, `UPDATE order_entries SET effective = ?, expires = ?, standing = ? WHERE id = ?`,
		microsOf(name.Effective), microsOf(name.Expires), string(name.Standing), name.ID)
	if err != nil {
		return fmt.Errorf("change name of order: %w", err)
	}
	return nil
}

// OrderNames gives the names that an order has; ended ones too where all are wanted.
func OrderNames(ctx context.Context, from Querier, order int64, ended bool) ([]OrderName, error) {
	where := ` AND ended_at IS NULL`
	if ended {
		where = ``
	}
	names, err := all(ctx, from, scanOrderName, `SELECT id, name, scope, effective, expires, standing, safeguard, detail, added_at, added_by, ended_at, ended_by, ended_why, overruled
		FROM order_entries WHERE order_id = ?`+where+` ORDER BY id`, order)
	if err != nil {
		return nil, fmt.Errorf("read names of order %d: %w", order, err)
	}
	return names, nil
}

func scanOrderName(rows *sql.Rows) (OrderName, error) {
	var (
		one                       OrderName
		name, scope               string
		effective, expires, ended sql.NullInt64
		added                     int64
	)
	err := rows.Scan(&one.ID, &name, &scope, &effective, &expires, &one.Standing, &one.Safeguard, &one.Detail, &added, &one.AddedBy,
		&ended, &one.EndedBy, &one.EndedWhy, &one.Overruled)
	if err != nil {
		return one, err
	}
	one.Effective, one.Expires, one.EndedAt, one.AddedAt = timeOf(effective), timeOf(expires), timeOf(ended), time.UnixMicro(added).UTC()
	if one.Name, err = wire.ParseName(name); err != nil {
		return one, fmt.Errorf("name %d of an order: %w", one.ID, err)
	}
	return one, one.Scope.UnmarshalText([]byte(scope))
}

// Overruled says which of the names of a list another authority or a court has lifted out of
// an order before.
func Overruled(ctx context.Context, from Querier, list blocklists.ListID) (map[wire.Name]bool, error) {
	found := make(map[wire.Name]bool)
	err := Each(ctx, from, func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		name, err := wire.ParseName(text)
		found[name] = true
		return err
	}, `SELECT e.name FROM order_entries e JOIN orders o ON o.id = e.order_id WHERE e.overruled = 1 AND o.list = ?`, string(list))
	if err != nil {
		return nil, fmt.Errorf("read overruled names: %w", err)
	}
	return found, nil
}

// ReleaseOrderName writes one person's word that a held name may go, and gives how many
// different people have said so.
func (t *Tx) ReleaseOrderName(ctx context.Context, name int64, release blocklists.Release, actor string) (people int, err error) {
	result, err := t.ExecContext(ctx, `INSERT INTO order_releases (entry, person, by, note, actor, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		name, blocklists.Person(release.By), release.By, release.Note, actor, release.At.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("release name of order: %w", err)
	}
	if written, err := result.RowsAffected(); err != nil || written == 0 {
		if err == nil {
			err = fmt.Errorf("%s %w", release.By, ErrSamePerson)
		}
		return 0, err
	}
	err = t.QueryRowContext(ctx, `SELECT count(*) FROM order_releases WHERE entry = ?`, name).Scan(&people)
	return people, err
}

func microsOf(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UnixMicro()
}

func timeOf(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return time.UnixMicro(micros.Int64).UTC()
}
