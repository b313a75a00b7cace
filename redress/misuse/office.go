package misuse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Criteria are when a measure is proposed. The zero value of each is the default.
type Criteria struct {
	// Unfounded is how many manifestly unfounded filings within the time lead to a warning, and Share how many of a hundred that
	// were decided they must be.
	Unfounded uint32
	Share     uint32
	// Within is the time that counts.
	Within time.Duration
}

// DefaultCriteria are three within a year, and half of all.
func DefaultCriteria() Criteria {
	return Criteria{Unfounded: 3, Share: 50, Within: 365 * 24 * time.Hour}
}

func (c Criteria) orDefault() Criteria {
	made := DefaultCriteria()
	if c.Unfounded > 0 {
		made.Unfounded = c.Unfounded
	}
	if c.Share > 0 {
		made.Share = c.Share
	}
	if c.Within > 0 {
		made.Within = c.Within
	}
	return made
}

// Office counts, and proposes measures.
type Office struct {
	db       *store.DB
	desk     *redress.Desk
	criteria Criteria
	logger   *slog.Logger
}

// New makes an office.
func New(db *store.DB, desk *redress.Desk, criteria Criteria, logger *slog.Logger) *Office {
	return &Office{db: db, desk: desk, criteria: criteria.orDefault(), logger: logger}
}

// pause is how often what was decided is weighed, and tidyEvery how often what counts no more is erased.
const (
	pause     = time.Minute
	tidyEvery = 24 * time.Hour
)

// Run weighs what was decided, ends what is over, and erases what counts no more, until the context ends. What one desk has done
// another finds done.
func (o *Office) Run(ctx context.Context) {
	tidied := time.Time{}
	for ctx.Err() == nil {
		err := o.Work(ctx)
		if now := time.Now(); err == nil && now.Sub(tidied) >= tidyEvery {
			if err = o.Erase(ctx); err == nil {
				tidied = now
			}
		}
		if err != nil && ctx.Err() == nil {
			o.logger.Error("misuse was not looked after; it is tried again", slog.Any("error", err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Work does what is due now.
func (o *Office) Work(ctx context.Context) error {
	return errors.Join(o.weighAll(ctx), o.endAll(ctx))
}

// atOnce bounds how many cases are looked at in one go; the rest is for the next.
const atOnce = 1000

func (o *Office) ids(ctx context.Context, query string, args ...any) ([]redress.CaseID, error) {
	var found []redress.CaseID
	err := store.Each(ctx, o.db, func(rows *sql.Rows) error {
		var id redress.CaseID
		err := rows.Scan(&id)
		found = append(found, id)
		return err
	}, query, append(args, atOnce)...)
	if err != nil {
		return nil, fmt.Errorf("misuse: %w", err)
	}
	return found, nil
}

func (o *Office) weighAll(ctx context.Context) error {
	cases, err := o.ids(ctx, `SELECT case_id FROM misuse_cases WHERE weighed = 0 AND stands = 1 AND state = '' ORDER BY at, case_id LIMIT ?`)
	for _, id := range cases {
		err = errors.Join(err, o.Weigh(ctx, id))
	}
	return err
}

// endAll ends suspensions whose time is over, and what rests on a decision that was overturned.
func (o *Office) endAll(ctx context.Context) error {
	cases, err := o.ids(ctx, `SELECT case_id FROM misuse_cases WHERE state IN ('given', 'appealed', 'upheld') AND until_at <= ?
		UNION SELECT case_id FROM misuse_cases WHERE stands = 0 AND state IN ('proposed', 'given', 'appealed', 'upheld') LIMIT ?`, time.Now().UnixMicro())
	for _, id := range cases {
		if ended := o.desk.EndMeasure(ctx, id); ended != nil && !errors.Is(ended, redress.ErrNoMeasure) {
			err = errors.Join(err, ended)
		}
	}
	return err
}

// Erase takes away the hashes by which a party would be known again, where nothing of it counts any more.
func (o *Office) Erase(ctx context.Context) error {
	since := time.Now().Add(-o.criteria.Within).UnixMicro()
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM misuse_parties WHERE at < ? AND NOT EXISTS (SELECT 1 FROM misuse_cases c WHERE c.filing = misuse_parties.filing
			AND c.state IN ('proposed', 'given', 'appealed', 'upheld') AND (c.given_at IS NULL OR c.given_at >= ? OR c.until_at >= ?))`, since, since, time.Now().UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("misuse: %w", err)
	}
	return nil
}
