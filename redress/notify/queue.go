package notify

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
)

// Topic wakes the worker.
const Topic store.Topic = "notices"

// Queue writes a message into the outbox, in the transaction of the event that it tells of:
// both are there, or neither. It leaves as soon as the transaction is committed, after
// what was queued for the same recipient before. An error is a mistake in the message, or
// the database's.
func Queue(ctx context.Context, tx *store.Tx, message Message) error {
	return QueueFor(ctx, tx, message, time.Now())
}

// QueueFor is Queue for a message that is not sent before a time. Until then it holds up
// nothing that is queued for the same recipient, and [Withdraw] takes it back.
func QueueFor(ctx context.Context, tx *store.Tx, message Message, notBefore time.Time) error {
	message, data, err := message.ready()
	if err != nil {
		return fmt.Errorf("queue notice %q: %w", message.Kind, err)
	}
	for _, way := range message.To.channels() {
		_, err := tx.ExecContext(ctx, `INSERT INTO notices (key, channel, duty, address, kind, message, subject, body, html, leave, data, queued_at, due_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, channel) DO NOTHING`,
			message.Key, string(way), string(message.To.duty), message.To.address, message.Kind, strings.ToLower(rand.Text()),
			message.Subject, message.Body, message.HTML, message.Leave, data, time.Now().UnixMicro(), notBefore.UnixMicro())
		if err != nil {
			return fmt.Errorf("queue notice %q: %w", message.Kind, err)
		}
	}
	tx.Tell(Topic)
	return nil
}

// Withdraw takes back what waits under a key, which may then be queued anew. What has been
// sent, or is being sent, stays.
func Withdraw(ctx context.Context, tx *store.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE key = ? AND state = 'waiting'`, key); err != nil {
		return fmt.Errorf("withdraw notice: %w", err)
	}
	return nil
}
