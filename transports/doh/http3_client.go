package doh

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/overquic"
)

// dialer3 has the connections of a client that are of HTTP/3.
type dialer3 struct {
	pool   *overquic.Pool
	speaks http3.Transport // which makes requests of connections, and none by itself

	mu    sync.Mutex // guards what follows
	conns map[*quic.Conn]*http3.ClientConn
}

func newDialer3(config ClientConfig) *dialer3 {
	return &dialer3{
		pool: overquic.NewPool(overquic.PoolConfig{
			Roots: config.Roots, Opportunistic: config.Insecure, Local: config.Local, Protocol: HTTP3, Done: h3None, Unidirectional: unidirectional,
		}),
		speaks: http3.Transport{MaxResponseHeaderBytes: maxHeaders, DisableCompression: true},
		conns:  make(map[*quic.Conn]*http3.ClientConn),
	}
}

// over3 asks one server over HTTP/3.
type over3 struct {
	*dialer3
	server resolver.Server
}

// RoundTrip sends a request on a connection that is there, or a new one.
func (o over3) RoundTrip(outgoing *http.Request) (*http.Response, error) {
	conn, reused, err := o.pool.Conn(outgoing.Context(), o.server)
	if err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(outgoing.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Reused: reused})
	}
	return o.of(conn).RoundTrip(outgoing)
}

// of is what speaks HTTP on the connection.
func (d *dialer3) of(conn *quic.Conn) *http3.ClientConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.conns[conn]
	if found == nil {
		found = d.speaks.NewClientConn(conn)
		d.conns[conn] = found
		context.AfterFunc(conn.Context(), func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			delete(d.conns, conn)
		})
	}
	return found
}

func (d *dialer3) close() error { return d.pool.Close() }
