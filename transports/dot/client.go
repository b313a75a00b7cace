package dot

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/stream"
)

// Idle is how long a connection may stay without a query, on both sides: longer than
// without TLS, whose handshake is dear (RFC 7858, section 3.4).
const Idle = 30 * time.Second

// ClientConfig says whom a Client believes, and bounds what it spends. The zero value is
// good.
type ClientConfig struct {
	Timeout   time.Duration // for one exchange, where the context allows more; 0: 5 s
	Exchanges int           // at the same time; 0: 4096
	// Roots are whom certificates must come from; nil: the system's.
	Roots *x509.CertPool
	// Opportunistic takes any certificate, and tells no server a name: for servers that
	// are tried without anybody having said that they speak TLS (RFC 9539, section 4.6).
	Opportunistic bool
	// Local is the address that questions come from; the zero value: the kernel chooses.
	Local netip.Addr
}

const (
	// sessions is how many servers' tickets are kept.
	sessions = 256
	// pipelined is how many queries may be on their way on one connection.
	pipelined = 256
)

// Client asks DNS servers over TLS. Unless it is opportunistic a server's certificate must
// be good for its name, or its address where it has none (RFC 8310, the strict profile).
// It may be used by many goroutines at once.
type Client struct {
	config      ClientConfig
	tls         *tls.Config
	exchanges   transports.Exchanges
	connections *stream.Pool
}

// NewClient makes a Client.
func NewClient(config ClientConfig) *Client {
	client := &Client{
		config:    config,
		exchanges: transports.NewExchanges(config.Timeout, config.Exchanges),
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{Protocol}, RootCAs: config.Roots,
			ClientSessionCache: tls.NewLRUClientSessionCache(sessions),
			InsecureSkipVerify: config.Opportunistic, //nolint:gosec // RFC 9539 asks for no proof, since there is none to ask for
		},
	}
	client.connections = stream.NewPool(stream.PoolConfig{Dial: client.dial, Idle: Idle / 2, Pipelined: pipelined})
	return client
}

// Exchange sends the query, padded if it has EDNS, and waits until accept is true of a
// reply, which is then the caller's. Other replies are passed over. A time-out is an error
// with Timeout() true.
func (c *Client) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	if !server.Addr.IsValid() {
		return nil, transports.ErrNoAddress
	}
	return c.exchanges.Do(ctx, func(ctx context.Context) ([]byte, error) {
		return c.connections.Exchange(ctx, server, transports.PadQuery(query), accept)
	})
}

// Close ends the connections that are kept. The client must not be used after.
func (c *Client) Close() error {
	c.connections.Close()
	return nil
}

// dial opens a connection, handshake included.
func (c *Client) dial(ctx context.Context, server resolver.Server) (net.Conn, error) {
	dialer := transports.DialerFrom(c.config.Local)
	plain, err := dialer.DialContext(ctx, "tcp", server.Addr.String())
	if err != nil {
		return nil, err
	}
	secured := tls.Client(plain, c.configFor(server))
	if err := secured.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, fmt.Errorf("TLS with %s: %w", server, err)
	}
	return secured, nil
}

// configFor names whom the certificate must be good for. An address is not sent to the
// server as a name (RFC 6066, section 3).
func (c *Client) configFor(server resolver.Server) *tls.Config {
	config := c.tls.Clone()
	switch {
	case c.config.Opportunistic:
	case server.Name != "":
		config.ServerName = server.Name
	default:
		config.ServerName = server.Addr.Addr().Unmap().WithZone("").String()
	}
	return config
}
