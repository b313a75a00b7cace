package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Dead is a notice that did not arrive.
type Dead struct {
	ID       int64     `json:"id"`
	Channel  string    `json:"channel"`
	Kind     string    `json:"kind"`
	Key      string    `json:"key"`
	Attempts int       `json:"attempts"`
	Ended    time.Time `json:"ended"`
}

// ErrNoNotice says that no dead notice has the number.
var ErrNoNotice = errors.New("no such notice, or it does not wait for a person")

// lost is a dead notice whose content is still there.
const lost = `state = 'dead' AND subject || body || data <> ''`

// DeadLetters are the notices that did not arrive and can be sent again, the oldest first.
func DeadLetters(ctx context.Context, from store.Querier) ([]Dead, error) {
	found := []Dead{}
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			one   Dead
			ended int64
		)
		err := rows.Scan(&one.ID, &one.Channel, &one.Kind, &one.Key, &one.Attempts, &ended)
		one.Ended = time.UnixMicro(ended).UTC()
		found = append(found, one)
		return err
	}, `SELECT id, channel, kind, key, attempts, ended_at FROM notices WHERE `+lost+` ORDER BY id LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("read dead notices: %w", err)
	}
	return found, nil
}

// Retry puts a dead notice back into the outbox.
func Retry(ctx context.Context, tx *store.Tx, id int64, now time.Time) error {
	err := one(tx.ExecContext(ctx, `UPDATE notices SET state = 'waiting', ended_at = NULL, tried_at = NULL, attempts = 0, due_at = ? WHERE id = ? AND `+lost, now.UnixMicro(), id))
	if err == nil {
		err = tellDead(ctx, tx, now)
	}
	if err != nil {
		return fmt.Errorf("notice %d: %w", id, err)
	}
	tx.Tell(Topic)
	return nil
}

// Drop gives a dead notice up, and erases what was in it.
func Drop(ctx context.Context, tx *store.Tx, id int64, now time.Time) error {
	err := one(tx.ExecContext(ctx, `UPDATE notices SET address = '', subject = '', body = '', html = '', leave = '', data = '' WHERE id = ? AND `+lost, id))
	if err == nil {
		err = tellDead(ctx, tx, now)
	}
	if err != nil {
		return fmt.Errorf("notice %d: %w", id, err)
	}
	return nil
}

// one says that nothing was changed.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if changed, err := result.RowsAffected(); err != nil || changed == 0 {
		return errors.Join(ErrNoNotice, err)
	}
	return nil
}

// deadSource and deadKey are of the alarm that goes on while dead notices wait for a person.
const deadSource, deadKey = "notice", "dead"

// tellDead begins, goes on with or ends that alarm.
func tellDead(ctx context.Context, tx *store.Tx, now time.Time) error {
	var all, duties int
	if err := tx.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE duty <> '') FROM notices WHERE `+lost).Scan(&all, &duties); err != nil {
		return err
	}
	if all == 0 {
		return End(ctx, tx, deadSource, deadKey, now)
	}
	return Raise(ctx, tx, Alarm{
		Source: deadSource, Key: deadKey, Urgent: duties > 0,
		Subject: fmt.Sprintf("Messages that could not be delivered: %d", all),
		Body: fmt.Sprintf("%d messages were refused, or not taken for days; %d of them were for whoever is on call.\n", all, duties) +
			"See them with: recourse notices list\nSend one again or give it up with: recourse notices retry ID, recourse notices drop ID",
	}, now)
}
