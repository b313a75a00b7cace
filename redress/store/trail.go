package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Trail is which events are wanted. What is empty does not matter.
type Trail struct {
	Case    redress.CaseID
	Subject string // with what begins like it
	Actor   string
	Kind    redress.EventKind
	From    time.Time
	Until   time.Time // not included
	// Before is the event that the page begins after, as the newest come first; 0 for the first page.
	Before int64
	Limit  int
}

// MaxTrail is the most events on a page of the trail.
const MaxTrail = 200

// Trail gives a page of events, the newest first.
func (s *Store) Trail(ctx context.Context, wanted Trail) ([]redress.Event, error) {
	if wanted.Limit <= 0 || wanted.Limit > MaxTrail {
		wanted.Limit = MaxTrail
	}
	var events []redress.Event
	where, args, err := s.trailOf(ctx, &wanted)
	if err != nil {
		return nil, fmt.Errorf("search events: %w", err)
	}
	err = policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		event, _, err := scanEvent(rows)
		events = append(events, event)
		return err
	}, `SELECT `+eventColumns+` FROM events`+where+` ORDER BY sequence DESC LIMIT ?`, append(args, wanted.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("search events: %w", err)
	}
	return events, nil
}

// trailOf are the conditions. Times are turned into sequences, in whose order events are read: by an index of times
// all of a year would be sorted for one page.
func (s *Store) trailOf(ctx context.Context, t *Trail) (where string, args []any, err error) {
	first, last := int64(0), int64(math.MaxInt64)
	if !t.From.IsZero() {
		first, err = s.bound(ctx, math.MaxInt64, `SELECT MIN(sequence) FROM (SELECT sequence FROM events WHERE at >= ? ORDER BY at, sequence LIMIT ?) AS near`, t.From)
	}
	if err == nil && !t.Until.IsZero() {
		last, err = s.bound(ctx, 0, `SELECT MAX(sequence) FROM (SELECT sequence FROM events WHERE at < ? ORDER BY at DESC, sequence DESC LIMIT ?) AS near`, t.Until)
	}
	if err != nil {
		return "", nil, err
	}
	where, args = t.conditions(first, last)
	return where, args, nil
}

// askew is how many events may be out of order where the clock was set back.
const askew = 1000

// bound is what the query finds; none, where there is nothing.
func (s *Store) bound(ctx context.Context, none int64, query string, at time.Time) (int64, error) {
	var found sql.NullInt64
	if err := s.db.QueryRowContext(ctx, query, at.UnixMicro(), askew).Scan(&found); err != nil || !found.Valid {
		return none, err
	}
	return found.Int64, nil
}

func (t *Trail) conditions(first, last int64) (where string, args []any) {
	var all []string
	add := func(is bool, condition string, values ...any) {
		if is {
			all, args = append(all, condition), append(args, values...)
		}
	}
	add(t.Case != "", `case_id = ?`, string(t.Case))
	add(t.Subject != "", `subject <> '' AND subject >= ? AND subject < ?`, t.Subject, t.Subject+"\U0010FFFF")
	add(t.Actor != "", `actor = ?`, t.Actor)
	add(t.Kind != "", `kind = ?`, string(t.Kind))
	add(!t.From.IsZero(), `sequence >= ? AND +at >= ?`, first, t.From.UnixMicro())
	add(!t.Until.IsZero(), `sequence <= ? AND +at < ?`, last, t.Until.UnixMicro())
	add(t.Before > 0, `sequence < ?`, t.Before)
	if len(all) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(all, " AND "), args
}
