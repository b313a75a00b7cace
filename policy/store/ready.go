package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// readiness is whether the database has been opened: found, and its schema brought up to date.
type readiness struct {
	done   atomic.Bool
	logger *slog.Logger

	mu   sync.Mutex
	next time.Time // when it is tried again
	last error     // of the last time
}

// idle is how many connections of a pool stay while nobody uses them: a server shall not have
// to keep many of each node.
func (k kind) idle() int {
	if k == postgres {
		return 1
	}
	return sqliteReaders
}

// openRetry is how soon a database that could not be opened is tried again.
const openRetry = time.Second

// OpenLater opens the database like [Config.Open], or gives one that is opened as soon as it
// can be: until then all that is asked of it is ErrUnavailable. So a server whose work goes on
// without the database starts without it. The error is what no waiting mends: an address that
// is none, or a database that a later version has written.
func (c Config) OpenLater(ctx context.Context, logger *slog.Logger) (*DB, error) {
	db, err := c.connect(logger)
	if err != nil {
		return nil, err
	}
	err = db.ready(ctx)
	switch {
	case err == nil:
	case Unavailable(err):
		logger.Error("the database cannot be opened, and is tried again; what is in force stays, and the desk cannot take a case", "database", c.Name(), "error", err)
	default:
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// ready opens the database where that has not been done.
func (db *DB) ready(ctx context.Context) error {
	if db.opening.done.Load() {
		return nil
	}
	db.opening.mu.Lock()
	defer db.opening.mu.Unlock()
	if db.opening.done.Load() {
		return nil
	}
	if time.Now().Before(db.opening.next) {
		return db.opening.last
	}
	again := db.opening.last != nil
	db.opening.last = told(db.open(ctx))
	if db.opening.last != nil {
		db.opening.next = time.Now().Add(openRetry)
		db.renew()
		return db.opening.last
	}
	db.opening.done.Store(true)
	if again {
		db.opening.logger.Info("the database has been opened")
	}
	return nil
}

// checked makes an outage known as one, and lets go of connections that are of no more use.
func (db *DB) checked(err error) error {
	err = told(err)
	if stale(err) {
		db.renew()
	}
	return err
}

// renew closes the connections that nobody uses at this moment. The next use makes new ones.
func (db *DB) renew() {
	for _, pool := range db.pools() {
		pool.SetMaxIdleConns(-1)
		pool.SetMaxIdleConns(db.kind.idle())
	}
}
