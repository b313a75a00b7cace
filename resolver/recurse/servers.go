package recurse

import (
	"errors"
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
	firstTimeout   = 400 * time.Millisecond // of a server never heard of
	hurry          = 150 * time.Millisecond // before the next is asked, where several were silent
	minTimeout     = 300 * time.Millisecond
	maxTimeout     = 600 * time.Millisecond
	lateReplies    = time.Second     // how much longer a reply is still listened for
	lateStreams    = 2 * time.Second // the same over streams, which repeat what is lost after a second
	downAfter      = 3               // time-outs in a row
	lossyAfter     = 8               // the same, of a server heard of lately: rather loss than death
	lately         = time.Minute
	firstBackoff   = 2 * time.Second
	maxBackoff     = 5 * time.Minute
	learntFor      = 15 * time.Minute // how long what a server cannot do is believed
	lameFor        = 5 * time.Minute
	badFor         = 30 * time.Second // how long a server that failed for a zone comes after others
	suspectFor     = 30 * time.Second // how long one whose answer did not validate does
	familyFor      = time.Minute      // how long IPv4 or IPv6 is taken to be missing
	familyAfter    = 4                // strangers of one family that are silent in a row
	maxKnown       = 20_000
	maxTimeoutsRow = 16
)

// health remembers how each server does: smoothed round-trip time, time-outs,
// what it cannot do, and for which zones it is of no use. It is bounded; the
// servers asked longest ago are forgotten first.
type health struct {
	mu       sync.Mutex
	standing *simplelru.LRU[resolver.Server, standing]
	lame     *simplelru.LRU[lameness, time.Time]
	suspect  *simplelru.LRU[lameness, time.Time]
	families [2]family // IPv4, IPv6
}

// standing is what is known of one server. The zero value is a stranger.
type standing struct {
	smoothed, variance time.Duration // RFC 6298, section 2
	timeouts           int           // in a row
	heard              time.Time     // when it replied last
	down               time.Time     // until when it is left alone
	plain, flat, bare  time.Time     // until when it is asked without EDNS, in lower case, without a cookie
	client, cookie     string        // ours and the server's own (RFC 7873); "" where it sends none
}

// lameness is one server in its part for one zone.
type lameness struct {
	server netip.AddrPort
	zone   wire.Name
}

// family is how one of IPv4 and IPv6 does.
type family struct {
	silent  int       // strangers in a row
	missing time.Time // until when it comes after the other
}

func (h *health) family(server resolver.Server) *family {
	if server.Addr.Addr().Is6() {
		return &h.families[1]
	}
	return &h.families[0]
}

func newHealth() *health {
	// The only error of NewLRU is a size below one.
	servers, _ := simplelru.NewLRU[resolver.Server, standing](maxKnown, nil)
	lame, _ := simplelru.NewLRU[lameness, time.Time](maxKnown, nil)
	suspect, _ := simplelru.NewLRU[lameness, time.Time](maxKnown, nil)
	return &health{standing: servers, lame: lame, suspect: suspect}
}

// timeout is how long to wait for the server's next reply before another is asked.
func (h *health) timeout(server resolver.Server) time.Duration {
	known := h.known(server)
	wait := firstTimeout
	if known.smoothed > 0 {
		wait = max(minTimeout, known.smoothed+3*known.variance)
	}
	wait = min(maxTimeout, wait)
	switch {
	case server.Transport.Encrypted():
		return 3 * wait // two round trips may go to handshakes
	case server.Transport == resolver.OverTCP:
		return 2 * wait
	}
	return wait
}

// known is what is known of the server.
func (h *health) known(server resolver.Server) standing {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _ := h.standing.Get(server)
	return known
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
		known.timeouts, known.down, known.heard = 0, time.Time{}, time.Now()
		*h.family(server) = family{}
	})
}

// silent notes a time-out. A family whose strangers are all silent is taken to
// lead nowhere, since every one of them would cost the same wait (RFC 8305).
func (h *health) silent(server resolver.Server) {
	h.change(server, func(known *standing) {
		known.fail(known.timeouts + 1)
		if known.smoothed == 0 {
			h.family(server).miss()
		}
	})
}

