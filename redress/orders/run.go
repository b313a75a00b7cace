package orders

import (
	"context"
	"log/slog"
	"time"
)

// retry is how soon what could not be put in force is tried again.
const retry = 5 * time.Second

// Run puts in force what is not known to be, until the context ends.
func (o *Office) Run(ctx context.Context) {
	for {
		wait := 24 * time.Hour
		if err := o.Settle(ctx); err != nil && ctx.Err() == nil {
			o.logger.Error("orders not in force yet", slog.Any("error", err))
			wait = retry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-o.kicked:
			timer.Stop()
		case <-timer.C:
		}
	}
}
