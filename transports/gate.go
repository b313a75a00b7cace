package transports

import (
	"net/netip"
	"sync"

	"github.com/recourse-dns/recourse/resolver"
)

// Limits bounds what strangers may hold of us at the same time. A field of 0 is its default.
type Limits struct {
	Waiting              int // queries that wait for their answers, of all doors
	Connections          int // open connections, of all doors
	ConnectionsPerClient int // of them from one address
}

// The defaults of [Limits].
const (
	DefaultWaiting              = 4096
	DefaultConnections          = 10_000
	DefaultConnectionsPerClient = 100
)

// Gate counts what is held. It is asked before anything is done for a client: before a
// connection's handshake, and before a query waits. It may be used from many goroutines.
type Gate struct {
	limits  Limits
	waiting chan struct{}

	mu    sync.Mutex // opening and closing of connections; never the query path
	open  int
	holds map[netip.Addr]int
}

// NewGate makes a gate.
func NewGate(limits Limits) *Gate {
	if limits.Waiting <= 0 {
		limits.Waiting = DefaultWaiting
	}
	if limits.Connections <= 0 {
		limits.Connections = DefaultConnections
	}
	if limits.ConnectionsPerClient <= 0 {
		limits.ConnectionsPerClient = DefaultConnectionsPerClient
	}
	return &Gate{limits: limits, waiting: make(chan struct{}, limits.Waiting), holds: make(map[netip.Addr]int)}
}

// Connect says whether the client may open a connection. Who was let in is given back
// with Disconnect.
func (g *Gate) Connect(client resolver.Client) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.limits.Connections || g.holds[client.Addr] >= g.limits.ConnectionsPerClient {
		return false
	}
	g.open++
	g.holds[client.Addr]++
	return true
}

// Disconnect ends what Connect allowed.
func (g *Gate) Disconnect(client resolver.Client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.holds[client.Addr]--; g.holds[client.Addr] == 0 {
		delete(g.holds, client.Addr)
	}
}

// wait takes the place of a query that has to wait; false when there is none left.
func (g *Gate) wait() bool {
	select {
	case g.waiting <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *Gate) leave() { <-g.waiting }

// Waiting is how many queries wait.
func (g *Gate) Waiting() int { return len(g.waiting) }
