package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// List gives cases by deadline, without their events and texts.
func (s *Store) List(ctx context.Context, page redress.Page) ([]*redress.Case, error) {
	var cases []*redress.Case
	err := s.db.View(ctx, func(view *policystore.View) error {
		for _, stands := range standings(&page) {
			end, args := asked(&page, stands)
			found, err := casesOf(ctx, view, end, args...)
			if err != nil {
				return err
			}
			cases = merge(cases, found, page.Limit)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return cases, nil
}

// asked is the end of the query for a part of a page.
func asked(page *redress.Page, stands standing) (end string, args []any) {
	where, args := conditions(page, stands)
	return where + ` ORDER BY c.due, c.id LIMIT ?`, append(args, page.Limit)
}

// standing is where a track stands; of no track, wherever.
type standing struct {
	column string
	state  redress.State
}

// standings are those that a page takes. Each is asked for by itself, as each has an index in the order of
// deadlines, and no index has all: a state that few cases have would else be looked for in all that there are.
func standings(page *redress.Page) []standing {
	columns := []string{"c.merits", "c.implementation"}
	switch page.Track {
	case redress.Merits:
		columns = columns[:1]
	case redress.Implementation:
		columns = columns[1:]
	}
	states := []redress.State{page.State}
	if page.State == "" {
		if page.Track == "" {
			return []standing{{}}
		}
		states = []redress.State{redress.Submitted, redress.Interim, redress.Appealed, redress.NeedInfo}
	}
	var all []standing
	for _, column := range columns {
		for _, state := range states {
			all = append(all, standing{column, state})
		}
	}
	return all
}

// merge joins two lists by deadline, up to a limit. A case may be in both.
func merge(a, b []*redress.Case, limit int) []*redress.Case {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y *redress.Case) int {
		return cmp.Or(cmp.Compare(dueOf(x), dueOf(y)), cmp.Compare(x.ID, y.ID))
	})
	all = slices.CompactFunc(all, func(x, y *redress.Case) bool { return x.ID == y.ID })
	return all[:min(len(all), limit)]
}

// lately is how many of the last events of somebody say which cases are that person's: a bound, as whoever
// works for years has hundreds of thousands.
const lately = 2000

// conditions are those of a page, each on an index or on what the deadline leaves.
func conditions(page *redress.Page, stands standing) (where string, args []any) {
	var all strings.Builder
	add := func(condition string, values ...any) {
		if all.Len() > 0 {
			all.WriteString(" AND ")
		}
		all.WriteString(condition)
		args = append(args, values...)
	}
	after := int64(-1)
	if page.After.ID != "" {
		if after = noDeadline; !page.After.Due.IsZero() {
			after = page.After.Due.UnixMicro()
		}
	}
	add(`(c.due, c.id) > (?, ?)`, after, string(page.After.ID))
	if last := int64(noDeadline) - 1; !page.All {
		if !page.Before.IsZero() {
			last = page.Before.UnixMicro()
		}
		add(`c.due <= ?`, last)
	}
	if page.Purpose != "" {
		add(`c.purpose = ?`, page.Purpose)
	}
	if page.List != "" {
		add(`c.list = ?`, string(page.List))
	}
	if stands.column != "" {
		add(stands.column+` = ?`, string(stands.state))
	}
	if page.Code != 0 {
		add(`c.code = ?`, page.Code.String())
	}
	if !page.FiledBefore.IsZero() {
		add(`f.at < ?`, page.FiledBefore.UnixMicro())
	}
	if page.Actor != "" {
		add(`c.id IN (SELECT case_id FROM (SELECT case_id FROM events WHERE actor = ? ORDER BY sequence DESC LIMIT ?) AS last WHERE case_id IS NOT NULL)`, page.Actor, lately)
	}
	if page.Name != "" {
		add(`c.filing IN (SELECT id FROM filings WHERE name = ?)`, page.Name.String())
	}
	if page.Reread {
		add(`c.id IN (SELECT case_id FROM case_clocks WHERE kind = ?)`, string(redress.RereadClock))
	}
	if !page.Confidential {
		add(`c.confidential = 0`)
	}
	return `WHERE ` + all.String(), args
}

// Filed counts the cases of a name that others filed, and when the last one was.
func (s *Store) Filed(ctx context.Context, one *redress.Case) (redress.Duplicates, error) {
	var (
		found redress.Duplicates
		last  sql.NullInt64
	)
	err := s.db.QueryRowContext(ctx, `SELECT count(*), max(at) FROM (SELECT at FROM filings WHERE name = ? AND id <> ? ORDER BY at DESC LIMIT 1000) AS others`,
		one.Filing.Name.String(), string(one.Filing.ID)).Scan(&found.Filings, &last)
	if err != nil {
		return found, fmt.Errorf("count filings: %w", err)
	}
	found.Last = timeOf(last)
	return found, nil
}

// maxAlike bounds the cases of one entry that are looked at.
const maxAlike = 20

// Alike are other open cases of the same entry among the first filings about its name, the oldest
// first.
func (s *Store) Alike(ctx context.Context, one *redress.Case) ([]redress.CaseID, error) {
	if one.Entry == nil {
		return nil, nil
	}
	found, err := s.ids(ctx, `SELECT c.id FROM (SELECT id, at FROM filings WHERE name = ? AND id <> ? ORDER BY at LIMIT ?) AS f JOIN cases c ON c.filing = f.id
		WHERE c.list = ? AND c.entry = ? AND c.scope = ? AND c.order_ref = ? AND c.hidden = 0 AND c.due < ? ORDER BY f.at, c.id`,
		one.Filing.Name.String(), string(one.Filing.ID), maxAlike, string(one.Entry.List), one.Entry.Name.String(), one.Entry.Scope.String(), one.Entry.Order, int64(noDeadline))
	if err != nil {
		return nil, fmt.Errorf("read cases of an entry: %w", err)
	}
	return found, nil
}

// Lifted are cases that have exceptions in force, by id.
func (s *Store) Lifted(ctx context.Context, after redress.CaseID, limit int) ([]redress.CaseID, error) {
	found, err := s.ids(ctx, `SELECT DISTINCT case_id FROM exceptions WHERE ended_at IS NULL AND case_id > ? ORDER BY case_id LIMIT ?`, string(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read lifted cases: %w", err)
	}
	return found, nil
}

func (s *Store) ids(ctx context.Context, query string, args ...any) ([]redress.CaseID, error) {
	var found []redress.CaseID
	err := policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		var id redress.CaseID
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	}, query, args...)
	return found, err
}
