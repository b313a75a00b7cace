package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	policystore "github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// ErrChain says that the log of events is not what was appended.
var ErrChain = errors.New("the chain of events is broken")

// Append adds events to the log, in the transaction of what they tell of.
func Append(ctx context.Context, tx *policystore.Tx, events ...redress.Event) error {
	_, err := appendEvents(ctx, tx, events)
	return err
}

// OrderEvents gives the events of an order, the oldest first.
func OrderEvents(ctx context.Context, from policystore.Querier, order int64) ([]redress.Event, error) {
	var events []redress.Event
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		event, _, err := scanEvent(rows)
		events = append(events, event)
		return err
	}, `SELECT `+eventColumns+` FROM events WHERE order_id = ? ORDER BY sequence`, order)
	return events, err
}

// Each gives the events after a sequence, the oldest first, each with its content as it is
// stored, which is valid until do returns. The first error ends it.
func Each(ctx context.Context, from policystore.Querier, after int64, do func(event *redress.Event, content []byte) error) error {
	return policystore.Each(ctx, from, func(rows *sql.Rows) error {
		event, content, err := scanEvent(rows)
		if err != nil {
			return err
		}
		return do(&event, content)
	}, `SELECT `+eventColumns+` FROM events WHERE sequence > ? ORDER BY sequence`, after)
}

// EachHashed is Each for who looks at hashes and not at what events say: their Content is not read.
func EachHashed(ctx context.Context, from policystore.Querier, after int64, do func(event *redress.Event, content []byte) error) error {
	var read hashedReader
	return policystore.Each(ctx, from, func(rows *sql.Rows) error {
		if err := read.scan(rows); err != nil {
			return err
		}
		return do(&read.event, read.content)
	}, `SELECT sequence, COALESCE(case_id, ''), COALESCE(order_id, 0), subject, at, kind, actor, role, content, previous, hash FROM events WHERE sequence > ? ORDER BY sequence`, after)
}

// hashedReader reads rows into one event.
type hashedReader struct {
	event                                             redress.Event
	one, subject, kind, actor, role, content, p, hash sql.RawBytes
}

func (h *hashedReader) scan(rows *sql.Rows) error {
	var at int64
	event := &h.event
	err := rows.Scan(&event.Sequence, &h.one, &event.Order, &h.subject, &at, &h.kind, &h.actor, &h.role, &h.content, &h.p, &h.hash)
	if err != nil {
		return err
	}
	event.Case, event.Subject, event.Kind = redress.CaseID(h.one), string(h.subject), redress.EventKind(h.kind)
	event.Actor, event.At = redress.Actor{Name: string(h.actor), Role: redress.ActorRole(h.role)}, time.UnixMicro(at).UTC()
	event.Previous, event.Hash = redress.Hash{}, redress.Hash{}
	copy(event.Previous[:], h.p)
	copy(event.Hash[:], h.hash)
	return nil
}

// HashAt gives the hash of an event; zero where there is none.
func HashAt(ctx context.Context, from policystore.Querier, sequence int64) (redress.Hash, error) {
	var octets []byte
	err := from.QueryRowContext(ctx, `SELECT hash FROM events WHERE sequence = ?`, sequence).Scan(&octets)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return redress.Hash{}, err
	}
	var hash redress.Hash
	copy(hash[:], octets)
	return hash, nil
}

// CaseEvents gives the events of a case before a sequence, the oldest first.
func CaseEvents(ctx context.Context, from policystore.Querier, id redress.CaseID, before int64) ([]redress.Event, error) {
	var events []redress.Event
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		event, _, err := scanEvent(rows)
		events = append(events, event)
		return err
	}, `SELECT `+eventColumns+` FROM events WHERE case_id = ? AND sequence < ? ORDER BY sequence`, string(id), before)
	return events, err
}

// Last gives sequence and hash of the newest event; zero where there is none.
func Last(ctx context.Context, from policystore.Querier) (sequence int64, hash redress.Hash, err error) {
	var octets []byte
	err = from.QueryRowContext(ctx, `SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1`).Scan(&sequence, &octets)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, redress.Hash{}, nil
	}
	copy(hash[:], octets)
	return sequence, hash, err
}

