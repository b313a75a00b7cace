package audit

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	cases "github.com/recourse-dns/recourse/redress/store"
)

const (
	// MostOfNode bounds the events that a node tells at once.
	MostOfNode = 200
	// textsOfNode bounds what they say together, in octets, but for the last.
	textsOfNode = 512 << 10

	ofNode = "node/"
)

// NodeEvents are events of the log of a node without a desk, for the desk that it follows.
type NodeEvents struct {
	Node    string      `json:"node"`
	Log     string      `json:"log"`     // which: a node that was set up anew begins another
	After   int64       `json:"after"`   // the number up to which the desk knows it, as the node thinks
	Through int64       `json:"through"` // and that up to which it does with these
	Events  []NodeEvent `json:"events,omitempty"`
}

// NodeEvent is one of them.
type NodeEvent struct {
	Number  int64           `json:"number"` // in the node's log
	At      time.Time       `json:"at"`
	Subject string          `json:"subject"`
	Kind    string          `json:"kind"`
	Actor   string          `json:"actor"`
	Role    string          `json:"role"`
	Facts   json.RawMessage `json:"facts,omitempty"`
}

// OfNode says whether a subject is one of a node's log.
func OfNode(subject string) bool { return strings.HasPrefix(subject, ofNode) }

// errEnough ends the reading of a log.
var errEnough = errors.New("enough")

// ReadOfNode reads what a node has to tell after a number of its own log. What is of cases and orders is left
// out: a machine that was a desk once has them. Without events there is nothing to tell.
func ReadOfNode(ctx context.Context, from store.Querier, node string, after int64) (*NodeEvents, error) {
	first, err := cases.HashAt(ctx, from, 1)
	if err != nil {
		return nil, fmt.Errorf("read the log of this node: %w", err)
	}
	made, size := &NodeEvents{Node: node, Log: hex.EncodeToString(first[:8]), After: after, Through: after}, 0
	if first == (redress.Hash{}) && after == 0 {
		return made, nil
	}
	if last, err := cases.HashAt(ctx, from, max(1, after)); err != nil || last == (redress.Hash{}) {
		return nil, errors.Join(fmt.Errorf("the desk knows %d events of this node's log, and there are fewer: it was cut off, or is an old copy", after), err)
	}
	err = cases.Each(ctx, from, after, func(event *redress.Event, content []byte) error {
		if len(made.Events) == MostOfNode || size > textsOfNode {
			return errEnough
		}
		made.Through = event.Sequence
		if event.Subject != "" {
			size += len(content)
			made.Events = append(made.Events, NodeEvent{
				Number: event.Sequence, At: event.At, Subject: event.Subject, Kind: string(event.Kind),
				Actor: event.Actor.Name, Role: string(event.Actor.Role), Facts: event.Content.Facts,
			})
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("read the log of this node: %w", err)
	}
	return made, nil
}

// ErrNodeEvents says that something is not what a node tells.
var ErrNodeEvents = errors.New("not the events of a node")

// TakeOfNode appends what a node tells, under subjects that have its name, and gives the number up to which its
// log is known. What is known already is left out, so that each event comes in once; where some are missing
// before, none is taken, and the node begins from there.
func (l Log) TakeOfNode(ctx context.Context, told *NodeEvents) (known int64, err error) {
	events, err := told.read()
	if err != nil {
		return 0, err
	}
	queue := ofNode + told.Node + "/" + told.Log
	err = l.DB.Tx(ctx, func(tx *store.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT done FROM event_queues WHERE queue = ?`, queue).Scan(&known)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if told.Through <= known || told.After > known { // nothing new; or some between are missing, as after a restored backup
			return nil
		}
		var fresh []redress.Event
		for i := range events {
			if told.Events[i].Number > known {
				fresh = append(fresh, events[i])
			}
		}
		if len(fresh) > 0 {
			if err := cases.Append(ctx, tx, fresh...); err != nil {
				return err
			}
		}
		known = told.Through
		_, err = tx.ExecContext(ctx, `INSERT INTO event_queues (queue, done) VALUES (?, ?) ON CONFLICT (queue) DO UPDATE SET done = excluded.done`, queue, known)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("events of node %q: %w", told.Node, err)
	}
	return known, nil
}

func (n *NodeEvents) read() ([]redress.Event, error) {
	if octets, err := hex.DecodeString(n.Log); err != nil || len(octets) != 8 || len(n.Events) > MostOfNode || n.After < 0 || n.Through < n.After {
		return nil, ErrNodeEvents
	}
	made, last := make([]redress.Event, 0, len(n.Events)), int64(0)
	for i := range n.Events {
		one := &n.Events[i]
		if one.Number <= last || one.Number > n.Through || !said(one.Subject, redress.MaxSubject) || !said(one.Kind, 64) || !said(one.Actor, 256) || !said(one.Role, 32) {
			return nil, fmt.Errorf("%w: number %d", ErrNodeEvents, one.Number)
		}
		last = one.Number
		subject := ofNode + n.Node + "/" + one.Subject
		for len(subject) > redress.MaxSubject { // which no name of a list makes it
			_, size := utf8.DecodeLastRuneInString(subject)
			subject = subject[:len(subject)-size]
		}
		var facts any
		if len(one.Facts) > 0 {
			facts = one.Facts
		}
		event, err := redress.About(subject, redress.EventKind(one.Kind), redress.Actor{Name: one.Actor, Role: redress.ActorRole(one.Role)}, one.At, facts)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNodeEvents, err)
		}
		made = append(made, event)
	}
	return made, nil
}

// said holds a text of an event to being there, printable, and not too long.
func said(text string, most int) bool {
	return text != "" && len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
