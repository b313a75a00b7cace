package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Notice is a message on one way to one recipient, as it is sent.
type Notice struct {
	ID       int64
	Address  string // a mailbox, or the address of a webhook
	Kind     string
	Message  string // what identifies it over all attempts
	Subject  string
	Body     string
	HTML     string // empty for text alone
	Leave    string
	Data     json.RawMessage
	Queued   time.Time
	Attempts int // before this one

	tried time.Time // the first attempt; zero before it
	due   time.Time
	lane  lane
}

// lane is one way to one recipient: what is in it leaves in order.
type lane struct {
	channel channel
	duty    duty
	address string
}

// outbox is the table of notices.
type outbox struct{ db *store.DB }

// lanes gives those in which something is due, and nothing that was tried before waits.
func (o outbox) lanes(ctx context.Context, now time.Time) ([]lane, error) {
	var found []lane
	err := store.Each(ctx, o.db, func(rows *sql.Rows) error {
		var one lane
		err := rows.Scan(&one.channel, &one.duty, &one.address)
		found = append(found, one)
		return err
	}, `SELECT channel, duty, address FROM (SELECT DISTINCT channel, duty, address FROM notices WHERE state = 'waiting' AND due_at <= ?) AS lane
		WHERE NOT EXISTS (SELECT 1 FROM notices AS head WHERE head.state = 'waiting' AND head.channel = lane.channel
			AND head.duty = lane.duty AND head.address = lane.address AND head.attempts > 0 AND head.due_at > ?)`,
		now.UnixMicro(), now.UnixMicro())
	return found, err
}

// next is the first notice of a lane, nil where none is due.
func (o outbox) next(ctx context.Context, of lane, now time.Time) (*Notice, error) {
	notice := &Notice{lane: of, Address: of.address}
	var (
		data        string
		queued, due int64
		tried       sql.NullInt64
	)
	err := o.db.QueryRowContext(ctx, `SELECT id, kind, message, subject, body, html, leave, data, queued_at, due_at, attempts, tried_at FROM notices
		WHERE state = 'waiting' AND channel = ? AND duty = ? AND address = ? AND (due_at <= ? OR attempts > 0) ORDER BY id LIMIT 1`,
		string(of.channel), string(of.duty), of.address, now.UnixMicro()).
		Scan(&notice.ID, &notice.Kind, &notice.Message, &notice.Subject, &notice.Body, &notice.HTML, &notice.Leave, &data, &queued, &due, &notice.Attempts, &tried)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing is due, as mostly
	}
	if err != nil {
		return nil, fmt.Errorf("read notice: %w", err)
	}
	notice.Queued, notice.due = time.UnixMicro(queued).UTC(), time.UnixMicro(due)
	content := letter{Address: of.address, Body: notice.Body, HTML: notice.HTML, Leave: notice.Leave, Data: json.RawMessage(data)}
	if err := content.unseal(o.db, notice.Message); errors.Is(err, ErrUnreadable) {
		return nil, errors.Join(fmt.Errorf("notice %d: %w", notice.ID, err), o.finish(ctx, notice, dead, now))
	} else if err != nil {
		return nil, fmt.Errorf("read notice: %w", err)
	}
	notice.Address, notice.Body, notice.HTML, notice.Leave, notice.Data = content.Address, content.Body, content.HTML, content.Leave, content.Data
	if tried.Valid {
		notice.tried = time.UnixMicro(tried.Int64)
	}
	if notice.due.After(now) {
		return nil, nil //nolint:nilnil // it was tried, and what is behind it waits with it
	}
	return notice, nil
}

// nextDue is when something becomes due after now; zero for never.
func (o outbox) nextDue(ctx context.Context, now time.Time) (time.Time, error) {
	var notice, alarm sql.NullInt64
	err := o.db.QueryRowContext(ctx, `SELECT (SELECT min(due_at) FROM notices WHERE state = 'waiting' AND due_at > ?), (SELECT min(tell_at) FROM alarms WHERE tell_at IS NOT NULL)`,
		now.UnixMicro()).Scan(&notice, &alarm)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the next notice is due: %w", err)
	}
	var first time.Time
	for _, one := range []sql.NullInt64{notice, alarm} {
		if at := time.UnixMicro(one.Int64); one.Valid && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first, nil
}

// ended is how a notice ended.
type ended string

const (
	sent   ended = "sent"
	dead   ended = "dead"
	nobody ended = "nobody" // the configuration names nobody for the duty
)

// finish ends a notice. What is personal in it goes at once, unless a person has yet to see
// why it did not arrive.
func (o outbox) finish(ctx context.Context, notice *Notice, how ended, now time.Time) error {
	return o.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE notices SET state = ?, ended_at = ?, attempts = attempts + 1, tried_at = coalesce(tried_at, ?) WHERE id = ? AND state = 'waiting'`,
			string(how), now.UnixMicro(), now.UnixMicro(), notice.ID)
		if err != nil {
			return err
		}
		if how == dead {
			return tellDead(ctx, tx, now)
		}
		return erase(ctx, tx, `id = ?`, notice.ID)
	})
}

// postpone notes an attempt that failed.
func (o outbox) postpone(ctx context.Context, notice *Notice, until, now time.Time) error {
	return o.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE notices SET due_at = ?, attempts = attempts + 1, tried_at = coalesce(tried_at, ?) WHERE id = ? AND state = 'waiting'`,
			until.UnixMicro(), now.UnixMicro(), notice.ID)
		return err
	})
}

// erase takes what is personal out of ended notices.
func erase(ctx context.Context, tx *store.Tx, where string, args ...any) error {
	_, err := tx.ExecContext(ctx, `UPDATE notices SET address = '', subject = '', body = '', html = '', leave = '', data = '' WHERE state <> 'waiting' AND `+where, args...)
	return err
}

// How long ended notices stay: dead ones with what was in them, all with their key, so that
// what queues them may be repeated.
const (
	deadKept = 30 * 24 * time.Hour
	keyKept  = 90 * 24 * time.Hour
)

// purge erases what has been kept long enough.
func (o outbox) purge(ctx context.Context, now time.Time) error {
	return o.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE ended_at < ?`, now.Add(-keyKept).UnixMicro()); err != nil {
			return err
		}
		if err := erase(ctx, tx, `ended_at < ?`, now.Add(-deadKept).UnixMicro()); err != nil {
			return err
		}
		return tellDead(ctx, tx, now)
	})
}
