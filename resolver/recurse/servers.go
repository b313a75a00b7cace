package recurse

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// How servers are waited for and remembered.
const (
	firstTimeout   = 600 * time.Millisecond // of a server never heard of
	minTimeout     = 300 * time.Millisecond
	maxTimeout     = 1500 * time.Millisecond
	downAfter      = 3 // time-outs in a row
	firstBackoff   = 2 * time.Second
	maxBackoff     = 5 * time.Minute
	plainFor       = 15 * time.Minute // how long a server is taken to know no EDNS
	lameFor        = 5 * time.Minute
	familyFor      = time.Minute // how long IPv4 or IPv6 is taken to be missing
	band           = 30 * time.Millisecond
	exploreOneIn   = 16
	maxKnown       = 20_000
	maxTimeoutsRow = 16
)

// health remembers how each server does: smoothed round-trip time, time-outs,
// EDNS, and which zones it turned out not to serve. It is bounded; the servers
// asked longest ago are forgotten first.
type health struct {
	mu       sync.Mutex
	standing *simplelru.LRU[resolver.Server, standing]
	lame     *simplelru.LRU[lameness, time.Time]
	missing  map[bool]time.Time // by "is IPv6": until when the family is not tried
}

// standing is what is known of one server. The zero value is a stranger.
type standing struct {
	smoothed, variance time.Duration // RFC 6298, section 2
	timeouts           int           // in a row
	down, plain        time.Time     // until when
}

type lameness struct {
	server netip.AddrPort
	zone   wire.Name
}

func newHealth() *health {
	// The only error of NewLRU is a size below one.
	servers, _ := simplelru.NewLRU[resolver.Server, standing](maxKnown, nil)
	lame, _ := simplelru.NewLRU[lameness, time.Time](maxKnown, nil)
	return &health{standing: servers, lame: lame, missing: make(map[bool]time.Time, 2)}
}

// timeout is how long to wait for the server's next reply.
func (h *health) timeout(server resolver.Server) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _ := h.standing.Get(server)
	wait := firstTimeout
	if known.smoothed > 0 {
		wait = max(minTimeout, known.smoothed+4*known.variance)
	}
	wait = min(maxTimeout, wait<<min(known.timeouts, downAfter))
	if server.Transport == resolver.OverTCP {
		wait = min(2*maxTimeout, 2*wait) // a round trip goes to the handshake
	}
	return wait
}

// answered notes a reply, whatever it said.
func (h *health) answered(server resolver.Server, took time.Duration) {
	h.change(server, func(known *standing) {
		took = max(took, time.Microsecond) // zero means never measured
		if known.smoothed == 0 {
			known.smoothed, known.variance = took, took/2
		} else {
			known.variance = (3*known.variance + (known.smoothed - took).Abs()) / 4
			known.smoothed = (7*known.smoothed + took) / 8
		}
		known.timeouts, known.down = 0, time.Time{}
	})
}

// silent notes a time-out.
func (h *health) silent(server resolver.Server) {
	h.change(server, func(known *standing) { known.fail(known.timeouts + 1) })
}

// unreachable notes that the network refused the query. It refuses at once and
// again, so that the server is left alone without three tries.
func (h *health) unreachable(server resolver.Server, err error) {
	h.change(server, func(known *standing) { known.fail(max(known.timeouts+1, downAfter)) })
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.missing[server.Addr.Addr().Is6()] = time.Now().Add(familyFor)
	}
}

// fail backs off twice as long each time the server fails again (RFC 9520, section 3.2).
func (s *standing) fail(timeouts int) {
	s.timeouts = min(timeouts, maxTimeoutsRow)
	if s.timeouts >= downAfter {
		s.down = time.Now().Add(min(maxBackoff, firstBackoff<<(s.timeouts-downAfter)))
	}
}

func (h *health) speaksPlain(server resolver.Server) {
	h.change(server, func(known *standing) { known.plain = time.Now().Add(plainFor) })
}

func (h *health) change(server resolver.Server, edit func(*standing)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _ := h.standing.Get(server)
	edit(&known)
	h.standing.Add(server, known)
}

// plain says whether the server is to be asked without EDNS.
func (h *health) plain(server resolver.Server) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _ := h.standing.Get(server)
	return time.Now().Before(known.plain)
}

// down says whether the server is being left alone.
func (h *health) down(server resolver.Server) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _ := h.standing.Get(server)
	return time.Now().Before(known.down)
}

// disowned notes that the server does not serve the zone.
func (h *health) disowned(server resolver.Server, zone wire.Name) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lame.Add(lameness{server.Addr, zone}, time.Now().Add(lameFor))
}

// choice is one server with what speaks for it.
type choice struct {
	server resolver.Server
	cost   time.Duration
	late   bool // down, lame or out of reach: after all others
}

// order puts the servers as they are to be asked, each once: first one of the
// quickest, at random; then the others by their time; last those in trouble.
func (h *health) order(servers []resolver.Server, zone wire.Name) []resolver.Server {
	choices := h.choices(servers, zone)
	slices.SortFunc(choices, func(a, b choice) int {
		if a.late != b.late {
			if a.late {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.cost, b.cost)
	})
	usable := slices.IndexFunc(choices, func(c choice) bool { return c.late })
	if usable < 0 {
		usable = len(choices)
	}
	if usable > 1 {
		first := pick(choices[:usable])
		chosen := choices[first]
		copy(choices[1:first+1], choices[:first])
		choices[0] = chosen
	}
	ordered := make([]resolver.Server, len(choices))
	for i, c := range choices {
		ordered[i] = c.server
	}
	return ordered
}

// pick takes one of those that are about as quick as the best, so that a forger
// cannot tell which will be asked; and now and then any, to learn of a change.
func pick(sorted []choice) int {
	if rand.IntN(exploreOneIn) == 0 {
		return rand.IntN(len(sorted))
	}
	close := 1
	for close < len(sorted) && sorted[close].cost <= sorted[0].cost+band {
		close++
	}
	return rand.IntN(close)
}

func (h *health) choices(servers []resolver.Server, zone wire.Name) []choice {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	choices := make([]choice, 0, len(servers))
	for _, server := range servers {
		if slices.ContainsFunc(choices, func(c choice) bool { return c.server == server }) {
			continue
		}
		known, _ := h.standing.Get(server)
		lame, _ := h.lame.Get(lameness{server.Addr, zone})
		late := now.Before(known.down) || now.Before(lame) || now.Before(h.missing[server.Addr.Addr().Is6()])
		cost := known.smoothed
		if cost == 0 { // a stranger gets its chance soon
			cost = rand.N(2 * band)
		}
		choices = append(choices, choice{server, cost + cost*time.Duration(known.timeouts), late})
	}
	return choices
}
