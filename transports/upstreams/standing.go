package upstreams

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxKnown is how many addresses are remembered. Those asked longest ago are forgotten first.
const maxKnown = 20_000

// standings is what is known of the encryption of servers, by address.
type standings struct {
	persistence, damping time.Duration

	mu    sync.Mutex
	known *simplelru.LRU[netip.Addr, standing]
}

// standing is what is known of one address.
type standing struct {
	answered time.Time // when it answered over TLS last; zero where it never did, or failed since
	failed   time.Time // when it failed to; zero where it never did, or answered since
	probing  bool
}

// Ways of asking a server.
type way uint8

const (
	// inPlain: it is not to be tried, or being tried already.
	inPlain way = iota
	// withProbe: in plain, and it is time to try.
	withProbe
	// encrypted: it answered over TLS lately.
	encrypted
)

func newStandings(persistence, damping time.Duration) *standings {
	known, _ := simplelru.NewLRU[netip.Addr, standing](maxKnown, nil) // fails for no size above zero
	return &standings{persistence: persistence, damping: damping, known: known}
}

// way says how a server is asked now (RFC 9539, sections 4.6.1 and 4.6.2).
func (s *standings) way(addr netip.Addr, now time.Time) way {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, _ := s.known.Get(addr)
	switch {
	case !one.answered.IsZero() && now.Before(one.answered.Add(s.persistence)):
		return encrypted
	case one.probing, !one.failed.IsZero() && now.Before(one.failed.Add(s.damping)):
		return inPlain
	}
	return withProbe
}

// probe notes that a server is being tried; false where it is already.
func (s *standings) probe(addr netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, _ := s.known.Get(addr)
	if one.probing {
		return false
	}
	s.known.Add(addr, standing{probing: true})
	return true
}

// note keeps what came of asking over TLS.
func (s *standings) note(addr netip.Addr, answered bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answered {
		s.known.Add(addr, standing{answered: now})
	} else {
		s.known.Add(addr, standing{failed: now})
	}
}

// forget drops what is known, as where a try was cut off.
func (s *standings) forget(addr netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.Remove(addr)
}