// outdone notes that a server of the other family answered where strangers of this one
// were silent: it is the more likely that their family leads nowhere.
func (h *health) outdone(strangers []resolver.Server, by resolver.Server) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.IndexFunc(strangers, func(s resolver.Server) bool { return h.family(s) != h.family(by) }); i >= 0 {
		h.family(strangers[i]).miss()
	}
}

// miss counts a stranger that was silent.
func (f *family) miss() {
	if f.silent++; f.silent >= familyAfter {
		f.missing = time.Now().Add(familyFor)
	}
}

// unreachable notes that the network refused the query. It refuses at once and
// again, so that the server is left alone without three tries. News says that it was
// not failing before.
func (h *health) unreachable(server resolver.Server, err error) (news bool) {
	h.change(server, func(known *standing) {
		news = known.timeouts == 0
		known.heard = time.Time{} // it is the network that speaks now
		known.fail(max(known.timeouts+1, downAfter))
	})
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.family(server).missing = time.Now().Add(familyFor)
	}
	return news
}

// prefersIPv6 says that IPv4 leads nowhere and IPv6 does.
func (h *health) prefersIPv6() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	return now.Before(h.families[0].missing) && !now.Before(h.families[1].missing)
}

// fail backs off twice as long each time the server fails again (RFC 9520, section 3.2).
func (s *standing) fail(timeouts int) {
	s.timeouts = min(timeouts, maxTimeoutsRow)
	most := downAfter
	if s.heardLately(time.Now()) {
		most = lossyAfter
	}
	if s.timeouts >= most {
		s.down = time.Now().Add(min(maxBackoff, firstBackoff<<(s.timeouts-most)))
	}
}

func (s *standing) heardLately(now time.Time) bool { return now.Sub(s.heard) < lately }

// speaksPlain notes that the server knows no EDNS.
func (h *health) speaksPlain(server resolver.Server) {
	h.change(server, func(known *standing) { known.plain, known.cookie = time.Now().Add(learntFor), "" })
}

// flattens notes that the server does not keep the casing of the question.
func (h *health) flattens(server resolver.Server) {
	h.change(server, func(known *standing) { known.flat = time.Now().Add(learntFor) })
}

// cookieOf gives our cookie for the server, made once.
func (h *health) cookieOf(server resolver.Server, bake func(resolver.Server) string) string {
	if known := h.known(server); known.client != "" {
		return known.client
	}
	client := bake(server)
	h.change(server, func(known *standing) { known.client = client })
	return client
}

// refusesOptions notes that the server stumbles over a cookie.
func (h *health) refusesOptions(server resolver.Server) {
	h.change(server, func(known *standing) { known.bare, known.cookie = time.Now().Add(learntFor), "" })
}

// tasted notes the server's cookie, "" for none.
func (h *health) tasted(server resolver.Server, cookie string) {
	if h.known(server).cookie != cookie {
		h.change(server, func(known *standing) { known.cookie = cookie })
	}
}

func (h *health) change(server resolver.Server, edit func(*standing)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, _ := h.standing.Get(server)
	edit(&known)
	h.standing.Add(server, known)
}

// down says whether the server is being left alone.
func (h *health) down(server resolver.Server) bool {
	return time.Now().Before(h.known(server).down)
}

// heardLately says that the server is there, whatever it is silent about now.
func (h *health) heardLately(server resolver.Server) bool {
	known := h.known(server)
	return known.heardLately(time.Now())
}

// disowned notes that the server is of no use for the zone, for so long.
func (h *health) disowned(server resolver.Server, zone wire.Name, until time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lame.Add(lameness{server.Addr, zone}, time.Now().Add(until))
}

// doubted notes that something the server said of the zone did not validate.
func (h *health) doubted(told lameness) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.suspect.Add(told, time.Now().Add(suspectFor))
}

// isSuspect says whether the server's word on the zone is doubted.
func (h *health) isSuspect(server resolver.Server, zone wire.Name) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, _ := h.suspect.Get(lameness{server.Addr, zone})
	return time.Now().Before(until)
}
