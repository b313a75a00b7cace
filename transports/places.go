package transports

import (
	"net/netip"
	"sync"
)

// places are where queries wait for their answers. They are shared out by what is free:
// the fewer there are, the less one client may have, so that there is always some room for
// who holds none yet (dynamic thresholds; Choudhury and Hahne, 1998).
type places struct {
	all int

	mu       sync.Mutex // never on the path of a kept answer
	used     int
	clients  map[netip.Addr]int
	networks map[netip.Addr]int
}

const (
	// leastPlaces is what a client may have as long as there are any.
	leastPlaces = 8
	// sharedTimes is how many times as much an address may have that many homes are behind,
	// and likewise a network.
	sharedTimes = 4
	// provenShare of all places is for who came by a door on which no address is forged, so
	// that a flood over UDP from addresses of all kinds leaves some.
	provenShare = 8
)

func newPlaces(all int) places {
	return places{all: all, clients: make(map[netip.Addr]int), networks: make(map[netip.Addr]int)}
}

// take takes a place: a client may have half as many as are free, so a third of all; an
// address with many homes behind it, or a network, may have two thirds.
func (p *places) take(addr netip.Addr, shared, proven bool) bool {
	client, around := own(addr), around(addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.all - p.used
	if !proven {
		free -= p.all / provenShare
	}
	fair := max(free/2, leastPlaces)
	many := sharedTimes * fair
	if shared {
		fair = many
	}
	if free <= 0 || p.clients[client] >= fair || p.networks[around] >= many {
		return false
	}
	p.used++
	p.clients[client]++
	p.networks[around]++
	return true
}

func (p *places) leave(addr netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used--
	drop(p.clients, own(addr))
	drop(p.networks, around(addr))
}

func (p *places) taken() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.used)
}

// drop takes one off, and forgets who has none.
func drop(held map[netip.Addr]int, key netip.Addr) {
	if held[key]--; held[key] <= 0 {
		delete(held, key)
	}
}
