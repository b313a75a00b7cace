package transports

import (
	"net/netip"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/rate"
)

// Limits bounds what strangers may hold of us, and ask. A field of 0 is its default; who
// is admitted and what is counted over time is unbounded where nothing is said.
type Limits struct {
	Waiting              int // queries that wait for their answers, of all doors
	Connections          int // open connections, of all doors
	ConnectionsPerClient int // of them from one address; of IPv6, from one /64

	Clients Clients      // nil: everybody is admitted
	Queries rate.Limit   // of one client
	Replies rate.Limit   // of one kind to one network, over UDP
	Slip    uint32       // one in so many that are over a limit is told to come by TCP; 0: none
	Cookies *cookie.Keys // what UDP clients prove their addresses with; nil: nothing
}

// Clients knows who may ask. It is asked for every query and must not wait.
type Clients interface {
	// Admits says whether the client is answered, and whether many homes are behind its address.
	Admits(client resolver.Client) (admitted, shared bool)
	// AdmitsByName says whether some are answered for the name that they connect to, so that
	// who comes to an encrypted door cannot be turned away before it has said that.
	AdmitsByName() bool
}

// The defaults of [Limits].
const (
	DefaultWaiting              = 4096
	DefaultConnections          = 150_000
	DefaultConnectionsPerClient = 256
)

// Gate counts what is held. It is asked before anything is done for a client: before a
// connection's handshake, before a query is looked at, and before it waits. It may be used
// from many goroutines.
type Gate struct {
	limits      Limits
	queries     *rate.Queries
	replies     *rate.Replies
	places      places
	connections connections
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
	return &Gate{
		limits: limits, queries: rate.NewQueries(limits.Queries), replies: rate.NewReplies(limits.Replies),
		places: newPlaces(limits.Waiting), connections: newConnections(limits.Connections, limits.ConnectionsPerClient),
	}
}

// Connect says whether the client may open a connection. Who was let in is given back
// with Disconnect. Who is not admitted gets none, but for a few over plain TCP, where
// a refusal costs no handshake and tells why.
func (g *Gate) Connect(client resolver.Client) bool {
	admitted, shared := g.admits(client)
	if !admitted && client.Encrypted() {
		admitted = g.limits.Clients.AdmitsByName()
	}
	return g.connections.open(client, admitted, shared)
}

// Disconnect ends what Connect allowed.
func (g *Gate) Disconnect(client resolver.Client) { g.connections.close(client) }

// Usage is what is held, and what was turned away since the start.
type Usage struct {
	Waiting, Connections int64
	// Refused connections: of clients that are not admitted, of clients and networks that
	// had too many, and for want of any left.
	Strangers, Crowded, Full int64
}

// Full is which share of the connections that may be open is: 1 when no more may be.
func (g *Gate) Full() float64 {
	return float64(g.connections.usage().Connections) / float64(g.limits.Connections)
}

// Usage says how much is held.
func (g *Gate) Usage() Usage {
	usage := g.connections.usage()
	usage.Waiting = g.places.taken()
	return usage
}

// Waiting is how many queries wait.
func (g *Gate) Waiting() int { return int(g.places.taken()) }

func (g *Gate) admits(client resolver.Client) (admitted, shared bool) {
	if g.limits.Clients == nil {
		return true, false
	}
	return g.limits.Clients.Admits(client)
}

// own and around are the networks that are counted for an address: one client's own, and
// what a few hundred have together. An IPv6 client has a whole /64.
func own(addr netip.Addr) netip.Addr    { return network(addr, 32, 64) }
func around(addr netip.Addr) netip.Addr { return network(addr, 24, 48) }

func network(addr netip.Addr, bits4, bits6 int) netip.Addr {
	bits := bits6
	if addr.Is4() {
		bits = bits4
	}
	prefix, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return addr // none at all: a question of our own
	}
	return prefix.Addr()
}
