package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Contested are the names of a list of whose blocks something was lifted in a time, by day and name.
func (s *Store) Contested(ctx context.Context, list blocklists.ListID, from, to time.Time, limit int) ([]redress.Contested, error) {
	var found []redress.Contested
	err := s.db.View(ctx, func(view *policystore.View) error {
		var err error
		if found, err = lifted(ctx, view, list, from, to, limit); err != nil {
			return err
		}
		for i := range found {
			one := &found[i]
			err := view.QueryRowContext(ctx, `SELECT count(DISTINCT c.filing) FROM cases c JOIN filings f ON f.id = c.filing
				WHERE c.list = ? AND c.entry = ? AND c.scope = ? AND f.at < ?`, string(list), one.Name, one.Scope, one.Day.AddDate(0, 0, 1).UnixMicro()).Scan(&one.Filings)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read contested names: %w", err)
	}
	return found, nil
}

// lifted are the names, each once a day with its last outcome.
func lifted(ctx context.Context, view *policystore.View, list blocklists.ListID, from, to time.Time, limit int) ([]redress.Contested, error) {
	places := make(map[redress.Contested]int)
	var found []redress.Contested
	err := policystore.Each(ctx, view, func(rows *sql.Rows) error {
		var (
			one      redress.Contested
			at       int64
			content  []byte
			decision redress.Content
		)
		if err := rows.Scan(&at, &content, &one.Name, &one.Scope); err != nil {
			return err
		}
		if err := json.Unmarshal(content, &decision); err != nil {
			return err
		}
		if decision.Outcome == redress.Uphold || decision.Outcome == "" {
			return nil
		}
		one.Day = time.UnixMicro(at).UTC().Truncate(24 * time.Hour)
		place, known := places[one]
		switch {
		case known:
			found[place].Outcome = decision.Outcome
		case len(found) < limit:
			places[one] = len(found)
			one.Outcome = decision.Outcome
			found = append(found, one)
		}
		return nil
	}, `SELECT e.at, e.content, c.entry, c.scope`+decidedOf+` AND e.at >= ? AND e.at < ? ORDER BY e.sequence`, string(list), from.UnixMicro(), to.UnixMicro())
	slices.SortStableFunc(found, func(a, b redress.Contested) int { return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.Name, b.Name)) })
	return found, err
}
