package exceptions

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Shown is an exception with what is known of it.
type Shown struct {
	blocklists.Exception
	// Review is when somebody has to look at it again; zero for never.
	Review time.Time
	Ended  time.Time // zero while it is in force
	// By made it, and Reason says why; empty where a case does.
	By     string
	Reason string
}

// MaxPage is the most exceptions on a page.
const MaxPage = 100

// columns are what scan reads. The review of a decided one is a clock of its case.
const columns = `SELECT e.id, e.kind, e.list, e.name, e.keep, e.case_id, e.at, e.ended_at, n.actor, n.reason, n.review_at
	FROM exceptions e LEFT JOIN exception_notes n ON n.exception = e.id AND n.what = 'made'`

// List gives a page of the exceptions in force behind a number, the oldest first, and the number behind which
// the next page begins; 0 where there is none.
func (o *Office) List(ctx context.Context, after int64) (page []Shown, next int64, err error) {
	page, err = o.find(ctx, columns+` WHERE e.ended_at IS NULL AND e.id > ? ORDER BY e.id LIMIT ?`, after, MaxPage)
	if err != nil {
		return nil, 0, fmt.Errorf("list exceptions: %w", err)
	}
	if len(page) == MaxPage {
		next = page[len(page)-1].ID
	}
	return page, next, nil
}

// Show gives one exception, also one that has ended.
func (o *Office) Show(ctx context.Context, id int64) (Shown, error) {
	found, err := o.find(ctx, columns+` WHERE e.id = ?`, id)
	if err != nil {
		return Shown{}, fmt.Errorf("show exception: %w", err)
	}
	if len(found) == 0 {
		return Shown{}, fmt.Errorf("show exception %d: %w", id, ErrNoException)
	}
	return found[0], nil
}

func (o *Office) find(ctx context.Context, query string, args ...any) ([]Shown, error) {
	var found []Shown
	err := store.Each(ctx, o.database, func(rows *sql.Rows) error {
		one, err := scan(rows)
		found = append(found, one)
		return err
	}, query, args...)
	return found, err
}

func scan(rows *sql.Rows) (Shown, error) {
	var (
		one           Shown
		name, keep    string
		at            int64
		ended, review sql.NullInt64
		by, reason    sql.NullString
	)
	if err := rows.Scan(&one.ID, &one.Kind, &one.List, &name, &keep, &one.Case, &at, &ended, &by, &reason, &review); err != nil {
		return one, err
	}
	var err error
	if one.Name, err = wire.ParseName(name); err == nil && keep != "" {
		one.Keep, err = wire.ParseName(keep)
	}
	if err != nil {
		return one, fmt.Errorf("exception %d: %w", one.ID, err)
	}
	one.At, one.By, one.Reason = time.UnixMicro(at).UTC(), by.String, reason.String
	if ended.Valid {
		one.Ended = time.UnixMicro(ended.Int64).UTC()
	}
	if review.Valid {
		one.Review = time.UnixMicro(review.Int64).UTC()
	}
	return one, nil
}
