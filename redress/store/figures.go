package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
)

// week is seven days in microseconds. Weeks are counted from the first of 1970, which was a Thursday.
const week = int64(7 * 24 * time.Hour / time.Microsecond)

// Figures are the numbers of the desk, by week since 1970.
type Figures struct {
	Filed   map[int64]int
	Decided map[int64]int
	Over    map[int64]int // cases that ended, by the week of their last decision
	// Waited is how long each decision took from the filing.
	Waited map[int64][]time.Duration
	// Blocks are answers withheld, by day since 1970.
	Blocks map[int64]int64
}

// WeekOf is the week of a time, and WeekStart when a week begins.
func WeekOf(at time.Time) int64 { return at.UnixMicro() / week }

// WeekStart is when a week begins.
func WeekStart(number int64) time.Time { return time.UnixMicro(number * week).UTC() }

// maxWaits bounds how many decisions are looked at one by one.
const maxWaits = 200_000

// Figures counts from the events since a time; what ended, from all of them.
func (s *Store) Figures(ctx context.Context, since time.Time) (Figures, error) {
	made := Figures{Waited: make(map[int64][]time.Duration)}
	per := strconv.FormatInt(week, 10)
	err := s.db.View(ctx, func(view *policystore.View) error {
		var err error
		count := `SELECT at / ` + per + `, COUNT(*) FROM events WHERE kind = ? AND at >= ? GROUP BY at / ` + per
		if made.Filed, err = tally[int](ctx, view, count, "filed", since.UnixMicro()); err != nil {
			return err
		}
		if made.Decided, err = tally[int](ctx, view, count, "decided", since.UnixMicro()); err != nil {
			return err
		}
		made.Over, err = tally[int](ctx, view, `SELECT last / `+per+`, COUNT(*) FROM (SELECT MAX(e.at) AS last FROM cases c JOIN events e ON e.case_id = c.id
			WHERE c.due = ? AND e.kind IN ('decided', 'dismissed', 'closed', 'withdrawn', 'merged', 'authority_decided') GROUP BY c.id) AS ended GROUP BY last / `+per, noDeadline)
		if err != nil {
			return err
		}
		day := strconv.FormatInt(since.Unix()/86400, 10)
		if made.Blocks, err = tally[int64](ctx, view, `SELECT day, SUM(count) FROM block_counts WHERE list = '' AND day >= `+day+` GROUP BY day`); err != nil {
			return err
		}
		return made.waits(ctx, view, since)
	})
	if err != nil {
		return Figures{}, fmt.Errorf("figures: %w", err)
	}
	return made, nil
}

func (f *Figures) waits(ctx context.Context, from policystore.Querier, since time.Time) error {
	return policystore.Each(ctx, from, func(rows *sql.Rows) error {
		var decided, filed int64
		if err := rows.Scan(&decided, &filed); err != nil {
			return err
		}
		f.Waited[decided/week] = append(f.Waited[decided/week], time.Duration(decided-filed)*time.Microsecond)
		return nil
	}, `SELECT e.at, f.at FROM events e JOIN cases c ON c.id = e.case_id JOIN filings f ON f.id = c.filing
		WHERE e.kind = 'decided' AND e.at >= ? ORDER BY e.sequence DESC LIMIT ?`, since.UnixMicro(), maxWaits)
}

// tally reads numbers by number.
func tally[T int | int64](ctx context.Context, from policystore.Querier, query string, args ...any) (map[int64]T, error) {
	counts := make(map[int64]T)
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			key   int64
			count T
		)
		err := rows.Scan(&key, &count)
		counts[key] = count
		return err
	}, query, args...)
	return counts, err
}

// Waiting is how many cases there are in all, and how many of them wait for us.
func (s *Store) Waiting(ctx context.Context) (all, waiting int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN due < ? THEN 1 ELSE 0 END), 0) FROM cases`, noDeadline).Scan(&all, &waiting)
	if err != nil {
		return 0, 0, fmt.Errorf("count cases: %w", err)
	}
	return all, waiting, nil
}
