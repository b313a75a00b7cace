package store

import (
	"context"
	"errors"
	"time"
)

// answerTime is how long a server may take to answer what takes no time of its own: to hand out the connection and the
// lock, to commit, to say that it is there. A server that confirms commits by a standby answers none while it has no
// standby, and one that a network was cut from never does.
const answerTime = 12 * time.Second // longer than lock_timeout

// errNoAnswer says that the server let its time pass.
var errNoAnswer = errors.New("the server does not answer")

// patient is a context for what is asked of the server. An SQLite file waits for whoever holds it by a time of its own.
func (db *DB) patient(ctx context.Context) *patience {
	limit := db.patience
	if limit == 0 {
		limit = answerTime
	}
	inner, end := context.WithCancelCause(ctx)
	made := &patience{Context: inner, end: end, limit: limit}
	if db.kind == postgres {
		made.timer = time.AfterFunc(limit, func() { end(errNoAnswer) })
	}
	return made
}

// patience is a context that ends when a step takes longer than it may. Between steps it has no end of its own.
type patience struct {
	context.Context

	timer *time.Timer // nil: there is no hurry
	end   context.CancelCauseFunc
	limit time.Duration
}

// rest stops the clock.
func (p *patience) rest() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// step starts it for the next step.
func (p *patience) step() {
	if p.timer != nil {
		p.timer.Reset(p.limit)
	}
}

// close lets go of the timer and of the context.
func (p *patience) close() {
	p.rest()
	p.end(context.Canceled)
}

// said makes an error that comes of lost patience an outage.
func (p *patience) said(err error) error {
	if err != nil && errors.Is(context.Cause(p.Context), errNoAnswer) {
		return &outage{cause: errNoAnswer}
	}
	return err
}
