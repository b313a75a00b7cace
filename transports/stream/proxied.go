package stream

import (
	"github.com/recourse-dns/recourse/transports/proxy"
)

// header takes what a load balancer says of the client before anything else comes. The
// client's own address counts then, as if it had connected by itself.
func (c *conn) header(room *room, data []byte) {
	c.rest = append(c.rest, data...)
	whole, err := proxy.Whole(c.rest)
	if err != nil {
		c.close()
		return
	}
	if !whole {
		return // the time for the handshake goes on
	}
	source, rest, err := proxy.Cut(c.rest)
	if err != nil {
		c.close()
		return
	}
	if source.IsValid() { // else the load balancer speaks for itself
		c.client.Addr, c.client.Port = source.Addr(), source.Port()
	}
	c.proxied = false
	if !c.connect() {
		c.close()
		return
	}
	c.rest = nil
	c.begun = c.server.secrets == nil
	size := copy(room.raw[:], rest)
	switch {
	case !c.begun && size > 0:
		c.handshake(room.raw[:size])
	case c.begun:
		room.kept = 0
		c.consume(room, size)
	}
}

// connect asks for a place for the client.
func (c *conn) connect() bool {
	c.placed = c.server.service.Connect(c.client)
	if !c.placed {
		c.server.counts.Turned.Add(1)
	}
	return c.placed
}
