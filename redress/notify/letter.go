package notify

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/policy/store"
)

// letter is what of a notice is a person's own affair: to whom it goes and what it says. It is
// sealed in the column of the body; the column of the address has a mark, by which what goes to
// the same recipient is known.
type letter struct {
	Address string          `json:"address,omitempty"`
	Body    string          `json:"body,omitempty"`
	HTML    string          `json:"html,omitempty"`
	Leave   string          `json:"leave,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// sealedWith begins a body that is sealed; the name of the key and the octets follow. A body of
// before has neither, and is read as it is.
const sealedWith = "sealed:"

// ErrUnreadable says that a notice was sealed with a key that is gone, or was changed.
var ErrUnreadable = errors.New("the notice cannot be unsealed")

func (l *letter) seal(tx *store.Tx, message string) (mark, body string, err error) {
	text, err := json.Marshal(l)
	if err != nil {
		return "", "", err
	}
	octets, key, err := tx.Seal(text, "notices/"+message)
	if err == nil && l.Address != "" {
		mark, err = tx.Mark(l.Address)
	}
	return mark, sealedWith + key + ":" + base64.RawStdEncoding.EncodeToString(octets), err
}

// unseal reads a body that was sealed; others stay as they are.
func (l *letter) unseal(from store.Querier, message string) error {
	found, is := strings.CutPrefix(l.Body, sealedWith)
	if !is {
		return nil
	}
	key, encoded, _ := strings.Cut(found, ":")
	octets, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return ErrUnreadable
	}
	text, err := from.Unseal(octets, "notices/"+message, key)
	if errors.Is(err, sealed.ErrNoKey) || errors.Is(err, sealed.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if err != nil {
		return err
	}
	*l = letter{}
	return json.Unmarshal(text, l)
}

// Queued is a notice of the outbox as it was written, with what has not been erased of it.
type Queued struct {
	Key     string
	Channel string
	Duty    string
	Kind    string
	Subject string
	State   string
	Due     time.Time
	Address string
	Body    string
	HTML    string
	Leave   string
	Data    json.RawMessage
}

// Outbox gives all notices that there are, in the order in which they were queued.
func Outbox(ctx context.Context, from store.Querier) ([]Queued, error) {
	var found []Queued
	err := store.Each(ctx, from, func(rows *sql.Rows) error {
		var (
			one           Queued
			content       letter
			message, data string
			due           int64
		)
		err := rows.Scan(&one.Key, &one.Channel, &one.Duty, &one.Kind, &one.Subject, &one.State, &due, &message, &content.Address, &content.Body, &content.HTML, &content.Leave, &data)
		if err != nil {
			return err
		}
		content.Data, one.Due = json.RawMessage(data), time.UnixMicro(due).UTC()
		if err := content.unseal(from, message); err != nil {
			return err
		}
		one.Address, one.Body, one.HTML, one.Leave, one.Data = content.Address, content.Body, content.HTML, content.Leave, content.Data
		found = append(found, one)
		return nil
	}, `SELECT key, channel, duty, kind, subject, state, due_at, message, address, body, html, leave, data FROM notices ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return found, nil
}
