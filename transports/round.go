package transports

import (
	"context"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// Round is the queries that one worker answers between two looks at the clock: what a door
// reads with one call, it answers at one time, and counts together. It is for one goroutine.
type Round struct {
	service *Service
	worker  uint32
	door    resolver.Door
	now     time.Time
	ended   [outcomes]int
}

// Round makes the rounds of one worker of a door.
func (s *Service) Round(door resolver.Door) *Round {
	return &Round{service: s, worker: s.Worker(), door: door}
}

// Begin begins a round, at the time that it returns.
func (r *Round) Begin() time.Time {
	r.now = time.Now()
	return r.now
}

// Reply is [Service.Reply] in this round.
func (r *Round) Reply(ctx context.Context, query *resolver.Query, packet, dst []byte, limit int) ([]byte, error) {
	query.Now, query.Worker = r.now, r.worker
	dst, outcome, err := r.service.Reply(ctx, query, packet, dst, limit)
	if err == nil {
		r.ended[outcome]++
	}
	return dst, err
}

// Ended counts a query of the round that was not answered through it.
func (r *Round) Ended(outcome Outcome) { r.ended[outcome]++ }

// Finish counts what was answered. Each query took as long as the round.
func (r *Round) Finish() {
	took := time.Since(r.now)
	for outcome, queries := range r.ended {
		if queries > 0 {
			r.service.Count(r.worker, r.door, Outcome(outcome), queries, took)
			r.ended[outcome] = 0
		}
	}
}
