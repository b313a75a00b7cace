package transports

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNoAddress is for a server that cannot be asked, since nobody said where it is.
var ErrNoAddress = errors.New("the server has no address")

// The bounds of a client that says none.
const (
	defaultExchangeTime = 5 * time.Second
	defaultExchanges    = 4096
)

// Exchanges bounds what a client of upstream servers spends: how long one exchange may take
// and how many there are at the same time. It may be used by many goroutines.
type Exchanges struct {
	most   time.Duration
	places chan struct{}
}

// NewExchanges makes bounds. A time or a number of 0 is the default: 5 s, 4096.
func NewExchanges(most time.Duration, atOnce int) Exchanges {
	if most <= 0 {
		most = defaultExchangeTime
	}
	if atOnce <= 0 {
		atOnce = defaultExchanges
	}
	return Exchanges{most: most, places: make(chan struct{}, atOnce)}
}

// Do runs one exchange within the bounds. Where its time ran out or nobody waits any more,
// the error is the context's, and not what that did to a socket.
func (e *Exchanges) Do(ctx context.Context, exchange func(context.Context) ([]byte, error)) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > e.most {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.most)
		defer cancel()
	}
	select {
	case e.places <- struct{}{}:
		defer func() { <-e.places }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a place: %w", ctx.Err())
	}
	reply, err := exchange(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return reply, err
}
