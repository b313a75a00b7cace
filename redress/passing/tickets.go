package passing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/resolver"
)

const (
	// Life is for how long a ticket is good.
	Life = 2 * time.Minute
	// maxTickets bounds those that are good at a time.
	maxTickets = 8192
	// maxLookers bounds how many clients are remembered that looked one up: a device may
	// ask two resolvers, over two families.
	maxLookers = 4
)

var letters = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// labelSize is the length of a ticket's label: 130 random bits.
const labelSize = 26

// Tickets are those that are good.
type Tickets struct {
	current func() *policy.Snapshot
	key     [32]byte // of what is kept of who looked one up

	mu     sync.Mutex
	byName map[string]*ticket
	order  []*ticket // the oldest first; those used before their time may be among them
}

// ticket is one showing of the page of one block.
type ticket struct {
	label   string
	entry   []byte // as passes know it
	code    policy.Code
	until   time.Time
	length  time.Duration
	lookers []looker
}

// looker is a client that looked the ticket up.
type looker struct {
	place   [sha256.Size]byte
	outcome Outcome // Granted where nothing is against a pass
	draft   pass.Pass
}

// NewTickets has none yet.
func NewTickets(current func() *policy.Snapshot) *Tickets {
	t := &Tickets{current: current, byName: make(map[string]*ticket)}
	_, _ = rand.Read(t.key[:]) // never fails (crypto/rand)
	return t
}

// Make makes a ticket for a match, and gives its label; false where the match has none to give, or
// there is no room.
func (t *Tickets) Make(match *policy.Match) (label string, made bool) {
	entry, offered := t.current().PassEntry(match)
	if !offered {
		return "", false
	}
	var random [17]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	now := time.Now()
	one := &ticket{
		label: letters.EncodeToString(random[:])[:labelSize], entry: entry, code: match.Code,
		until: now.Add(Life), length: min(match.Manifest.Pass, pass.Longest),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	if len(t.order) >= maxTickets {
		return "", false
	}
	t.byName[one.label] = one
	t.order = append(t.order, one)
	return one.label, true
}

// expire forgets what is good no more. The caller holds mu.
func (t *Tickets) expire(now time.Time) {
	gone := 0
	for gone < len(t.order) && !now.Before(t.order[gone].until) {
		delete(t.byName, t.order[gone].label)
		t.order[gone] = nil
		gone++
	}
	t.order = t.order[gone:]
}

// find gives a ticket that is good. The caller holds mu.
func (t *Tickets) find(label string, now time.Time) *ticket {
	if len(label) != labelSize {
		return nil
	}
	one := t.byName[strings.ToLower(label)]
	if one == nil || !now.Before(one.until) {
		return nil
	}
	return one
}

// Knows says whether a label is of a ticket that is good.
func (t *Tickets) Knows(label string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.find(label, time.Now()) != nil
}

// look notes that a client looked a ticket up; false where it is none that is good.
func (t *Tickets) look(label string, client resolver.Client) bool {
	now, snapshot := time.Now(), t.current()
	who, admitted := snapshot.Clients.Who(client, now)
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.find(label, now)
	if one == nil {
		return false
	}
	if !admitted || len(one.lookers) == maxLookers {
		return true
	}
	seen := looker{place: t.placeOf(client.Addr), outcome: Granted}
	switch {
	case who.Shared:
		seen.outcome = Shared
	case !policy.MayPass(who):
		seen.outcome = Forbidden
	default:
		var fits bool
		if seen.draft, fits = snapshot.Passes.Draft(pass.ClientOf(client), one.entry, now); !fits {
			return true
		}
	}
	if !slices.Contains(one.lookers, seen) {
		one.lookers = append(one.lookers, seen)
	}
	return true
}

// placeOf is what is kept of where a client is.
func (t *Tickets) placeOf(addr netip.Addr) [sha256.Size]byte {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		network = netip.Prefix{} // nobody's: it equals no client's
	}
	mac := hmac.New(sha256.New, t.key[:])
	mac.Write([]byte(network.String()))
	return [sha256.Size]byte(mac.Sum(nil))
}
