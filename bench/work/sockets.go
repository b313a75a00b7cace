package main

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"

	"github.com/recourse-dns/recourse/bench/authority"
)

// port is the one of all name servers; a resolver knows no other.
const port = 53

// counted is how many types have a count of their own; all others share the last.
const counted = 260

// internet serves whichever world it was given last, and counts what it is asked.
type internet struct {
	world  atomic.Pointer[world]
	counts [levels][counted]atomic.Int64
}

// listen opens all sockets; they stay open until the program ends.
func (n *internet) listen() error {
	for address, at := range addresses() {
		respond := func(_ netip.Addr, packet []byte, _ bool) [][]byte {
			if reply := n.respond(at, packet); reply != nil {
				return [][]byte{reply}
			}
			return nil
		}
		if _, err := authority.Listen(netip.AddrPortFrom(address, port), respond); err != nil {
			return err
		}
	}
	return nil
}

func (n *internet) respond(at level, query []byte) []byte {
	world := n.world.Load()
	if world == nil || len(query) < 12 {
		return nil
	}
	n.counts[at][min(typeOf(query), counted-1)].Add(1)
	return world.respond(at, query)
}

// typeOf reads the type of the first question; 0 where there is none.
func typeOf(query []byte) int {
	at := 12
	for at < len(query) && query[at] != 0 {
		at += 1 + int(query[at])
	}
	if at+3 > len(query) {
		return 0
	}
	return int(binary.BigEndian.Uint16(query[at+1:]))
}

// reset forgets the counts.
func (n *internet) reset() {
	for at := range n.counts {
		for kind := range n.counts[at] {
			n.counts[at][kind].Store(0)
		}
	}
}

// asked is the number of queries by level and type since the last reset.
func (n *internet) asked() (byLevel [levels]map[uint16]int64, total int64) {
	for at := range n.counts {
		byLevel[at] = map[uint16]int64{}
		for kind := range n.counts[at] {
			if count := n.counts[at][kind].Load(); count > 0 {
				byLevel[at][uint16(kind)] = count
				total += count
			}
		}
	}
	return byLevel, total
}