// appendEvents adds to the log and gives the last sequence.
func appendEvents(ctx context.Context, tx *policystore.Tx, events []redress.Event) (int64, error) {
	var (
		sequence int64
		previous = make([]byte, len(redress.Hash{}))
	)
	err := tx.QueryRowContext(ctx, `SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1`).Scan(&sequence, &previous)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("append event: %w", err)
	}
	for i := range events {
		event := &events[i]
		sequence++
		event.Sequence = sequence
		copy(event.Previous[:], previous)
		if err := insertEvent(ctx, tx, event); err != nil {
			return 0, fmt.Errorf("append event: %w", err)
		}
		previous = event.Hash[:]
	}
	return sequence, nil
}

func insertEvent(ctx context.Context, tx *policystore.Tx, event *redress.Event) error {
	content, err := event.Content.Encode()
	if err != nil {
		return err
	}
	for _, text := range []string{string(event.Case), string(event.Kind), event.Actor.Name, string(event.Actor.Role)} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("%q cannot be kept as it is", text) // and the hash would be of something else
		}
	}
	event.Hash = redress.ChainHash(event, content)
	var one, order any // null where it is not of one
	if event.Case != "" {
		one = string(event.Case)
	}
	if event.Order != 0 {
		order = event.Order
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO events (sequence, case_id, order_id, subject, at, kind, actor, role, content, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		event.Sequence, one, order, event.Subject, event.At.UnixMicro(), string(event.Kind), event.Actor.Name, string(event.Actor.Role), string(content), event.Previous[:], event.Hash[:])
	return err
}

const eventColumns = `sequence, case_id, order_id, subject, at, kind, actor, role, content, previous, hash`

func eventsOf(ctx context.Context, from policystore.Querier, id redress.CaseID) ([]redress.Event, error) {
	var events []redress.Event
	err := policystore.Each(ctx, from, func(rows *sql.Rows) error {
		event, _, err := scanEvent(rows)
		events = append(events, event)
		return err
	}, `SELECT `+eventColumns+` FROM events WHERE case_id = ? ORDER BY sequence`, string(id))
	return events, err
}

// scanEvent gives the event and its content as it is stored.
func scanEvent(rows *sql.Rows) (redress.Event, []byte, error) {
	var (
		event                   redress.Event
		one                     sql.NullString
		order                   sql.NullInt64
		at                      int64
		content, previous, hash []byte
	)
	err := rows.Scan(&event.Sequence, &one, &order, &event.Subject, &at, &event.Kind, &event.Actor.Name, &event.Actor.Role, &content, &previous, &hash)
	if err != nil {
		return event, nil, err
	}
	event.Case, event.Order = redress.CaseID(one.String), order.Int64
	event.At = time.UnixMicro(at).UTC()
	copy(event.Previous[:], previous)
	copy(event.Hash[:], hash)
	if err := json.Unmarshal(content, &event.Content); err != nil {
		return event, nil, fmt.Errorf("event %d: %w", event.Sequence, err)
	}
	return event, content, nil
}

// Verify recomputes the whole chain and the commitment of every text that is there.
// It gives the number of events and the hash of the last one, which an auditor keeps
// to see that no end was cut off; ErrChain says what is wrong.
func (s *Store) Verify(ctx context.Context) (count int64, head redress.Hash, err error) {
	err = s.db.View(ctx, func(view *policystore.View) error {
		count, head, err = verifyEvents(ctx, view)
		if err != nil {
			return err
		}
		return VerifyTexts(ctx, view)
	})
	if err != nil {
		return 0, redress.Hash{}, fmt.Errorf("verify events: %w", err)
	}
	return count, head, nil
}

func verifyEvents(ctx context.Context, from policystore.Querier) (count int64, head redress.Hash, err error) {
	err = EachHashed(ctx, from, 0, func(event *redress.Event, content []byte) error {
		count++
		switch {
		case event.Sequence != count:
			return fmt.Errorf("%w: event %d is missing", ErrChain, count)
		case event.Previous != head:
			return fmt.Errorf("%w: event %d does not follow event %d", ErrChain, count, count-1)
		case redress.ChainHash(event, content) != event.Hash:
			return fmt.Errorf("%w: event %d was changed", ErrChain, count)
		}
		head = event.Hash
		return nil
	})
	return count, head, err
}
