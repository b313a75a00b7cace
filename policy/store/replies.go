package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Why a call that was made before is not made again.
var (
	ErrReplyRunning = errors.New("the same call is being worked on")
	ErrReplyOther   = errors.New("another call has this key already")
)

// BeginReply notes that a call begins, until a time at which it counts as lost. Where it was made before it gives the reply
// that was kept; where it runs, or the key is another call's, one of the errors.
func (db *DB) BeginReply(ctx context.Context, key, body [32]byte, at, lost time.Time) ([]byte, error) {
	var reply []byte
	err := db.Tx(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM replies WHERE ends_at <= ?`, at.UnixMicro()); err != nil {
			return err
		}
		var kept []byte
		err := tx.QueryRowContext(ctx, `SELECT body, reply FROM replies WHERE key = ?`, key[:]).Scan(&kept, &reply)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			_, err = tx.ExecContext(ctx, `INSERT INTO replies (key, body, ends_at) VALUES (?, ?, ?)`, key[:], body[:], lost.UnixMicro())
			return err
		case err != nil:
			return err
		case [32]byte(kept) != body:
			return ErrReplyOther
		case reply == nil:
			return ErrReplyRunning
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("begin reply: %w", err)
	}
	return reply, nil
}

// KeepReply keeps a reply until a time; nil forgets that the call was made.
func (db *DB) KeepReply(ctx context.Context, key [32]byte, reply []byte, ends time.Time) error {
	err := db.Tx(ctx, func(tx *Tx) error {
		if reply == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM replies WHERE key = ?`, key[:])
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE replies SET reply = ?, ends_at = ? WHERE key = ?`, reply, ends.UnixMicro(), key[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("keep reply: %w", err)
	}
	return nil
}
