package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// List gives cases by deadline, without their events and texts.
func (s *Store) List(ctx context.Context, page redress.Page) ([]*redress.Case, error) {
	var cases []*redress.Case
	err := s.db.View(ctx, func(view *policystore.View) error {
		where, args := conditions(&page)
		var err error
		cases, err = casesOf(ctx, view, where+` ORDER BY c.due, c.id LIMIT ?`, append(args, page.Limit)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return cases, nil
}

// conditions are those of a page, each on an index or on what the deadline leaves.
func conditions(page *redress.Page) (where string, args []any) {
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
	addTracks(page, add)
	if page.Code != 0 {
		add(`c.code = ?`, page.Code.String())
	}
	if !page.FiledBefore.IsZero() {
		add(`f.at < ?`, page.FiledBefore.UnixMicro())
	}
	if page.Actor != "" {
		add(`c.id IN (SELECT case_id FROM events WHERE actor = ? AND case_id IS NOT NULL)`, page.Actor)
	}
	if page.Name != "" {
		add(`c.filing IN (SELECT id FROM filings WHERE name = ?)`, page.Name.String())
	}
	if page.Reread {
		add(`EXISTS (SELECT 1 FROM case_clocks k WHERE k.case_id = c.id AND k.kind = ?)`, string(redress.RereadClock))
	}
	if !page.Confidential {
		add(`c.confidential = 0`)
	}
	return `WHERE ` + all.String(), args
}

// addTracks takes a state of either track, or of the one that is asked for, which without a state is one that is open.
func addTracks(page *redress.Page, add func(condition string, values ...any)) {
	column := map[redress.Question]string{redress.Merits: "c.merits", redress.Implementation: "c.implementation"}[page.Track]
	state := string(page.State)
	switch {
	case column != "" && state != "":
		add(column+` = ?`, state)
	case column != "":
		add(column + ` IN ('submitted', 'interim', 'appeal', 'need_info')`)
	case state != "":
		add(`(c.merits = ? OR c.implementation = ?)`, state, state)
	}
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
