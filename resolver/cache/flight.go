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
	answer *resolver.Answer
	err    error
}

// Flight is the stage that resolves each question once at a time and keeps what
// comes of it. It is the first that waits: an inline query gets ErrWouldBlock.
func (c *Cache) Flight(next resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Inline {
			return nil, resolver.ErrWouldBlock
		}
		if query.Work == nil {
			query.Work = resolver.NewWork()
		}
		if query.Fresh { // asked for to be new: neither shared nor kept
			return c.resolve(ctx, query, next)
		}
		return c.join(ctx, query, next)
	})
}

func (c *Cache) join(ctx context.Context, query *resolver.Query, next resolver.Handler) (*resolver.Answer, error) {
	k := keyOf(query)
	c.flightsMu.Lock()
	if running, found := c.flights[k]; found {
		c.flightsMu.Unlock()
		select {
		case <-running.done:
			return running.answer, running.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	// The flight that was missed a moment ago may have landed since.
	if found := c.find(query); found != nil {
		c.flightsMu.Unlock()
		return found.result()
	}
	own := &flight{done: make(chan struct{})}
	c.flights[k] = own
	c.flightsMu.Unlock()

	defer func() {
		c.flightsMu.Lock()
		delete(c.flights, k)
		c.flightsMu.Unlock()
		close(own.done)
	}()
	own.err = errLost // in force only if the resolution panics
	own.answer, own.err = c.resolve(ctx, query, next)
	return own.answer, own.err
}

var errLost = errors.New("the resolution that this query waited for was lost")

// resolve runs the resolution to its end even if the first who asked goes away,
// since others may wait for it and the next will want it.
func (c *Cache) resolve(ctx context.Context, query *resolver.Query, next resolver.Handler) (*resolver.Answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTime)
	defer cancel()
	answer, err := next.Resolve(ctx, query)
	if err != nil {
		if failure := (*resolver.Failure)(nil); errors.As(err, &failure) {
			c.keepFailure(query, failure)
		}
		return nil, err
	}
	return c.keep(query, answer)
}
