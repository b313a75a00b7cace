package limits

import (
	"context"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Run erases yesterday's key at midnight UTC, also where nobody comes by until then.
func (b *Buckets) Run(ctx context.Context, logger *slog.Logger) {
	for {
		wait := time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour))
		if err := b.tidy(ctx); err != nil && ctx.Err() == nil {
			logger.Error("yesterday's key of limits could not be erased; it is tried again", slog.Any("error", err))
			wait = min(wait, time.Minute)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (b *Buckets) tidy(ctx context.Context) error {
	return b.db.Tx(ctx, func(tx *store.Tx) error {
		at := time.Now()
		if _, err := DayKey(ctx, tx, at); err != nil {
			return err
		}
		return b.sweep(ctx, tx, at)
	})
}
