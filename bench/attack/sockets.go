package main

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/recourse-dns/recourse/bench/authority"
)

// port is the one of all name servers; a resolver knows no other.
const port = 53

// Where servers are. Those of the attacker may answer whatever they like; the
// silent ones take questions and connections and say nothing.
const (
	rootServer = "127.44.0.1"
	evilServer = "127.44.0.2"
	goodServer = "127.44.0.3"
	evilMore   = 400 // 127.44.16.1 and on, the attacker's too
	silentMore = 80  // 127.44.3.1 and on
)

func evilAddress(i int) string {
	const row = 250
	return fmt.Sprintf("127.44.%d.%d", 16+i%evilMore/row, 1+i%evilMore%row)
}

func silentAddress(i int) string { return fmt.Sprintf("127.44.3.%d", 1+i%silentMore) }

// internet serves the attack that it was given last, and counts what it is asked.
type internet struct {
	current atomic.Pointer[world]
	asked   atomic.Int64
}

// listen opens all sockets; they stay open until the program ends.
func (n *internet) listen() error {
	addresses := []string{rootServer, evilServer, goodServer}
	for i := range evilMore {
		addresses = append(addresses, evilAddress(i))
	}
	for i := range silentMore {
		addresses = append(addresses, silentAddress(i))
	}
	for _, address := range addresses {
		if _, err := authority.Listen(netip.AddrPortFrom(netip.MustParseAddr(address), port), n.respond); err != nil {
			return err
		}
	}
	return nil
}

// respond gives the packets that an address sends in reply to one.
func (n *internet) respond(at netip.Addr, packet []byte, stream bool) [][]byte {
	n.asked.Add(1)
	if world := n.current.Load(); world != nil {
		return world.respond(at.String(), packet, stream)
	}
	return nil
}
