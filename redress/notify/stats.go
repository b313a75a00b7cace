package notify

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Depth is how much waits on one way.
type Depth struct {
	Waiting int
	Oldest  time.Time // when it could first have left; zero where nothing waits
	Dead    int
}

// Depths gives how much waits now, by channel.
func (w *Worker) Depths(ctx context.Context) (map[string]Depth, error) {
	depths := map[string]Depth{string(byMail): {}, string(byWebhook): {}}
	err := store.Each(ctx, w.outbox.db, func(rows *sql.Rows) error {
		var (
			name   string
			depth  Depth
			oldest sql.NullInt64
		)
		err := rows.Scan(&name, &depth.Waiting, &oldest, &depth.Dead)
		if oldest.Valid {
			depth.Oldest = time.UnixMicro(oldest.Int64).UTC()
		}
		depths[name] = depth
		return err
	}, `SELECT channel, count(*) FILTER (WHERE state = 'waiting'), min(coalesce(tried_at, due_at)) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE `+lost+`)
		FROM notices WHERE state = 'waiting' AND (due_at <= ? OR attempts > 0) OR state = 'dead' GROUP BY channel`, time.Now().UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("count notices: %w", err)
	}
	return depths, nil
}

// Counts gives how attempts went since the start.
func (w *Worker) Counts() map[Count]uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.counts)
}

func (w *Worker) count(by channel, outcome string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[Count{Channel: string(by), Outcome: outcome}]++
}
