package audit

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

// Interval is how often the head is signed and published.
const Interval = time.Hour

// Publisher signs the head of the log and publishes it.
type Publisher struct {
	db     *store.DB
	signer *Signer
	logger *slog.Logger
}

// NewPublisher makes a publisher, whose key must be in the database: see [Publisher.Begin].
func NewPublisher(db *store.DB, signer *Signer, logger *slog.Logger) *Publisher {
	return &Publisher{db: db, signer: signer, logger: logger}
}

// Head signs how the log stands now. It is not published, and proves as much to whoever
// keeps it: receipts hold such a head.
func (p *Publisher) Head(ctx context.Context) (redress.Head, error) {
	sequence, hash, err := cases.Last(ctx, p.db)
	if err != nil {
		return redress.Head{}, fmt.Errorf("head of the log: %w", err)
	}
	return p.signer.Head(sequence, hash, time.Now()), nil
}

// Begin publishes the key, if it is not the one that was published last.
func (p *Publisher) Begin(ctx context.Context) error {
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		last, known, err := lastKey(ctx, tx)
		if err != nil || known && last.Key.Equal(p.signer.Public()) {
			return err
		}
		if known {
			p.logger.Error("ALARM: the key of the audit log is another than the one that was published, which did not sign it: restore audit.key, or tell your auditors")
		}
		return publish(ctx, tx, nil, p.signer.Key(p.signer.Public(), time.Now()))
	})
	if err != nil {
		return fmt.Errorf("publish audit key: %w", err)
	}
	return nil
}

// Publish signs the head and appends it to those that are published.
func (p *Publisher) Publish(ctx context.Context) error {
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		sequence, hash, err := cases.Last(ctx, tx)
		if err != nil {
			return err
		}
		return publish(ctx, tx, sequence, p.signer.Head(sequence, hash, time.Now()))
	})
	if err != nil {
		return fmt.Errorf("publish head: %w", err)
	}
	return nil
}

// Run publishes a head an hour until the context ends. One that could not be written is
// tried again.
func (p *Publisher) Run(ctx context.Context) {
	wait := time.NewTimer(p.untilNext(ctx))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		next := Interval
		if err := p.Publish(ctx); err != nil && ctx.Err() == nil {
			p.logger.Error("the head of the log is not published", "error", err)
			next = time.Minute
		}
		wait.Reset(next)
	}
}

// untilNext is how long it is until an hour after the last head.
func (p *Publisher) untilNext(ctx context.Context) time.Duration {
	var line string
	err := p.db.QueryRowContext(ctx, `SELECT line FROM heads ORDER BY id DESC LIMIT 1`).Scan(&line)
	var last redress.Head
	if err != nil || json.Unmarshal([]byte(line), &last) != nil { // none yet, or a key
		return 0
	}
	return min(max(0, time.Until(last.At.Add(Interval))), Interval)
}

// Rotate makes a new key, has the old one sign it, and puts it into the file. A signer that
// runs goes on with the old one until it is started anew.
func (p *Publisher) Rotate(ctx context.Context, path string) error {
	aside := path + ".next"
	if err := os.Remove(aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("rotate audit key: %w", err)
	}
	next, err := makeKey(aside)
	if err != nil {
		return err
	}
	err = p.db.Tx(ctx, func(tx *store.Tx) error {
		return publish(ctx, tx, nil, p.signer.Key(next.Public().(ed25519.PublicKey), time.Now()))
	})
	if err == nil {
		err = os.Rename(aside, path)
	}
	if err != nil {
		return fmt.Errorf("rotate audit key: %w", err)
	}
	return nil
}

// Resume ends a rotation in the middle of which the machine stopped: what was published is in
// the file then.
func Resume(ctx context.Context, db *store.DB, path string) error {
	if _, err := os.Stat(path + ".next"); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	next, err := LoadKey(path + ".next")
	if err != nil {
		return err
	}
	last, known, err := lastKey(ctx, db)
	if err != nil {
		return fmt.Errorf("rotate audit key: %w", err)
	}
	if known && last.Key.Equal(next.Public()) {
		return os.Rename(path+".next", path)
	}
	return os.Remove(path + ".next")
}

// publish appends a line. The sequence is nil where it is a key.
func publish(ctx context.Context, tx *store.Tx, sequence any, line json.Marshaler) error {
	encoded, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO heads (id, sequence, line) SELECT coalesce(max(id), 0) + 1, CAST(? AS BIGINT), ? FROM heads`, sequence, string(encoded))
	return err
}

// lastKey is the key that was published last; those are few among the heads.
func lastKey(ctx context.Context, from store.Querier) (Key, bool, error) {
	var line string
	err := from.QueryRowContext(ctx, `SELECT line FROM heads WHERE sequence IS NULL ORDER BY id DESC LIMIT 1`).Scan(&line)
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, false, nil
	}
	var key Key
	if err == nil {
		err = json.Unmarshal([]byte(line), &key)
	}
	return key, err == nil, err
}

// Line is one published line with its number.
type Line struct {
	ID   int64
	JSON string
}

// Lines gives the lines after a number, the oldest first.
func Lines(ctx context.Context, from store.Querier, after int64, most int) ([]Line, error) {
	var lines []Line
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var line Line
		err := rows.Scan(&line.ID, &line.JSON)
		lines = append(lines, line)
		return err
	}, `SELECT id, line FROM heads WHERE id > ? ORDER BY id LIMIT ?`, after, most)
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	return lines, nil
}
