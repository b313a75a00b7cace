package store

import (
	"context"
	"database/sql"
	"fmt"
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
	where, args := wanted.conditions()
	var events []redress.Event
	err := policystore.Each(ctx, s.db, func(rows *sql.Rows) error {
		event, _, err := scanEvent(rows)
		events = append(events, event)
		return err
	}, `SELECT `+eventColumns+` FROM events`+where+` ORDER BY sequence DESC LIMIT ?`, append(args, wanted.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("search events: %w", err)
	}
	return events, nil
}

func (t *Trail) conditions() (where string, args []any) {
	var all []string
	add := func(is bool, condition string, values ...any) {
		if is {
			all, args = append(all, condition), append(args, values...)
		}
	}
	add(t.Case != "", `case_id = ?`, string(t.Case))
	add(t.Subject != "", `subject >= ? AND subject < ?`, t.Subject, t.Subject+"\U0010FFFF")
	add(t.Actor != "", `actor = ?`, t.Actor)
	add(t.Kind != "", `kind = ?`, string(t.Kind))
	add(!t.From.IsZero(), `at >= ?`, t.From.UnixMicro())
	add(!t.Until.IsZero(), `at < ?`, t.Until.UnixMicro())
	add(t.Before > 0, `sequence < ?`, t.Before)
	if len(all) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(all, " AND "), args
}
