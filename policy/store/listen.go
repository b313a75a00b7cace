package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// notifications is the channel of PostgreSQL on which processes tell each other what changed.
const notifications = "recourse_changed"

const (
	// listenRetry is how soon a connection that listens is made anew.
	listenRetry = time.Second
	// listenCheck is how long it is silent before it is asked whether it is still there.
	listenCheck = 15 * time.Second
)

// announceTopics tells other processes when the transaction has been committed, and only then.
func (t *Tx) announceTopics(ctx context.Context) error {
	if t.kind != postgres {
		return nil
	}
	for _, topic := range t.told {
		if _, err := t.tx.ExecContext(ctx, `SELECT pg_notify($1, $2)`, notifications, string(topic)); err != nil {
			return err
		}
	}
	return nil
}

// listen wakes those who wait for a topic that another process tells, until the context ends.
// While the server could not be heard anything may have changed.
func (db *DB) listen(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		if conn, err := db.hear(ctx, config); err == nil {
			db.topics.wakeAll()
			db.follow(ctx, conn)
		}
		timer := time.NewTimer(listenRetry)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (db *DB) hear(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `LISTEN `+notifications); err != nil {
		_ = conn.Close(ctx) // the first error counts
		return nil, err
	}
	return conn, nil
}

// follow passes notifications on until the connection breaks.
func (db *DB) follow(ctx context.Context, conn *pgx.Conn) {
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenRetry)
		defer cancel()
		_ = conn.Close(closing) // nothing is lost with it
	}()
	for ctx.Err() == nil {
		waiting, cancel := context.WithTimeout(ctx, listenCheck)
		told, err := conn.WaitForNotification(waiting)
		silent := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			db.topics.wake([]Topic{Topic(told.Payload)})
		case !silent || conn.Ping(ctx) != nil:
			return
		}
	}
}
