package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/fleet"
	"github.com/recourse-dns/recourse/redress/orders"
)

// lateEvery is how often the desk that leads looks for nodes that are late.
const lateEvery = time.Minute

// lateNodes gives the nodes that had not reported in time what was decided in a case.
func (n *node) lateNodes(database *store.DB) func(context.Context, redress.CaseID, time.Time) ([]string, error) {
	self := n.config.nodeName()
	return func(ctx context.Context, id redress.CaseID, by time.Time) ([]string, error) {
		return fleet.LateForCase(ctx, database, string(id), self, by)
	}
}

// lateness tells of nodes that do not have in force what was decided or ordered.
type lateness struct {
	self     string
	database *store.DB
	office   *orders.Office
	logger   *slog.Logger
}

func (l lateness) run(ctx context.Context) {
	ticker := time.NewTicker(lateEvery)
	defer ticker.Stop()
	failed := false
	for {
		err := l.once(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !failed {
			l.logger.Error("nodes that are late are not looked for; it is tried again", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (l lateness) once(ctx context.Context, at time.Time) error {
	if err := fleet.SettleAlarms(ctx, l.database, at); err != nil {
		return err
	}
	return l.office.NoteLateNodes(ctx, l.self, at)
}
