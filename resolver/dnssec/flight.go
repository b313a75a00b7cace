package dnssec

import (
	"context"
	"sync"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// flights lets queries that need the same zone wait for one of them. Whoever
// waits does so for a name above its own, so no two can wait for each other.
type flights struct {
	mu      sync.Mutex
	running map[wire.Name]*flight // by mu
}

// flight is written by its leader before done is closed, and only read after.
type flight struct {
	done chan struct{}
	zone *zone // nil when the leader could not tell
	gone bool  // because its client had left
}

// join runs decide, or waits for who does already. A leader whose client leaves
// hands over to one of its followers. A leader that fails otherwise may have met
// a limit of its own, a spent budget: its followers try for themselves, side by
// side, for one after the other would outlast their patience.
func (f *flights) join(ctx context.Context, name wire.Name, decide func() (*zone, error)) (*zone, error) {
	for {
		ahead, own := f.board(name)
		if own != nil {
			defer f.land(name, own)
			found, err := decide()
			own.zone, own.gone = found, ctx.Err() != nil
			return found, err
		}
		select {
		case <-ahead.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		switch {
		case ahead.zone != nil:
			return ahead.zone, nil
		case !ahead.gone:
			return decide()
		}
	}
}

// board gives the flight that is under way, or else a new one to lead.
func (f *flights) board(name wire.Name) (ahead, own *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ahead := f.running[name]; ahead != nil {
		return ahead, nil
	}
	if f.running == nil {
		f.running = make(map[wire.Name]*flight)
	}
	own = &flight{done: make(chan struct{})}
	f.running[name] = own
	return nil, own
}

// land is deferred, so that followers wake even if the leader panics.
func (f *flights) land(name wire.Name, own *flight) {
	f.mu.Lock()
	delete(f.running, name)
	f.mu.Unlock()
	close(own.done)
}
