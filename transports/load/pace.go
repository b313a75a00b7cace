package load

import (
	"context"
	"sync"
	"time"
)

// quantum is how often a paced run looks for what is due.
const quantum = 200 * time.Microsecond

// drivePaced sends by the clock while it receives.
func (l *lane) drivePaced(ctx context.Context) error {
	clock, err := newClock(quantum)
	if err != nil {
		return err
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		l.pace(clock)
		clock.Close() // nothing is lost with it
	})
	defer sending.Wait()
	for !l.isOver() {
		if err := l.receive(ctx, l.now()); err != nil {
			return err
		}
	}
	return nil
}

// pace sends what is due until the end. A query that is held back since too many are under
// way is still due when it was: its wait is in its latency.
func (l *lane) pace(clock *clock) {
	interval := float64(time.Second) * float64(l.config.Connections) / l.config.Rate
	first := interval * float64(l.number) / float64(l.config.Connections)
	for sent := 0; clock.wait() == nil && !l.stopped.Load(); {
		now, ended := l.now(), false
		l.mu.Lock()
		for l.flights.count < min(l.config.InFlight, l.carrier.most()) && !l.spent {
			due := moment(first + float64(sent)*interval)
			if due > now {
				break
			}
			if l.spent = l.take(1) == 0; !l.spent {
				l.add(due)
				sent++
			}
		}
		_ = l.carrier.flush() // who receives finds the same error, and connects anew
		ended = l.spent
		l.mu.Unlock()
		if ended {
			return
		}
	}
}
