package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/resolver"
)

const (
	// Names is how many names a showing has, besides those of one address family.
	Names = 6
	// life is for how long a label is good.
	life = 15 * time.Minute
	// maxShowings bounds those that are good at a time.
	maxShowings = 8192
	// maxLookers bounds how many devices are remembered that looked one up.
	maxLookers = 4
)

// Labels of names that have addresses of one family alone.
const (
	Only4 = "check-4"
	Only6 = "check-6"
)

var letters = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// labelSize is the length of a showing's label: 130 random bits.
const labelSize = 26

// Probes are the showings whose labels are good.
type Probes struct {
	visitors household.Recognised
	key      [32]byte

	mu      sync.Mutex
	byLabel map[string]*showing
	order   []*showing // the oldest first
}

type showing struct {
	label   string
	until   time.Time
	seen    Seen
	names   uint32 // a bit a name
	lookers []looker
}

type looker struct {
	place   [sha256.Size]byte
	visitor household.Visitor
}

// Seen is what a showing has brought to light so far.
type Seen struct {
	Asked      int  // of the [Names]
	IPv4, IPv6 bool // over which families
	Plain      bool // some over plain DNS
	Encrypted  bool // some through an encrypted door
	// Reach4 and Reach6 are whether pictures were fetched over IPv4 and over IPv6.
	Reach4, Reach6 bool
}

// Verdict is what it comes to.
type Verdict uint8

// The verdicts.
const (
	Elsewhere Verdict = iota // nothing was looked up here
	Partly                   // some names were not
	Here
)

// Verdict is what it comes to.
func (s Seen) Verdict() Verdict {
	switch {
	case s.Asked == 0:
		return Elsewhere
	case s.Asked < Names:
		return Partly
	}
	return Here
}

// New has no showings yet.
func New(visitors household.Recognised) *Probes {
	p := &Probes{visitors: visitors, byLabel: make(map[string]*showing)}
	_, _ = rand.Read(p.key[:]) // never fails (crypto/rand)
	return p
}

// Make gives the label of a new showing; false where there is no room.
func (p *Probes) Make() (label string, made bool) {
	var random [17]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	now := time.Now()
	one := &showing{label: letters.EncodeToString(random[:])[:labelSize], until: now.Add(life)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	if len(p.order) >= maxShowings {
		return "", false
	}
	p.byLabel[one.label] = one
	p.order = append(p.order, one)
	return one.label, true
}

// expire forgets what is good no more. The caller holds mu.
func (p *Probes) expire(now time.Time) {
	gone := 0
	for gone < len(p.order) && !now.Before(p.order[gone].until) {
		delete(p.byLabel, p.order[gone].label)
		p.order[gone] = nil
		gone++
	}
	p.order = p.order[gone:]
}

// find gives a showing whose label is good. The caller holds mu.
func (p *Probes) find(label string) *showing {
	if len(label) != labelSize {
		return nil
	}
	one := p.byLabel[strings.ToLower(label)]
	if one == nil || !time.Now().Before(one.until) {
		return nil
	}
	return one
}

// look notes that a client looked a name up below a label; false where the label is none that is good.
func (p *Probes) look(name, label string, client resolver.Client) bool {
	visitor := p.visitors.Visitor(client) // before the lock: it may look at much
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.find(label)
	if one == nil {
		return false
	}
	if number, err := strconv.ParseUint(name, 10, 8); err == nil && number < Names {
		one.names |= 1 << number
		one.seen.Asked = bits.OnesCount32(one.names)
	}
	addr := client.Addr.Unmap()
	one.seen.IPv4, one.seen.IPv6 = one.seen.IPv4 || addr.Is4(), one.seen.IPv6 || addr.Is6()
	encrypted := client.Door > resolver.TCP
	one.seen.Encrypted, one.seen.Plain = one.seen.Encrypted || encrypted, one.seen.Plain || !encrypted
	known := looker{place: p.placeOf(addr), visitor: visitor}
	if visitor.Device != "" && len(one.lookers) < maxLookers && !slices.Contains(one.lookers, known) {
		one.lookers = append(one.lookers, known)
	}
	return true
}

// Fetched notes that a picture of a label was fetched from an address.
func (p *Probes) Fetched(label string, from netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.find(label)
	if one == nil {
		return false
	}
	from = from.Unmap()
	one.seen.Reach4, one.seen.Reach6 = one.seen.Reach4 || from.Is4(), one.seen.Reach6 || from.Is6()
	return true
}

// Seen is what a showing has brought to light; false where its label is not good.
func (p *Probes) Seen(label string) (Seen, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.find(label)
	if one == nil {
		return Seen{}, false
	}
	return one.seen, true
}

// Recognise is the device that looked a label up, from where the holder of the label comes; false where none did.
func (p *Probes) Recognise(label string, from netip.Addr) (household.Visitor, bool) {
	place := p.placeOf(from)
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.find(label)
	if one == nil {
		return household.Visitor{}, false
	}
	for i := range one.lookers {
		if hmac.Equal(one.lookers[i].place[:], place[:]) {
			return one.lookers[i].visitor, true
		}
	}
	return household.Visitor{}, false
}

// placeOf is what is kept of where a client is: its address, of IPv6 its network.
func (p *Probes) placeOf(addr netip.Addr) [sha256.Size]byte {
	addr = addr.Unmap().WithZone("")
	length := addr.BitLen()
	if addr.Is6() {
		length = 64
	}
	network, err := addr.Prefix(length)
	if err != nil {
		network = netip.Prefix{} // nobody's: no client has it
	}
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(network.String()))
	return [sha256.Size]byte(mac.Sum(nil))
}
