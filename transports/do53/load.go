package do53

import (
	"log/slog"
	"sync"
	"time"
)

const (
	// patience is how long a socket may have more to read than is read with one call before
	// that is no burst any more.
	patience = 100 * time.Millisecond
	// spared is how many queries may wait all the same, so that an overload does not stop the
	// cache from learning.
	spared = 256
)

// load tells a burst, which is read off in milliseconds, from more than the reader can
// answer: then what has to be resolved is shed first, since each costs as much as a hundred
// answers from the cache.
type load struct {
	since time.Time // since when the reader has been behind; zero: it is not
	now   time.Time
}

// see is told after each read whether there is more.
func (l *load) see(more bool, now time.Time) {
	l.now = now
	switch {
	case !more:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = now
	}
}

// sheds says whether a query that has to wait is shed, where so many wait already.
func (l *load) sheds(waiting int) bool {
	return !l.since.IsZero() && l.now.Sub(l.since) > patience && waiting >= spared
}

// complaint logs something that fails again and again: at once, and then every minute with
// how often.
type complaint struct {
	logger *slog.Logger

	mu     sync.Mutex
	next   time.Time
	silent int // since the last word
}

const silence = time.Minute

func (c *complaint) say(what string, err error, times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent += times
	if now := time.Now(); now.After(c.next) {
		c.logger.Warn(what, "error", err, "times", c.silent)
		c.next, c.silent = now.Add(silence), 0
	}
}
