package doh

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
)

// ClientConfig says whom a Client believes, and bounds what it spends. The zero value is good.
type ClientConfig struct {
	Timeout   time.Duration  // for one exchange, where the context allows more; 0: 5 s
	Exchanges int            // at the same time; 0: 4096
	Roots     *x509.CertPool // whom certificates must come from; nil: the system's
	// Insecure takes any certificate: for people who look at a server.
	Insecure bool
	// Local is the address that questions come from; the zero value: the kernel chooses.
	Local netip.Addr
}

const (
	// maxServers bounds the servers that connections are kept to.
	maxServers = 64
	// unheard is after how long without a word a server is asked whether it is there, and
	// how long it then has: a connection that the network has forgotten is found so.
	unheard = 5 * time.Second
)

var errUnfit = errors.New("the reply does not fit the query")

// Client asks DNS servers over HTTPS, and over HTTP/3 those that are to be asked so. A
// server's certificate must be good for its name, or its address where it has none. It may
// be used by many goroutines at once.
type Client struct {
	config    ClientConfig
	exchanges transports.Exchanges
	sessions  tls.ClientSessionCache
	quic      *dialer3

	mu      sync.Mutex // guards what follows
	servers map[resolver.Server]*http.Transport
}

// NewClient makes a Client.
func NewClient(config ClientConfig) *Client {
	return &Client{
		config: config, exchanges: transports.NewExchanges(config.Timeout, config.Exchanges),
		sessions: tls.NewLRUClientSessionCache(maxServers), quic: newDialer3(config), servers: make(map[resolver.Server]*http.Transport),
	}
}

// Exchange sends the query, padded if it has EDNS, and gives the reply, which is then the
// caller's. One that accept is not true of is an error: no other comes. A time-out is an
// error with Timeout() true.
func (c *Client) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	if !server.Addr.IsValid() {
		return nil, transports.ErrNoAddress
	}
	if len(query) < wire.HeaderSize {
		return nil, wire.ErrShort
	}
	reply, err := c.exchanges.Do(ctx, func(ctx context.Context) ([]byte, error) {
		reply, err := c.ask(ctx, server, query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", server, err)
		}
		return reply, nil
	})
	switch {
	case err != nil:
		return nil, err
	case !accept(reply):
		return nil, fmt.Errorf("%s: %w", server, errUnfit)
	}
	return reply, nil
}

// ask sends the query under ID 0, so that a question has one form (RFC 8484, section 4.1),
// and gives the reply the query's own. A connection that was kept may have ended in the
// meantime, which is no fault; a question does no harm when it is asked twice.
func (c *Client) ask(ctx context.Context, server resolver.Server, query []byte) ([]byte, error) {
	body := bytes.Clone(transports.PadQuery(query))
	binary.BigEndian.PutUint16(body, 0)
	reply, kept, err := c.post(ctx, server, body)
	if err != nil && kept && ctx.Err() == nil {
		reply, _, err = c.post(ctx, server, body)
	}
	if err != nil {
		return nil, err
	}
	if binary.BigEndian.Uint16(reply) == 0 {
		copy(reply, query[:2])
	}
	return reply, nil
}

// post sends the message once. Kept says that the connection had served before, and that
// it has failed without a response.
func (c *Client) post(ctx context.Context, server resolver.Server, message []byte) (reply []byte, kept bool, err error) {
	reused := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { reused = got.Reused }})
	outgoing, err := http.NewRequestWithContext(traced, http.MethodPost, "https://"+authority(server)+server.Path, bytes.NewReader(message))
	if err != nil {
		return nil, false, err
	}
	outgoing.Header = http.Header{"Content-Type": {MediaType}, "Accept": {MediaType}, "User-Agent": {""}} // none is sent
	incoming, err := c.overTransport(server).RoundTrip(outgoing)                                          // which follows no redirection and keeps no cookie
	if err != nil {
		return nil, reused, err
	}
	defer incoming.Body.Close()
	reply, err = messageOf(incoming)
	return reply, false, err
}

// messageOf reads the message that a response carries.
func messageOf(incoming *http.Response) ([]byte, error) {
	if incoming.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered with HTTP status %d", incoming.StatusCode)
	}
	if contentType := incoming.Header.Get("Content-Type"); !isMessage(contentType) {
		return nil, fmt.Errorf("answered with %.100q, which is not %s", contentType, MediaType)
	}
	reply, err := io.ReadAll(io.LimitReader(incoming.Body, maxMessage+1))
	switch {
	case err != nil:
		return nil, err
	case len(reply) > maxMessage:
		return nil, errors.New("answered with more than a message can hold")
	case len(reply) < wire.HeaderSize:
		return nil, wire.ErrShort
	}
	return reply, nil
}

// authority is the host that a server is asked as.
func authority(server resolver.Server) string {
	host := server.Name
	if host == "" {
		host = bareAddress(server)
	}
	if port := server.Addr.Port(); port != 443 {
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	if server.Name == "" && server.Addr.Addr().Unmap().Is6() {
		return "[" + host + "]"
	}
	return host
}

// bareAddress is a server's address as certificates and URLs have it.
func bareAddress(server resolver.Server) string {
	return server.Addr.Addr().Unmap().WithZone("").String()
}

// overTransport is how the server is asked: HTTP/3 where it is told to, else what it speaks.
func (c *Client) overTransport(server resolver.Server) http.RoundTripper {
	if server.Transport == resolver.OverHTTP3 {
		return over3{c.quic, server}
	}
	return c.transport(server)
}

// transport gives the connections to a server. Where there are too many servers, those of
// some other are let go.
func (c *Client) transport(server resolver.Server) *http.Transport {
	server.Path = "" // several share connections
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.servers[server]; found != nil {
		return found
	}
	for other, one := range c.servers {
		if len(c.servers) < maxServers {
			break
		}
		delete(c.servers, other)
		one.CloseIdleConnections() // one in use ends when it becomes idle
	}
	made := c.newTransport(server)
	c.servers[server] = made
	return made
}

// newTransport makes connections to one address, whatever the URL says and the environment.
func (c *Client) newTransport(server resolver.Server) *http.Transport {
	name := server.Name
	if name == "" {
		name = bareAddress(server) // which is not sent (RFC 6066, section 3)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // for who has nothing better
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialer := transports.DialerFrom(c.config.Local)
			return dialer.DialContext(ctx, "tcp", server.Addr.String())
		},
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: c.config.Roots, ClientSessionCache: c.sessions,
			InsecureSkipVerify: c.config.Insecure, //nolint:gosec // it was asked for
		},
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: unheard, PingTimeout: unheard, WriteByteTimeout: unheard,
			MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: maxMessage + 1,
		},
		DisableCompression:     true,
		MaxConnsPerHost:        8, // of HTTP/1.1, where each query takes one
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        idle / 2,
		MaxResponseHeaderBytes: maxHeaders,
	}
}

// Close ends the connections that are kept. The client must not be used after.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.servers {
		one.CloseIdleConnections()
	}
	clear(c.servers)
	return c.quic.close()
}
