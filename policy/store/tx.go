package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Tx is a transaction that may write. Both stores write through it; it ends with
// the function that it was given to.
type Tx struct {
	tx   *sql.Tx
	kind kind
	keys *keys
	told []Topic
}

// Tx runs do in a transaction that holds the write lock from its beginning. It
// commits when do returns nil, and has then been synced to the disk; it rolls back
// when do returns an error, which it passes on, or panics. Do must not call Tx again: there
// is one writer. Where the database cannot be used the error is [ErrUnavailable]; of a commit
// that nobody answered it is not known whether it was done.
//
// Do runs once. Only what comes before it, to connect and to wait for one's turn, is tried again.
func (db *DB) Tx(ctx context.Context, do func(*Tx) error) error {
	return db.checked(db.transact(ctx, do))
}

func (db *DB) transact(ctx context.Context, do func(*Tx) error) error {
	if err := db.ready(ctx); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	patient := db.patient(ctx)
	defer patient.close()
	tx, err := db.begin(patient)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", patient.said(err))
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing, and before one the first error counts
	patient.rest()
	shared := &Tx{tx: tx, kind: db.kind, keys: &db.keys}
	if err := do(shared); err != nil {
		return err
	}
	if err := shared.tell(ctx); err != nil {
		return err
	}
	patient.step()
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", patient.said(err))
	}
	db.topics.wake(shared.told)
	return nil
}

// begin takes the write lock. SQLite has one by itself; in PostgreSQL whoever writes waits for
// a lock of ours, so that the chain of events has one end to be continued.
func (db *DB) begin(ctx context.Context) (*sql.Tx, error) {
	tx, err := db.lock(ctx)
	if err != nil && db.kind == postgres && ctx.Err() == nil && Unavailable(err) {
		// The connection may be one of before the server was started anew.
		db.renew()
		tx, err = db.lock(ctx)
	}
	return tx, err
}

func (db *DB) lock(ctx context.Context) (*sql.Tx, error) {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil || db.kind != postgres {
		return tx, err
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, writeLock); err != nil {
		_ = tx.Rollback() // the first error counts
		return nil, err
	}
	return tx, nil
}

// ExecContext runs a statement that gives no rows.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, t.kind.statement(query), t.kind.arguments(args)...)
}

// QueryContext runs a statement that gives rows, which see what the transaction wrote.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, t.kind.statement(query), t.kind.arguments(args)...)
}

// QueryRowContext runs a statement that gives one row at the most.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.kind.statement(query), t.kind.arguments(args)...)
}

// View is a transaction that only reads: all its statements see one state.
type View struct {
	tx   *sql.Tx
	kind kind
	keys *keys
}

// View runs do in a transaction that reads beside the writer and never waits for it.
func (db *DB) View(ctx context.Context, do func(*View) error) error {
	return db.checked(db.view(ctx, do))
}

func (db *DB) view(ctx context.Context, do func(*View) error) error {
	if err := db.ready(ctx); err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	var options *sql.TxOptions // SQLite has one state a transaction in any case
	if db.kind == postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := db.reader.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return do(&View{tx: tx, kind: db.kind, keys: &db.keys})
}

// QueryContext runs a statement that gives rows.
func (v *View) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return v.tx.QueryContext(ctx, v.kind.statement(query), v.kind.arguments(args)...)
}

// QueryRowContext runs a statement that gives one row at the most.
func (v *View) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return v.tx.QueryRowContext(ctx, v.kind.statement(query), v.kind.arguments(args)...)
}

// QueryContext reads outside of any transaction.
func (db *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := db.ready(ctx); err != nil {
		return nil, err
	}
	rows, err := db.reader.QueryContext(ctx, db.kind.statement(query), db.kind.arguments(args)...)
	return rows, db.checked(err)
}

// QueryRowContext reads one row outside of any transaction.
func (db *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	_ = db.ready(ctx) // the row tells what cannot be done
	return db.reader.QueryRowContext(ctx, db.kind.statement(query), db.kind.arguments(args)...)
}
