package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy"
	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Store keeps cases. It implements redress.Store.
type Store struct {
	db *policystore.DB
}

// New makes a store over an open database.
func New(db *policystore.DB) *Store { return &Store{db: db} }

// Open writes a filing with its cases, first events and texts.
func (s *Store) Open(ctx context.Context, opened []redress.Opened, texts []redress.Text) error {
	if len(opened) == 0 {
		return errors.New("open filing: without a case")
	}
	filing := &opened[0].Case.Filing
	err := s.db.Tx(ctx, func(tx *policystore.Tx) error {
		if err := insertFiling(ctx, tx, filing); err != nil {
			return err
		}
		if err := insertTexts(ctx, tx, filing.ID, texts); err != nil {
			return err
		}
		for position, one := range opened {
			if err := openCase(ctx, tx, position, &one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("open filing: %w", err)
	}
	return nil
}

// openCase writes one case with what belongs to it.
func openCase(ctx context.Context, tx *policystore.Tx, position int, one *redress.Opened) error {
	if err := insertCase(ctx, tx, position, one.Case); err != nil {
		return err
	}
	if err := setClocks(ctx, tx, one.Case.ID, one.Clocks); err != nil {
		return err
	}
	if _, err := appendEvents(ctx, tx, one.Events); err != nil {
		return err
	}
	return queue(ctx, tx, one.Notices)
}

func insertFiling(ctx context.Context, tx *policystore.Tx, filing *redress.Filing) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO filings (id, name, role, language, at, token, challenge, recovery) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		string(filing.ID), filing.Name.String(), string(filing.Role), filing.Language, filing.At.UnixMicro(), filing.Token[:], filing.Challenge, hashOrNull(filing.Recovery))
	return err
}

// hashOrNull is null for the zero hash, which is of nothing.
func hashOrNull(hash redress.TokenHash) any {
	if hash == (redress.TokenHash{}) {
		return nil
	}
	return hash[:]
}

func insertTexts(ctx context.Context, tx *policystore.Tx, filing redress.FilingID, texts []redress.Text) error {
	for _, text := range texts {
		if err := insertText(ctx, tx, filing, &text); err != nil {
			return err
		}
	}
	return nil
}

func insertCase(ctx context.Context, tx *policystore.Tx, position int, one *redress.Case) error {
	var list, entry, scope, order, code, purpose any // null without an entry
	if one.Entry != nil {
		list, entry, scope = string(one.Entry.List), one.Entry.Name.String(), one.Entry.Scope.String()
		order, code, purpose = one.Entry.Order, one.Entry.Code.String(), one.Entry.Purpose.String()
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO cases (id, filing, position, confidential, hidden, list, entry, scope, order_ref, code, purpose,
			implementation, implementation_until, merits, merits_until, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(one.ID), string(one.Filing.ID), position, one.Confidential, one.Hidden, list, entry, scope, order, code, purpose,
		string(one.Implementation.State), micros(one.Implementation.Deadline), string(one.Merits.State), micros(one.Merits.Deadline), dueOf(one))
	return err
}

// noDeadline sorts behind every deadline: the end of the year 9999 in microseconds.
const noDeadline = 253_402_300_799_000_000

func dueOf(one *redress.Case) int64 {
	if due := one.Due(); !due.IsZero() {
		return due.UnixMicro()
	}
	return noDeadline
}

// micros is null for the zero time.
func micros(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UnixMicro()
}

func timeOf(value sql.NullInt64) time.Time {
	if !value.Valid {
		return time.Time{}
	}
	return time.UnixMicro(value.Int64).UTC()
}

// Pending are the decisions not known to be in force, oldest first.
func (s *Store) Pending(ctx context.Context) ([]redress.Pending, error) {
	var all []redress.Pending
	err := policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		var pending redress.Pending
		err := rows.Scan(&pending.ID, &pending.Case)
		all = append(all, pending)
		return err
	}, `SELECT event, case_id FROM unsettled ORDER BY event LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("read pending decisions: %w", err)
	}
	return all, nil
}

// Settle notes that decisions are in force, those that somebody else settled left out.
func (s *Store) Settle(ctx context.Context, settled []redress.Pending, generation uint64, at time.Time) error {
	err := s.db.Tx(ctx, func(tx *policystore.Tx) error {
		for _, pending := range settled {
			result, err := tx.ExecContext(ctx, `DELETE FROM unsettled WHERE event = ?`, pending.ID)
			if err != nil {
				return err
			}
			if removed, err := result.RowsAffected(); err != nil || removed == 0 {
				if err != nil {
					return err
				}
				continue
			}
			event := redress.Event{Case: pending.Case, At: at, Kind: redress.InForceEvent, Actor: redress.Actor{Name: "desk", Role: redress.System}, Content: redress.Content{Generation: generation}}
			if _, err := appendEvents(ctx, tx, []redress.Event{event}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	return nil
}

// parseCode is the code of a row.
func parseCode(text string) (policy.Code, error) {
	code, err := policy.ParseCode(text)
	if err != nil {
		return 0, fmt.Errorf("row: %w", err)
	}
	return code, nil
}
