package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// Config is what the office obeys.
type Config struct {
	// Node is what this machine is called in receipts.
	Node string
	// AnswerTTL is for how long a client may keep an answer that it got before a name was
	// blocked, and BlockTTL for how long one that said so.
	AnswerTTL time.Duration
	BlockTTL  time.Duration
	// Operator is who runs this resolver, and Contact whom an authority calls.
	Operator string
	Contact  string
	// Mail is where authorities, by name, are told what became of their orders.
	Mail map[string]string
}

// Effect puts what the store holds of orders in force.
type Effect interface {
	// Apply derives what is ordered anew and returns when the next query sees it.
	Apply(ctx context.Context) (generation uint64, at time.Time, err error)
}

// Rules are the lists and safeguards in force, asked anew at every use.
type Rules interface {
	Catalog() *blocklists.Catalog
	Guard() *guard.Guard
}

// Office is where orders are submitted, changed and proved.
type Office struct {
	config Config
	db     *store.DB
	rules  Rules
	effect Effect
	logger *slog.Logger
	kicked chan struct{} // something has a date that Run does not know

	settling sync.Mutex // one Settle at a time, so that a change is put in force once
}

// New makes an office.
func New(config Config, db *store.DB, rules Rules, effect Effect, logger *slog.Logger) *Office {
	return &Office{config: config, db: db, rules: rules, effect: effect, logger: logger, kicked: make(chan struct{}, 1)}
}

// Sender is who sends an order, and what it may.
type Sender struct {
	redress.Actor
	// Person is who acts, where the actor is this machine; else the actor is.
	Person string
	// The rest is of authorities: whose orders, for which lists and where; empty lists are all
	// of the jurisdiction's. DailyMax bounds the names of a day; 0: no bound.
	Authority    string
	Lists        []blocklists.ListID
	Jurisdiction []string
	DailyMax     uint32
}

// Name is how the sender is written down.
func (s *Sender) Name() string {
	if s.Person != "" {
		return s.Person
	}
	return s.Actor.Name
}

func (s *Sender) isAuthority() bool { return s.Role == redress.Authority }

// may says whether the sender may look at and change an order.
func (s *Sender) may(order *blocklists.Order) bool {
	switch s.Role {
	case redress.Operator:
		return true
	case redress.Authority:
		return order.Authority.Name == s.Authority && s.forList(order.List)
	}
	return false
}

func (s *Sender) forList(list blocklists.ListID) bool {
	return len(s.Lists) == 0 || slices.Contains(s.Lists, list)
}

// The errors of the office beside [redress.Invalid].
var (
	ErrNoOrder   = errors.New("no such order")
	ErrOtherBody = errors.New("the list has another order of this reference")
)

// Forbidden says that the sender may not do this, and why.
type Forbidden struct{ Why string }

func (f *Forbidden) Error() string { return "forbidden: " + f.Why }

// Unlawful says that what was submitted is no order. It was recorded and blocks nothing.
type Unlawful struct {
	redress.Invalid
	Ref string
}

// TooMany says that a token's names of a day are used up, and until when.
type TooMany struct {
	Most  uint32
	Had   int
	Until time.Time
}

func (t *TooMany) Error() string {
	return fmt.Sprintf("%d names were sent today, and %d is the most", t.Had, t.Most)
}

// Conflict says that an order's state does not let something be done.
type Conflict struct{ Why string }

func (c *Conflict) Error() string { return c.Why }

// now is the time in whole milliseconds, as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// kick has Run look at the dates anew.
func (o *Office) kick() {
	select {
	case o.kicked <- struct{}{}:
	default:
	}
}

// find gives the order of a reference that the sender may see. The list tells apart those of
// several lists; empty where there is one.
func (o *Office) find(ctx context.Context, from store.Querier, sender *Sender, ref string, list blocklists.ListID) (*store.OrderRecord, error) {
	found, err := store.OrdersByRef(ctx, from, ref)
	if err != nil {
		return nil, err
	}
	if list != "" {
		found = slices.DeleteFunc(found, func(one *store.OrderRecord) bool { return one.Order.List != list })
	}
	if len(found) == 0 {
		return nil, ErrNoOrder
	}
	own := slices.DeleteFunc(found, func(one *store.OrderRecord) bool { return !sender.may(&one.Order) })
	switch len(own) {
	case 0:
		return nil, &Forbidden{Why: "the order is another authority's, or of a list that you send no orders of"}
	case 1:
		return own[0], nil
	}
	var lists []string
	for _, one := range own {
		lists = append(lists, string(one.Order.List))
	}
	return nil, &Conflict{Why: "several lists have an order of this reference: say which, as ?list=" + strings.Join(lists, " or ?list=")}
}
