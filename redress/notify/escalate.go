package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// escalate tells again of alarms that nobody acknowledged in time: who is on call, and who
// stands behind them. However long nobody looked, it is told once.
func (w *Worker) escalate(ctx context.Context, now time.Time) error {
	var due int
	err := w.outbox.db.QueryRowContext(ctx, `SELECT count(*) FROM alarms WHERE tell_at <= ?`, now.UnixMicro()).Scan(&due)
	if err != nil || due == 0 {
		return err
	}
	return w.outbox.db.Tx(ctx, func(tx *store.Tx) error {
		open, err := openAlarms(ctx, tx, `tell_at <= ? AND ended_at IS NULL AND acknowledged_at IS NULL`, now.UnixMicro())
		if err != nil {
			return err
		}
		for i := range open {
			if err := open[i].again(ctx, tx, now); err != nil {
				return fmt.Errorf("tell again of alarm %d: %w", open[i].ID, err)
			}
		}
		return nil
	})
}

func (r *Raised) again(ctx context.Context, tx *store.Tx, now time.Time) error {
	r.Told++
	_, err := tx.ExecContext(ctx, `UPDATE alarms SET told = ?, tell_at = ? WHERE id = ?`, r.Told, now.Add(pause(r.Urgent, r.Told)).UnixMicro(), r.ID)
	if err != nil {
		return err
	}
	number := fmt.Sprint("/", r.Told)
	if err := Queue(ctx, tx, r.message(kindAgain, number, OnCall())); err != nil {
		return err
	}
	return Queue(ctx, tx, r.message(kindAgain, number+"/escalation", Escalation()))
}
