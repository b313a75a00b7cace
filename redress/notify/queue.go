package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
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
		id := strings.ToLower(rand.Text())
		content := letter{Address: message.To.address, Body: message.Body, HTML: message.HTML, Leave: message.Leave, Data: json.RawMessage(data)}
		mark, body, err := content.seal(tx, id)
		if err != nil {
			return fmt.Errorf("queue notice %q: %w", message.Kind, err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO notices (key, channel, duty, address, kind, message, subject, body, queued_at, due_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, channel) DO NOTHING`,
			message.Key, string(way), string(message.To.duty), mark, message.Kind, id, message.Subject, body, time.Now().UnixMicro(), notBefore.UnixMicro())
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
