package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
)

// Change reads the filing's cases, the asked one first and whole, and writes what comes of
// it: all in the transaction of the one writer, so that nothing moves in between.
func (s *Store) Change(ctx context.Context, id redress.CaseID, change func(cases []*redress.Case) ([]redress.Change, error)) error {
	return s.db.Tx(ctx, func(tx *policystore.Tx) error {
		cases, err := filingOf(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("change case: %w", err)
		}
		if err := complete(ctx, tx, cases[0]); err != nil {
			return fmt.Errorf("change case: %w", err)
		}
		changes, err := change(cases)
		if err != nil {
			return err
		}
		for i := range changes {
			if err := apply(ctx, tx, cases, &changes[i]); err != nil {
				return fmt.Errorf("change case: %w", err)
			}
		}
		return nil
	})
}

// complete adds events, texts and clocks to a case.
func complete(ctx context.Context, from policystore.Querier, one *redress.Case) (err error) {
	if one.Events, err = eventsOf(ctx, from, one.ID); err != nil {
		return err
	}
	if one.Texts, err = textsOf(ctx, from, one.Filing.ID); err != nil {
		return err
	}
	one.Clocks, err = clocksOf(ctx, from, one.ID)
	return err
}

func apply(ctx context.Context, tx *policystore.Tx, cases []*redress.Case, change *redress.Change) error {
	var changed *redress.Case
	for _, one := range cases {
		if one.ID == change.Case {
			changed = one
		}
	}
	if changed == nil {
		return fmt.Errorf("case %q is not of this filing", change.Case)
	}
	changed.Implementation, changed.Merits = change.Implementation, change.Merits
	if err := setTracks(ctx, tx, changed); err != nil {
		return err
	}
	if err := setFiling(ctx, tx, changed.Filing.ID, change); err != nil {
		return err
	}
	if err := moved(ctx, tx, changed.Filing.ID); err != nil {
		return err
	}
	if err := setClocks(ctx, tx, change.Case, change.Clocks); err != nil {
		return err
	}
	if err := noteMerged(ctx, tx, change); err != nil {
		return err
	}
	if err := insertTexts(ctx, tx, changed.Filing.ID, change.Texts); err != nil {
		return err
	}
	if err := queue(ctx, tx, change.Notices); err != nil {
		return err
	}
	if err := openBeside(ctx, tx, change); err != nil {
		return err
	}
	sequence, err := appendEvents(ctx, tx, change.Events)
	if err != nil {
		return err
	}
	if err := misused(ctx, tx, changed, change); err != nil {
		return err
	}
	return except(ctx, tx, change, sequence)
}

func queue(ctx context.Context, tx *policystore.Tx, notices []notify.Message) error {
	for _, notice := range notices {
		if err := notify.Queue(ctx, tx, notice); err != nil {
			return err
		}
	}
	return nil
}

func setTracks(ctx context.Context, tx *policystore.Tx, one *redress.Case) error {
	_, err := tx.ExecContext(ctx, `UPDATE cases SET implementation = ?, implementation_until = ?, implementation_left = ?, implementation_final = ?,
			merits = ?, merits_until = ?, merits_left = ?, merits_final = ?, due = ? WHERE id = ?`,
		string(one.Implementation.State), micros(one.Implementation.Deadline), one.Implementation.Left.Microseconds(), number(one.Implementation.Final),
		string(one.Merits.State), micros(one.Merits.Deadline), one.Merits.Left.Microseconds(), number(one.Merits.Final), dueOf(one), string(one.ID))
	return err
}

func number(truth bool) int {
	if truth {
		return 1
	}
	return 0
}

// setFiling writes what a change says of the whole filing.
func setFiling(ctx context.Context, tx *policystore.Tx, filing redress.FilingID, change *redress.Change) error {
	if !change.Verified.IsZero() {
		if _, err := tx.ExecContext(ctx, `UPDATE filings SET verified_at = ?, method = ? WHERE id = ?`, change.Verified.UnixMicro(), change.Method, string(filing)); err != nil {
			return err
		}
	}
	if change.Token != nil {
		if _, err := tx.ExecContext(ctx, `UPDATE filings SET token = ? WHERE id = ?`, change.Token[:], string(filing)); err != nil {
			return err
		}
	}
	if change.Recovery != nil {
		if _, err := tx.ExecContext(ctx, `UPDATE filings SET recovery = ? WHERE id = ?`, hashOrNull(*change.Recovery), string(filing)); err != nil {
			return err
		}
	}
	return nil
}

// except writes the exceptions, and the note that they are to be put in force.
func except(ctx context.Context, tx *policystore.Tx, change *redress.Change, sequence int64) error {
	ended := 0
	if change.EndExceptions {
		var err error
		if ended, err = tx.EndExceptionsOf(ctx, string(change.Case), change.Events[len(change.Events)-1].At); err != nil {
			return err
		}
	}
	for _, exception := range change.Exceptions {
		if _, err := tx.AddException(ctx, exception); err != nil {
			return err
		}
	}
	if len(change.Exceptions) == 0 && ended == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO unsettled (event, case_id) VALUES (?, ?)`, sequence, string(change.Case))
	return err
}

// setClocks sets a case's clocks, and takes away those without a time.
func setClocks(ctx context.Context, tx *policystore.Tx, id redress.CaseID, clocks []redress.Clock) error {
	for _, clock := range clocks {
		var err error
		if clock.At.IsZero() {
			_, err = tx.ExecContext(ctx, `DELETE FROM case_clocks WHERE case_id = ? AND kind = ?`, string(id), string(clock.Kind))
		} else {
			_, err = tx.ExecContext(ctx, `INSERT INTO case_clocks (case_id, kind, at) VALUES (?, ?, ?) ON CONFLICT (case_id, kind) DO UPDATE SET at = excluded.at`,
				string(id), string(clock.Kind), clock.At.UnixMicro())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func clocksOf(ctx context.Context, from policystore.Querier, id redress.CaseID) (map[redress.ClockKind]time.Time, error) {
	clocks := make(map[redress.ClockKind]time.Time)
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			kind redress.ClockKind
			at   int64
		)
		err := rows.Scan(&kind, &at)
		clocks[kind] = time.UnixMicro(at).UTC()
		return err
	}, `SELECT kind, at FROM case_clocks WHERE case_id = ?`, string(id))
	return clocks, err
}

// Due are the clocks that have run out, the oldest first.
func (s *Store) Due(ctx context.Context, at time.Time, limit int) ([]redress.DueClock, error) {
	var due []redress.DueClock
	err := policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		var (
			one   redress.DueClock
			until int64
		)
		err := rows.Scan(&one.Case, &one.Kind, &until)
		one.At = time.UnixMicro(until).UTC()
		due = append(due, one)
		return err
	}, `SELECT case_id, kind, at FROM case_clocks WHERE at <= ? ORDER BY at, case_id LIMIT ?`, at.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("read clocks: %w", err)
	}
	return due, nil
}
