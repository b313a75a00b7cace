package do53

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/chance"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/stream"
)

// ClientConfig bounds what a Client spends. The zero value is good.
type ClientConfig struct {
	Timeout time.Duration // for one exchange, where the context allows more; 0: 5 s
	Sockets int           // open at the same time; 0: 4096
	// Local is the address that questions come from; the zero value: the kernel chooses.
	Local netip.Addr
}

const (
	// maxDatagram is the largest UDP reply read; recursion advertises 4096 at most.
	maxDatagram = 4096
	// maxRejected bounds the replies that are looked at in vain in one exchange.
	maxRejected = 1000
)

var (
	errFlooded = errors.New("too many replies that do not fit")
	errClosed  = errors.New("client is closed")
)

// Client asks DNS servers over UDP and TCP. Each query has a socket of its own:
// connected, so that only the server's address is heard, and on a port drawn
// from the whole unprivileged range, so that a forger has to guess it beside the
// ID (RFC 5452, section 9.2). TCP connections stay open for a while and take more
// queries. It may be used by many goroutines at once.
type Client struct {
	exchanges   transports.Exchanges
	datagrams   datagrams
	connections *stream.Pool
}

// NewClient makes a Client.
func NewClient(config ClientConfig) *Client {
	return &Client{
		exchanges:   transports.NewExchanges(config.Timeout, config.Sockets),
		datagrams:   datagrams{from: config.Local},
		connections: stream.NewPool(stream.PoolConfig{Dial: dialFrom(config.Local)}),
	}
}

// Exchange sends the query over the server's transport and waits until accept is
// true of a reply, which is then the caller's. Other replies are passed over. A
// time-out is an error with Timeout() true.
func (c *Client) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	return c.exchanges.Do(ctx, func(ctx context.Context) ([]byte, error) { return c.ask(ctx, server, query, accept) })
}

func (c *Client) ask(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	if !server.Addr.IsValid() {
		return nil, transports.ErrNoAddress
	}
	if server.Transport == resolver.OverTCP {
		return c.connections.Exchange(ctx, server, query, accept)
	}
	return c.overUDP(ctx, server.Addr, query, accept)
}

func dialFrom(local netip.Addr) func(context.Context, resolver.Server) (net.Conn, error) {
	dialer := transports.DialerFrom(local)
	return func(ctx context.Context, server resolver.Server) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", server.Addr.String())
	}
}

// Close ends the connections that are kept and what waits for datagrams. The client
// must not be used after.
func (c *Client) Close() error {
	c.connections.Close()
	return c.datagrams.close()
}

// portTries is how often a random port may be taken already before the kernel
// is left to choose.
const portTries = 8

// randomPort draws from 1024 to 65535.
func randomPort(random *chance.Source) int {
	const lowest = 1024
	for {
		if port := random.Uint16(); port >= lowest {
			return int(port)
		}
	}
}

func (c *Client) overUDP(ctx context.Context, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, error) {
	socket, err := c.datagrams.open(server)
	if err != nil {
		return nil, err
	}
	defer socket.close()
	if err := socket.send(query); err != nil {
		return nil, err
	}
	for range maxRejected {
		reply, err := socket.receive(ctx)
		if err != nil {
			return nil, err
		}
		if accept(reply) {
			return bytes.Clone(reply), nil
		}
	}
	return nil, errFlooded
}
