package limits

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Rate is how often something may be done: so many at once, and then one more each while.
type Rate struct {
	Burst uint32        `yaml:"burst"`
	Every time.Duration `yaml:"every"`
}

// Charge is one token from the bucket of something. The kind keeps apart what is written alike.
type Charge struct {
	Kind string
	Text string
	Rate Rate
	// Daily: the bucket's key is hashed with the key of the day, and starts anew at midnight.
	Daily bool
}

// Full says that a bucket is used up, and when to come back.
type Full struct {
	Kind string
	Wait time.Duration
}

func (f *Full) Error() string {
	return fmt.Sprintf("the limit of a %s is reached; the next in %s", f.Kind, f.Wait)
}

// maxRows bounds the table. A row has less than a hundred octets.
const maxRows = 200_000

// Buckets are token buckets in a database.
type Buckets struct {
	db   *store.DB
	most int
}

// New gives the buckets of a database.
func New(db *store.DB) *Buckets { return &Buckets{db: db, most: maxRows} }

// Take takes one token for each charge, or none at all where one bucket has none left: then the error is a *Full. A
// rate without a burst forbids nothing.
func (b *Buckets) Take(ctx context.Context, charges ...Charge) error {
	err := b.db.Tx(ctx, func(tx *store.Tx) error {
		at := time.Now()
		today, err := DayKey(ctx, tx, at)
		if err != nil {
			return err
		}
		for _, charge := range charges {
			if err := b.take(ctx, tx, charge, today, at); err != nil {
				return err
			}
		}
		return b.sweep(ctx, tx, at)
	})
	if err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	return nil
}

// take moves the time at which the bucket is full on by what one token takes. More than the burst may not be missing.
func (b *Buckets) take(ctx context.Context, tx *store.Tx, charge Charge, today []byte, at time.Time) error {
	if charge.Rate.Burst == 0 {
		return nil
	}
	key, day, err := keyOf(tx, charge, today, at)
	if err != nil {
		return err
	}
	var kept int64
	err = tx.QueryRowContext(ctx, `SELECT full_at FROM limit_buckets WHERE key = ?`, key).Scan(&kept)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	every := max(1, charge.Rate.Every.Microseconds())
	full := max(at.UnixMicro(), kept) + every
	if over := full - at.UnixMicro() - every*int64(charge.Rate.Burst); over > 0 {
		return &Full{Kind: charge.Kind, Wait: (time.Duration(over)*time.Microsecond + time.Second - 1).Truncate(time.Second)}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO limit_buckets (key, day, full_at) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET full_at = excluded.full_at`, key, day, full)
	return err
}

// sweep takes away what is full again, what yesterday's key made, and what there is no room for.
func (b *Buckets) sweep(ctx context.Context, tx *store.Tx, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM limit_buckets WHERE full_at <= ?`, at.UnixMicro()); err != nil {
		return err
	}
	var rows int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM limit_buckets`).Scan(&rows); err != nil || rows <= b.most {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM limit_buckets WHERE key IN (SELECT key FROM limit_buckets ORDER BY full_at LIMIT ?)`, rows-b.most/2)
	return err
}

// keyOf is what the bucket of a charge is found by, and the day that the key belongs to.
func keyOf(tx *store.Tx, charge Charge, today []byte, at time.Time) (key []byte, day int64, err error) {
	text := charge.Kind + "\x00" + charge.Text
	if charge.Daily {
		mac := hmac.New(sha256.New, today)
		mac.Write([]byte(text))
		return mac.Sum(nil)[:16], dayOf(at), nil
	}
	mark, err := tx.Mark("limits\x00" + text)
	if err != nil {
		return nil, 0, err
	}
	key, err = hex.DecodeString(mark)
	return key, 0, err
}
