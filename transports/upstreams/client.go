package upstreams

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/recourse-dns/recourse/resolver"
)

// Exchanger sends one query to one server. It goes on waiting, past whatever else arrives,
// until accept is true of a reply or the context ends.
type Exchanger interface {
	Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error)
}

// Transports are the clients that there are; nil where there is none. Those that are
// io.Closers are closed with the Client.
type Transports struct {
	Plain Exchanger // UDP and TCP
	TLS   Exchanger
	HTTPS Exchanger // HTTP/2 and HTTP/3
	QUIC  Exchanger
}

// Client asks each server over its own transport and no other. It may be used by many
// goroutines at once.
type Client struct {
	transports Transports
}

// NewClient makes a Client.
func NewClient(transports Transports) *Client { return &Client{transports: transports} }

// Exchange implements [Exchanger].
func (c *Client) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error) {
	client := c.of(server.Transport)
	if client == nil {
		return nil, fmt.Errorf("%s: there is no client for it", server)
	}
	return client.Exchange(ctx, server, query, accept)
}

func (c *Client) of(transport resolver.Transport) Exchanger {
	switch transport {
	case resolver.OverUDP, resolver.OverTCP:
		return c.transports.Plain
	case resolver.OverTLS:
		return c.transports.TLS
	case resolver.OverHTTPS, resolver.OverHTTP3:
		return c.transports.HTTPS
	case resolver.OverQUIC:
		return c.transports.QUIC
	}
	return nil
}

// Close closes all clients.
func (c *Client) Close() error {
	var errs []error
	all := &c.transports
	for _, client := range []Exchanger{all.Plain, all.TLS, all.HTTPS, all.QUIC} {
		if closer, closes := client.(io.Closer); closes {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}
