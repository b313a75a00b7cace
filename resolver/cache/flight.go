package cache

import (
	"context"
	"errors"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// flightTime bounds one resolution, whoever still waits for it.
const flightTime = 10 * time.Second

// flight is one resolution that others may wait for. The result is written
// before done is closed.
type flight struct {
	done   chan struct{}
	crowd  int // who waits beside the first; the lock of flights guards it
	answer *resolver.Answer
	err    error
}

// Flight is the stage that resolves each question once at a time and keeps what
// comes of it. It is the first that waits: an inline query gets ErrWouldBlock.
func (c *Cache) Flight(next resolver.Handler) resolver.Handler {
	return &flights{Cache: c, next: next}
}

// flights is the stage: where the cache's questions are resolved.
type flights struct {
	*Cache
	next resolver.Handler
}

// Resolve implements [resolver.Handler].
func (f *flights) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if query.Inline {
		return nil, resolver.ErrWouldBlock
	}
	if query.Work == nil {
		query.Work = resolver.NewWork()
	}
	if query.Fresh { // asked for to be new: neither shared nor kept
		return f.resolve(ctx, query, true)
	}
	return f.join(ctx, query)
}

// join waits for the flight that is under way, or makes one.
func (f *flights) join(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	k, now := keyOf(query), query.Now.UnixNano()
	f.flightsMu.Lock()
	kept := f.find(k)
	// The flight that was missed a moment ago may have landed since.
	if kept != nil && kept.fresh(now) {
		f.flightsMu.Unlock()
		return kept.result()
	}
	if kept != nil && !f.usable(kept, now) {
		kept = nil
	}
	running, leads := f.flights[k], false
	if running == nil {
		running, leads = f.board(k), true
	} else {
		running.crowd++
	}
	place := running.crowd
	f.flightsMu.Unlock()
	if !leads {
		return f.crowded(ctx, query, running, kept, place)
	}
	if kept == nil || !f.depart(query, running) {
		f.fly(ctx, query, running, false)
		return f.landed(query, running, kept)
	}
	return f.wait(ctx, query, running, kept)
}

// board makes the flight that others find. The lock is held.
func (f *flights) board(k key) *flight {
	own := &flight{done: make(chan struct{})}
	f.flights[k] = own
	return own
}

// depart flies in the background, so that the first who asked need not wait to the
// end for something that is kept, if stale.
func (f *flights) depart(query *resolver.Query, own *flight) bool {
	again := question(keyOf(query))
	again.Now, again.Work = query.Now, query.Work
	return f.background.start(func(ctx context.Context) { f.fly(ctx, again, own, false) })
}

// fly resolves. Anew is without kept aliases, for what has not ended yet: a link and an
// end that are as old would give it no more than their last seconds.
func (f *flights) fly(ctx context.Context, query *resolver.Query, own *flight, anew bool) {
	defer func() {
		f.flightsMu.Lock()
		delete(f.flights, keyOf(query))
		f.flightsMu.Unlock()
		close(own.done)
	}()
	own.err = errLost // in force only if the resolution panics
	own.answer, own.err = f.resolve(ctx, query, anew)
}

var errLost = errors.New("the resolution that this query waited for was lost")

// wait gives what the flight brings or, where something stale is kept, that: when the
// client has waited long enough (RFC 8767, section 5: the client response timer), and
// when the flight brings no answer.
func (f *flights) wait(ctx context.Context, query *resolver.Query, running *flight, kept *node) (*resolver.Answer, error) {
	var patience <-chan time.Time
	if kept != nil {
		timer := time.NewTimer(f.config.Stale.After)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-running.done:
		return f.landed(query, running, kept)
	case <-patience:
		return f.stale(kept, query), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *flights) landed(query *resolver.Query, flown *flight, kept *node) (*resolver.Answer, error) {
	if kept != nil && kept.stands(flown) {
		return f.stale(kept, query), nil
	}
	return flown.answer, flown.err
}

// stands says whether an answer past its TTL is given in the place of what a flight
// brought: an error, or a code by which a server declines.
func (n *node) stands(flown *flight) bool {
	if flown.err == nil {
		return refused(flown.answer)
	}
	failure := (*resolver.Failure)(nil)
	return !errors.As(flown.err, &failure) || n.survives(failure)
}

// resolve runs the resolution to its end even if the first who asked goes away,
// since others may wait for it and the next will want it.
func (f *flights) resolve(ctx context.Context, query *resolver.Query, anew bool) (*resolver.Answer, error) {
	ctx, cancel := context.WithTimeout(lasting(ctx, f.background.ctx), flightTime)
	defer cancel()
	flushes := f.flushes.Load()
	answer, err := f.ask(ctx, query, anew, flushes)
	if err == nil && !query.Fresh && refused(answer) && f.outlasts(query, nil) {
		return answer, nil
	}
	if err == nil {
		return f.keep(query, answer, flushes)
	}
	if failure := (*resolver.Failure)(nil); errors.As(err, &failure) && !query.Fresh && f.flushes.Load() == flushes {
		f.keepFailure(query, failure)
	}
	return nil, err
}

// lasting is a context that a client's leaving does not end; the cache's closing
// ends what runs in the background.
func lasting(ctx, background context.Context) context.Context {
	if ctx == background {
		return ctx
	}
	return context.WithoutCancel(ctx)
}
