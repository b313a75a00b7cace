package transports

import (
	"net/netip"
	"sync"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/rate"
)

const (
	// networkTimes is how many times what an address may open a network may.
	networkTimes = 32
	// strangerShare of all connections is for who is only told that he is refused.
	strangerShare = 64
)

// connections are those that are open.
type connections struct {
	all, client int

	mu        sync.Mutex // opening and closing; never the query path
	count     Usage
	clients   map[netip.Addr]int
	networks  map[netip.Addr]int
	strangers map[netip.Addr]int // of whom is not admitted, by client
	refused   int                // connections of strangers
}

func newConnections(all, client int) connections {
	return connections{all: all, client: client, clients: make(map[netip.Addr]int), networks: make(map[netip.Addr]int), strangers: make(map[netip.Addr]int)}
}

func (c *connections) open(client resolver.Client, admitted, shared bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !admitted && (client.Door != resolver.TCP || c.refused >= max(c.all/strangerShare, 1)):
		c.count.Strangers++
		return false
	case c.count.Connections >= int64(c.all):
		c.count.Full++
		return false
	case c.isCrowded(client.Addr, shared):
		c.count.Crowded++
		return false
	}
	c.count.Connections++
	c.clients[own(client.Addr)]++
	c.networks[around(client.Addr)]++
	if !admitted {
		c.refused++
		c.strangers[own(client.Addr)]++
	}
	return true
}

// isCrowded says whether a client or the network around it has as many as it may. Loopback
// is exempt: what is on this machine is the operator's, as a load balancer.
func (c *connections) isCrowded(addr netip.Addr, shared bool) bool {
	if addr.IsLoopback() {
		return false
	}
	client, network := c.client, networkTimes*c.client
	if shared {
		client, network = rate.Shared*client, rate.Shared*network
	}
	return c.clients[own(addr)] >= client || c.networks[around(addr)] >= network
}

func (c *connections) close(client resolver.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count.Connections--
	key := own(client.Addr)
	drop(c.clients, key)
	drop(c.networks, around(client.Addr))
	// Whether a client is admitted may have changed since; its connections are alike.
	if c.strangers[key] > 0 {
		c.refused--
		drop(c.strangers, key)
	}
}

func (c *connections) usage() Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}
