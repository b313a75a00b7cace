package passing

import (
	"context"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

const (
	// maxTickets bounds those that something is kept of at a time.
	maxTickets = 8192
	// maxLookers bounds how many clients are remembered that looked one up: a device may
	// ask two resolvers, over two families.
	maxLookers = 4
)

// Tell carries a look to the nodes that a form could come to. An error says that it came to none.
type Tell func(context.Context, Look) error

// Tickets are those that are good.
type Tickets struct {
	current func() *policy.Snapshot
	keys    keys
	tell    Tell

	mu    sync.Mutex
	byID  map[ticketID]*kept
	order []*kept // in the order in which something came to be kept of them
}

// kept is what is remembered of a ticket: who looked it up, or that it was used.
type kept struct {
	ticket
	spent   bool
	lookers []looker
}

// NewTickets has none yet. Nodes with the same root know one another's; tell is nil where there
// are no others.
func NewTickets(current func() *policy.Snapshot, root Root, tell Tell) *Tickets {
	if tell == nil {
		tell = func(context.Context, Look) error { return nil }
	}
	return &Tickets{current: current, keys: newKeys(root), tell: tell, byID: make(map[ticketID]*kept)}
}

// Make makes a ticket for a match, and gives its label; false where the match has none to give.
func (t *Tickets) Make(match *policy.Match) (label string, made bool) {
	if _, offered := t.current().PassEntry(match); !offered {
		return "", false
	}
	return t.keys.make(match.Code, time.Now()), true
}

// keep gives what is remembered of a ticket, from now on; nil where there is no room. The
// caller holds mu.
func (t *Tickets) keep(one ticket, now time.Time) *kept {
	if known := t.byID[one.id]; known != nil {
		return known
	}
	t.expire(now)
	if len(t.order) >= maxTickets {
		return nil
	}
	made := &kept{ticket: one}
	t.byID[one.id] = made
	t.order = append(t.order, made)
	return made
}

// expire forgets what is good no more. The caller holds mu.
func (t *Tickets) expire(now time.Time) {
	gone := 0
	for gone < len(t.order) && !now.Before(t.order[gone].made.Add(Life)) {
		delete(t.byID, t.order[gone].id)
		t.order[gone] = nil
		gone++
	}
	t.order = t.order[gone:]
}

// Knows says whether a label is of a ticket that is good.
func (t *Tickets) Knows(label string) bool {
	now := time.Now()
	one, good := t.keys.open(label, now)
	if !good {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.byID[one.id]
	return known == nil || !known.spent
}

// look notes that a client looked a ticket up, and tells others, before who looked it up can
// send the form anywhere.
func (t *Tickets) look(ctx context.Context, label string, one ticket, client resolver.Client) error {
	now := time.Now()
	seen, is := t.see(one, client, now)
	if !is || t.knows(one, &seen) {
		return nil
	}
	if err := t.tell(ctx, t.keys.look(label, one.id, &seen)); err != nil {
		return err // so that it is told when it is looked up again
	}
	t.note(one, &seen, now)
	return nil
}

// spend uses a ticket up that nobody gets again, and gives who looked it up; false where
// it was used before. Where there is no room to remember that it was used, it counts as used.
func (t *Tickets) spend(one ticket, now time.Time) (lookers []looker, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.keep(one, now)
	if known == nil || known.spent {
		return nil, false
	}
	lookers, known.lookers, known.spent = known.lookers, nil, true
	return lookers, true
}
