package limits

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// dayOf counts days since 1970 in UTC.
func dayOf(at time.Time) int64 { return at.Unix() / int64(24*time.Hour/time.Second) }

// DayKey is the random key of the day of a time. With the first use of a day it is drawn, and the keys of other days, with the
// buckets that they made, are erased: nothing links yesterday's networks to today's.
func DayKey(ctx context.Context, tx *store.Tx, at time.Time) ([]byte, error) {
	var key []byte
	err := tx.QueryRowContext(ctx, `SELECT key FROM limit_days WHERE day = ?`, dayOf(at)).Scan(&key)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM limit_days`); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM limit_buckets WHERE day <> 0`); err != nil {
		return nil, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	_, err = tx.ExecContext(ctx, `INSERT INTO limit_days (day, key) VALUES (?, ?)`, dayOf(at), key)
	return key, err
}
