package control

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Janitor erases what is no longer needed, at once and then every hour.
func Janitor(ctx context.Context, db *store.DB, papers *Papers, logger *slog.Logger) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		_, err := papers.Erase(ctx, time.Now())
		if err == nil {
			err = eraseCodes(ctx, db, time.Now())
		}
		if err != nil && ctx.Err() == nil {
			logger.Error("documents and codes that are no longer needed were not erased; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// eraseCodes forgets codes that ended a week ago: until then they count against new ones.
func eraseCodes(ctx context.Context, db *store.DB, now time.Time) error {
	err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM proof_codes WHERE until_at < ?`, now.Add(-7*24*time.Hour).UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("erase codes: %w", err)
	}
	return nil
}
