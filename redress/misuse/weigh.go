package misuse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// ofParty are the filings of whoever a filing is of.
const ofParty = `(SELECT p.filing FROM misuse_parties p WHERE p.mark IN (SELECT q.mark FROM misuse_parties q WHERE q.filing = ?) AND p.at >= ?)`

// record is what is counted of a party.
type record struct {
	unfounded, decided int
	grave              bool
	busy               bool      // something is proposed, or a suspension holds
	warned             time.Time // last; zero where not, within the time
	filed              time.Time // what is weighed
}

// Weigh looks at a case that was found manifestly unfounded, and proposes what the criteria ask for.
func (o *Office) Weigh(ctx context.Context, id redress.CaseID) error {
	counted, err := o.count(ctx, id)
	if err != nil {
		return fmt.Errorf("weigh %s: %w", id, err)
	}
	if kind := o.criteria.proposal(&counted); kind != "" {
		err = o.desk.Propose(ctx, id, redress.MeasureFacts{Kind: kind, Unfounded: counted.unfounded, Decided: counted.decided})
		if err != nil && !errors.Is(err, redress.ErrState) {
			return fmt.Errorf("weigh %s: %w", id, err)
		}
	}
	err = o.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE misuse_cases SET weighed = 1 WHERE case_id = ?`, string(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("weigh %s: %w", id, err)
	}
	return nil
}

// proposal is what the criteria ask for: first a warning; after it, and for what was filed after it, a suspension.
func (c Criteria) proposal(counted *record) redress.MeasureKind {
	switch {
	case counted.busy || counted.unfounded == 0: // of a party that nobody would know again nothing is counted
		return ""
	case !counted.warned.IsZero():
		if counted.filed.After(counted.warned) {
			return redress.Suspension
		}
		return ""
	case counted.grave, counted.unfounded >= int(c.Unfounded) && counted.unfounded*100 >= int(c.Share)*counted.decided:
		return redress.Warning
	}
	return ""
}

func (o *Office) count(ctx context.Context, id redress.CaseID) (record, error) {
	var made record
	err := o.db.View(ctx, func(view *store.View) error {
		now := time.Now()
		since := now.Add(-o.criteria.Within).UnixMicro()
		var filing string
		var filed, grave int64
		err := view.QueryRowContext(ctx, `SELECT filing, filed_at, grave FROM misuse_cases WHERE case_id = ?`, string(id)).Scan(&filing, &filed, &grave)
		if err != nil {
			return err
		}
		made.filed, made.grave = time.UnixMicro(filed), grave != 0
		err = view.QueryRowContext(ctx, `SELECT COUNT(DISTINCT filing) FROM misuse_parties WHERE filing IN `+ofParty, filing, since).Scan(&made.decided)
		if err != nil {
			return err
		}
		err = view.QueryRowContext(ctx, `SELECT COUNT(DISTINCT filing) FROM misuse_cases WHERE stands = 1 AND at >= ? AND filing IN `+ofParty, since, filing, since).Scan(&made.unfounded)
		if err != nil {
			return err
		}
		var busy int
		err = view.QueryRowContext(ctx, `SELECT COUNT(*) FROM misuse_cases WHERE (state = 'proposed' OR state IN ('given', 'appealed', 'upheld') AND until_at > ?) AND filing IN `+ofParty,
			now.UnixMicro(), filing, int64(0)).Scan(&busy)
		if err != nil {
			return err
		}
		made.busy = busy > 0
		var warned sql.NullInt64
		err = view.QueryRowContext(ctx, `SELECT MAX(given_at) FROM misuse_cases WHERE kind = 'warning' AND state = 'given' AND given_at >= ? AND filing IN `+ofParty, since, filing, int64(0)).Scan(&warned)
		if warned.Valid {
			made.warned = time.UnixMicro(warned.Int64)
		}
		return err
	})
	return made, err
}
