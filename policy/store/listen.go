package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is what changes are told on to the other processes of a PostgreSQL.
const channel = "recourse"

// leadLock is held by the process that does what one process alone has to do.
const leadLock = writeLock + 2

const (
	// leadAgain is how often a process asks whether nobody leads any more.
	leadAgain = 2 * time.Second
	// leadTime is how long a server may take to say that it is there, until who leads is not sure any more of being alone.
	leadTime = 5 * time.Second
	// listenAgain is how soon a lost connection is made anew.
	listenAgain = time.Second
)

// tell has the other processes of the database told too, when the transaction is committed.
func (t *Tx) tell(ctx context.Context) error {
	if t.kind != postgres {
		return nil
	}
	for _, topic := range t.told {
		if _, err := t.tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, string(topic)); err != nil {
			return fmt.Errorf("tell others: %w", err)
		}
	}
	return nil
}

// Join keeps this process together with the others of its database until the context ends: it
// wakes those who wait for a [Topic] when another process told it, and runs lead in one of the
// processes, with a context that ends when that is no longer sure to be the only one. An SQLite
// file has one process: that leads.
func (db *DB) Join(ctx context.Context, lead func(context.Context), logger *slog.Logger) {
	if db.kind != postgres {
		lead(ctx)
		return
	}
	lost := false
	for {
		err := db.joined(ctx, lead, func() {
			if lost {
				logger.Info("the database tells of changes again")
			}
			lost = false
		})
		if ctx.Err() != nil {
			return
		}
		if !lost {
			logger.Error("the database does not tell of changes; it is asked again", slog.Any("error", err))
			lost = true
		}
		timer := time.NewTimer(listenAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// joined is [DB.Join] as long as one connection holds.
func (db *DB) joined(ctx context.Context, lead func(context.Context), holds func()) (err error) {
	conn, err := pgx.ConnectConfig(ctx, db.listener)
	if err != nil {
		return err
	}
	leading := new(leadership)
	defer func() {
		leading.end()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenAgain)
		defer cancel()
		err = errors.Join(err, conn.Close(closing))
	}()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	holds()
	db.topics.wakeAll() // what was told while nobody listened
	for {
		if err := leading.seek(ctx, conn, lead); err != nil {
			return err
		}
		if err := db.hear(ctx, conn); err != nil {
			return err
		}
	}
}

// hear wakes for what is told, and ends when it is time to ask for the lead again.
func (db *DB) hear(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, leadAgain)
	defer cancel()
	for {
		told, err := conn.WaitForNotification(waiting)
		switch {
		case err == nil:
			db.topics.wake([]Topic{Topic(told.Payload)})
		case ctx.Err() == nil && waiting.Err() != nil && !conn.IsClosed():
			return nil
		default:
			return err
		}
	}
}

// leadership is what one process has while it holds the lock.
type leadership struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

// seek takes the lead where nobody has it. Whoever leads asks too: the question finds out
// that the connection is gone, and the lock with it.
func (l *leadership) seek(ctx context.Context, conn *pgx.Conn, lead func(context.Context)) error {
	waiting, cancel := context.WithTimeout(ctx, leadTime)
	defer cancel()
	if l.stop != nil {
		return conn.Ping(waiting)
	}
	var got bool
	if err := conn.QueryRow(waiting, `SELECT pg_try_advisory_lock($1)`, int64(leadLock)).Scan(&got); err != nil || !got {
		return err
	}
	var leading context.Context
	leading, l.stop = context.WithCancel(ctx)
	l.done.Go(func() { lead(leading) })
	return nil
}

// end gives the lead up, when what was led has ended.
func (l *leadership) end() {
	if l.stop != nil {
		l.stop()
		l.done.Wait()
	}
}
