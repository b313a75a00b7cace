package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Log is the log in the database, as the end of queues.
type Log struct{ DB *store.DB }

// Append implements [Sink].
func (l Log) Append(ctx context.Context, queue string, first int64, events []redress.Event) error {
	return l.DB.Tx(ctx, func(tx *store.Tx) error {
		var done int64
		err := tx.QueryRowContext(ctx, `SELECT done FROM event_queues WHERE queue = ?`, queue).Scan(&done)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if known := done + 1 - first; known > 0 {
			events = events[min(known, int64(len(events))):]
			first += known
		}
		if len(events) == 0 {
			return nil
		}
		for i := range events {
			if events[i].Subject == "" || events[i].Case != "" || events[i].Order != 0 {
				return fmt.Errorf("event %s: queues are for events of subjects", events[i].Kind)
			}
		}
		if err := cases.Append(ctx, tx, events...); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO event_queues (queue, done) VALUES (?, ?) ON CONFLICT (queue) DO UPDATE SET done = excluded.done`,
			queue, first+int64(len(events))-1)
		return err
	})
}

// Note appends an event of a subject in the transaction of what it tells of.
func (l Log) Note(ctx context.Context, tx *store.Tx, subject string, kind redress.EventKind, by redress.Actor, facts any) error {
	event, err := redress.About(subject, kind, by, time.Now(), facts)
	if err != nil {
		return err
	}
	return cases.Append(ctx, tx, event)
}
