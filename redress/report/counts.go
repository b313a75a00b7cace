package report

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// AllAnswers stands, among counts of lists, for all answers.
const AllAnswers = ""

// Blocked is how many answers a list withheld on a day, at all nodes. Nothing is kept of who asked
// for what.
type Blocked struct {
	Day   time.Time // its beginning, UTC
	List  string    // [AllAnswers]: whatever was answered
	Count int64
}

// AddBlocked adds what a node counted on a day, by list. Lists that are secret must not be among them.
func AddBlocked(ctx context.Context, tx *store.Tx, node string, day time.Time, counts map[string]int64) error {
	for list, count := range counts {
		_, err := tx.ExecContext(ctx, `INSERT INTO block_counts (day, node, list, count) VALUES (?, ?, ?, ?)
			ON CONFLICT (day, node, list) DO UPDATE SET count = block_counts.count + excluded.count`, int64(dayOf(day)), node, list, count)
		if err != nil {
			return fmt.Errorf("add counts: %w", err)
		}
	}
	return nil
}

// BlockedIn gives the counts of the days of a period, by day and list. They are exact, and of this
// deployment alone: what is published is rounded, late, and only of many clients.
func BlockedIn(ctx context.Context, from store.Querier, period Period) ([]Blocked, error) {
	var found []Blocked
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var one Blocked
		var day int64
		err := rows.Scan(&day, &one.List, &one.Count)
		one.Day = time.Unix(day*secondsADay, 0).UTC()
		found = append(found, one)
		return err
	}, `SELECT day, list, CAST(sum(count) AS BIGINT) FROM block_counts WHERE day >= ? AND day <= ? GROUP BY day, list ORDER BY day, list`,
		int64(dayOf(period.From)), int64(dayOf(period.To)))
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	return found, nil
}

const (
	// rounded is to what published counts are rounded.
	rounded = 100
	// late is how many days after its own the counts of a day are published: a whole one lies between.
	late = 2
	// oldest is how far back days are published that were missed.
	oldest = 31
)

// round gives the nearest hundred.
func round(n int64) int64 { return (n + rounded/2) / rounded * rounded }

// PublishBlocked appends the events of days whose counts may be published and were not. Shown says of which
// lists; those are never secret. Below [FewClients] there are none.
func PublishBlocked(ctx context.Context, db *store.DB, config Config, now time.Time, shown func(list string) bool) error {
	last := dayOf(now) - late
	if config.Clients < FewClients {
		return nil
	}
	return onceADay(ctx, db, "blocks_counted", last, func(tx *store.Tx, day int32) ([]redress.Event, error) {
		at := time.Unix(int64(day)*secondsADay, 0).UTC()
		counts, err := BlockedIn(ctx, tx, Period{From: at, To: at})
		if err != nil || len(counts) == 0 {
			return nil, err
		}
		facts := audit.BlocksCount{Day: dateOf(day), Blocked: map[string]int64{}}
		for _, one := range counts {
			switch {
			case one.List == AllAnswers:
				facts.Answers = round(one.Count)
			case one.List == PassesUsed:
				facts.Passes = one.Count
			case shown(one.List):
				facts.Blocked[one.List] = round(one.Count)
			}
		}
		from := at.UnixMicro()
		err = tx.QueryRowContext(ctx, `SELECT count(*) FROM profile_changes WHERE what = 'left' AND at >= ? AND at < ?`, from, from+secondsADay*1_000_000).Scan(&facts.OptOuts)
		if err != nil {
			return nil, err
		}
		event, err := redress.About("answers", audit.Blocks, redress.Actor{Name: "desk", Role: redress.System}, now, facts)
		return []redress.Event{event}, err
	})
}

// PassesUsed stands, among counts of lists, for passes. No list is called so.
const PassesUsed = "passes used"

// PublishLists appends how lists stand, once a day.
func PublishLists(ctx context.Context, db *store.DB, now time.Time, count func() []audit.ListCount) error {
	return onceADay(ctx, db, "lists_counted", dayOf(now), func(_ *store.Tx, day int32) ([]redress.Event, error) {
		if day != dayOf(now) {
			return nil, nil // what was then is not known any more
		}
		event, err := redress.About(audit.Lists, audit.Counted, redress.Actor{Name: "desk", Role: redress.System}, now, audit.ListsCount{Day: dateOf(day), Lists: count()})
		return []redress.Event{event}, err
	})
}

// onceADay has the events of each day up to the last appended, by whichever desk comes first.
func onceADay(ctx context.Context, db *store.DB, what string, last int32, make func(tx *store.Tx, day int32) ([]redress.Event, error)) error {
	var done int64
	read := func(from store.Querier) error {
		err := from.QueryRowContext(ctx, `SELECT done FROM event_queues WHERE queue = ?`, what).Scan(&done)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	}
	if err := read(db); err != nil || done >= int64(last) {
		return err
	}
	err := db.Tx(ctx, func(tx *store.Tx) error {
		if err := read(tx); err != nil {
			return err
		}
		for day := max(int32(done)+1, last-oldest); day <= last; day++ {
			events, err := make(tx, day)
			if err != nil {
				return err
			}
			if err := cases.Append(ctx, tx, events...); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO event_queues (queue, done) VALUES (?, ?) ON CONFLICT (queue) DO UPDATE SET done = excluded.done`, what, int64(last))
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
