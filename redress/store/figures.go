package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
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
	Open    int           // cases that are not over now
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

// Figures counts from the events since a time.
func (s *Store) Figures(ctx context.Context, since time.Time) (Figures, error) {
	made := Figures{Waited: make(map[int64][]time.Duration)}
	per := strconv.FormatInt(week, 10)
	err := s.db.View(ctx, func(view *policystore.View) error {
		first, err := firstSince(ctx, view, since)
		if err != nil {
			return err
		}
		count := `SELECT at / ` + per + `, COUNT(*) FROM events WHERE kind = ? AND sequence >= ? GROUP BY at / ` + per
		if made.Filed, err = tally[int](ctx, view, count, "filed", first); err != nil {
			return err
		}
		if made.Decided, err = tally[int](ctx, view, count, "decided", first); err != nil {
			return err
		}
		if err := made.ended(ctx, view, first); err != nil {
			return err
		}
		day := strconv.FormatInt(since.Unix()/86400, 10)
		if made.Blocks, err = tally[int64](ctx, view, `SELECT day, SUM(count) FROM block_counts WHERE list = '' AND day >= `+day+` GROUP BY day`); err != nil {
			return err
		}
		return made.waits(ctx, view, first)
	})
	if err != nil {
		return Figures{}, fmt.Errorf("figures: %w", err)
	}
	return made, nil
}

// firstSince is the sequence from which on events are of a time, or later. By it what is of a kind is found without
// a look at all that is.
func firstSince(ctx context.Context, from policystore.Querier, since time.Time) (int64, error) {
	var first int64
	err := from.QueryRowContext(ctx, `SELECT sequence FROM events WHERE at >= ? ORDER BY at, sequence LIMIT 1`, since.UnixMicro()).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return math.MaxInt64, nil
	}
	return first, err
}

// ended counts what ended since, and what has not.
func (f *Figures) ended(ctx context.Context, from policystore.Querier, first int64) error {
	per := strconv.FormatInt(week, 10)
	var err error
	f.Over, err = tally[int](ctx, from, `SELECT last / `+per+`, COUNT(*) FROM (SELECT case_id, MAX(at) AS last FROM events
			WHERE kind IN ('decided', 'dismissed', 'closed', 'withdrawn', 'merged', 'authority_decided') AND sequence >= ? GROUP BY case_id) AS ended
		JOIN cases c ON c.id = ended.case_id WHERE c.due = ? GROUP BY last / `+per, first, noDeadline)
	if err != nil {
		return err
	}
	return from.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM cases WHERE due < ?) + (SELECT COUNT(*) FROM cases WHERE merits = 'referred' AND due = ?)`, noDeadline, noDeadline).Scan(&f.Open)
}

func (f *Figures) waits(ctx context.Context, from policystore.Querier, first int64) error {
	return policystore.Each(ctx, from, func(rows *sql.Rows) error {
		var decided, filed int64
		if err := rows.Scan(&decided, &filed); err != nil {
			return err
		}
		f.Waited[decided/week] = append(f.Waited[decided/week], time.Duration(decided-filed)*time.Microsecond)
		return nil
	}, `SELECT e.at, f.at FROM events e JOIN cases c ON c.id = e.case_id JOIN filings f ON f.id = c.filing
		WHERE e.kind = 'decided' AND e.sequence >= ? ORDER BY e.sequence DESC LIMIT ?`, first, maxWaits)
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

// ManyCases is from where on cases are not counted any more.
const ManyCases = 10_000

// Waiting is how many cases wait for us, and how many there are in all: of more than [ManyCases] one more than
// that.
func (s *Store) Waiting(ctx context.Context) (all, waiting int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM cases LIMIT ?) AS counted), (SELECT COUNT(*) FROM cases WHERE due < ?)`, ManyCases+1, noDeadline).Scan(&all, &waiting)
	if err != nil {
		return 0, 0, fmt.Errorf("count cases: %w", err)
	}
	return all, waiting, nil
}
