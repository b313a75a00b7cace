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
	// Review is when somebody has to look at it again; zero for never. Of a decided one it is a clock of its case.
	Review time.Time
	Ended  time.Time // zero while it is in force
	// By made it: the operator, or who decided its case.
	By     string
	Reason string // empty where the case says why
}

// MaxPage is the most exceptions on a page.
const MaxPage = 100

// source is where exceptions are read: review is -1 where there is none. Who decided is the last that did anything about
// the case which lets go, until the exception was made.
const source = `FROM (SELECT e.id, e.kind, e.list, e.name, e.keep, e.case_id, e.at, e.ended_at,
		COALESCE(n.actor, (SELECT v.actor FROM events v WHERE v.case_id = e.case_id AND v.at <= e.at
			AND v.kind IN ('decided', 'authority_decided', 'external', 'relieved', 'lifted') ORDER BY v.sequence DESC LIMIT 1), '') AS made_by,
		COALESCE(n.reason, '') AS reason, COALESCE(n.review_at, c.at, -1) AS review
	FROM exceptions e LEFT JOIN exception_notes n ON n.exception = e.id AND n.what = 'made'
	LEFT JOIN case_clocks c ON c.case_id = e.case_id AND c.kind = 'exception') AS x`

const columns = `SELECT x.id, x.kind, x.list, x.name, x.keep, x.case_id, x.at, x.ended_at, x.made_by, x.reason, x.review ` + source

// Show gives one exception, also one that has ended.
func (o *Office) Show(ctx context.Context, id int64) (Shown, error) {
	found, err := o.find(ctx, columns+` WHERE x.id = ?`, id)
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
		one        Shown
		name, keep string
		at, review int64
		ended      sql.NullInt64
	)
	if err := rows.Scan(&one.ID, &one.Kind, &one.List, &name, &keep, &one.Case, &at, &ended, &one.By, &one.Reason, &review); err != nil {
		return one, err
	}
	var err error
	if one.Name, err = wire.ParseName(name); err == nil && keep != "" {
		one.Keep, err = wire.ParseName(keep)
	}
	if err != nil {
		return one, fmt.Errorf("exception %d: %w", one.ID, err)
	}
	one.At = time.UnixMicro(at).UTC()
	if ended.Valid {
		one.Ended = time.UnixMicro(ended.Int64).UTC()
	}
	if review >= 0 {
		one.Review = time.UnixMicro(review).UTC()
	}
	return one, nil
}
