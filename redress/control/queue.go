package control

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// How often a challenge is looked at, and for how long a node has what it took.
const (
	interval = 5 * time.Minute
	lease    = 2 * time.Minute
	batch    = 32
)

// check is one challenge to look at.
type check struct {
	filing  redress.FilingID
	one     redress.CaseID
	name    string
	until   time.Time
	methods []redress.Method
}

// queue is the tables of challenges.
type queue struct{ db *store.DB }

// gather adds the filings that are not in the queue yet: of those who say that the name is
// theirs, and of whoever asked for a proof once.
func (q queue) gather(ctx context.Context, now time.Time) error {
	begun := now.Add(-redress.ChallengeLife).UnixMicro()
	const unproved = ` FROM filings f WHERE f.verified_at IS NULL AND f.at > ?
		AND (f.role IN ('owner', 'agent') OR EXISTS (SELECT 1 FROM proof_findings p WHERE p.filing = f.id AND p.method IN ('dns', 'http', 'page')))
		AND NOT EXISTS (SELECT 1 FROM proof_checks c WHERE c.filing = f.id)`
	var some bool
	if err := q.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1`+unproved+`)`, begun).Scan(&some); err != nil || !some {
		return err // as mostly there is nothing, and no transaction is begun for it
	}
	return q.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO proof_checks (filing, case_id, name, next_at, until_at)
			SELECT f.id, (SELECT c.id FROM cases c WHERE c.filing = f.id ORDER BY c.position LIMIT 1), f.name, f.at + ?, f.at + ?`+unproved+`
			ON CONFLICT (filing) DO NOTHING`, (interval / 2).Microseconds(), redress.ChallengeLife.Microseconds(), begun)
		return err
	})
}

// take gives challenges that are due and that nobody else has.
func (q queue) take(ctx context.Context, now time.Time) ([]check, error) {
	at := now.UnixMicro()
	var some bool
	err := q.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM proof_checks WHERE next_at <= ? AND taken_until <= ?)`, at, at).Scan(&some)
	if err != nil || !some {
		return nil, err
	}
	var taken []check
	err = q.db.Tx(ctx, func(tx *store.Tx) error {
		err := store.Each(ctx, tx, func(rows *sql.Rows) error {
			var one check
			var until int64
			err := rows.Scan(&one.filing, &one.one, &one.name, &until)
			one.until = time.UnixMicro(until)
			taken = append(taken, one)
			return err
		}, `UPDATE proof_checks SET taken_until = ? WHERE taken_until <= ? AND filing IN
			(SELECT filing FROM proof_checks WHERE next_at <= ? AND taken_until <= ? ORDER BY next_at LIMIT ?)
			RETURNING filing, case_id, name, until_at`, now.Add(lease).UnixMicro(), at, at, at, batch)
		for i := range taken {
			if err == nil {
				taken[i].methods, err = methods(ctx, tx, taken[i].filing)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take challenges: %w", err)
	}
	return taken, nil
}

// methods are those by which a filing is looked at: the DNS, and what the party asked for.
func methods(ctx context.Context, from store.Querier, filing redress.FilingID) ([]redress.Method, error) {
	all := []redress.Method{redress.ByDNS}
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var method redress.Method
		err := rows.Scan(&method)
		all = append(all, method)
		return err
	}, `SELECT method FROM proof_findings WHERE filing = ? AND method IN ('http', 'page') ORDER BY method`, string(filing))
	return all, err
}

// putBack lets a challenge be due again, or with a zero time takes it away for good,
// and queues what the party is told of that.
func (q queue) putBack(ctx context.Context, one *check, next time.Time, told ...notify.Message) error {
	return q.db.Tx(ctx, func(tx *store.Tx) error {
		for _, message := range told {
			if err := notify.Queue(ctx, tx, message); err != nil {
				return err
			}
		}
		if next.IsZero() {
			_, err := tx.ExecContext(ctx, `DELETE FROM proof_checks WHERE filing = ?`, string(one.filing))
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE proof_checks SET next_at = ?, taken_until = 0 WHERE filing = ?`, next.UnixMicro(), string(one.filing))
		return err
	})
}
