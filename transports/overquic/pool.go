package overquic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
)

// PoolConfig is how servers are connected to.
type PoolConfig struct {
	Roots *x509.CertPool // whom certificates must come from; nil: the system's
	// Opportunistic takes any certificate and tells no server a name (RFC 9539, section 4.6).
	Opportunistic bool
	// Local is the address that connections come from; the zero value: the kernel chooses.
	Local    netip.Addr
	Protocol string // ALPN (RFC 7301)
	// Done is the application's error code for a connection that is not needed any more.
	Done uint64
	// Unidirectional is how many streams of this kind a server may have open; 0 forbids them.
	Unidirectional int64
}

const (
	// idleTime is how long a connection is kept without a packet.
	idleTime = 15 * time.Second
	// maxKept bounds the connections that are kept.
	maxKept = 128
	// maxSessions is of how many servers it is kept how to come back to them.
	maxSessions = 256
)

var errClosed = errors.New("client is closed")

// Pool keeps connections to servers for more than one question. It may be used from many
// goroutines at once.
type Pool struct {
	config   PoolConfig
	tls      *tls.Config
	settings *quic.Config

	mu         sync.Mutex
	closed     bool
	kept       map[target]*kept
	transports map[bool]*quic.Transport // for IPv6, and not
}

// target is a server as far as connections go.
type target struct {
	addr netip.AddrPort
	name string
}

// kept is one connection, or the wait for it.
type kept struct {
	ready chan struct{} // closed when conn or err is set
	conn  *quic.Conn
	err   error
	used  time.Time // last
}

// NewPool makes a pool without connections.
func NewPool(config PoolConfig) *Pool {
	base := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{config.Protocol}, RootCAs: config.Roots,
		ClientSessionCache: tls.NewLRUClientSessionCache(maxSessions),
		InsecureSkipVerify: config.Opportunistic, //nolint:gosec // RFC 9539 asks for no proof, since there is none to ask for
	}
	unidirectional := config.Unidirectional
	if unidirectional == 0 {
		unidirectional = -1
	}
	return &Pool{config: config, tls: base, settings: &quic.Config{
		HandshakeIdleTimeout:           handshaking,
		MaxIdleTimeout:                 idleTime,
		InitialStreamReceiveWindow:     64 << 10,
		MaxStreamReceiveWindow:         64 << 10,
		InitialConnectionReceiveWindow: 256 << 10,
		MaxConnectionReceiveWindow:     1 << 20,
		MaxIncomingStreams:             -1, // servers ask nothing
		MaxIncomingUniStreams:          unidirectional,
		TokenStore:                     quic.NewLRUTokenStore(maxSessions, 2),
		DisablePathMTUDiscovery:        true,
	}, kept: make(map[target]*kept), transports: make(map[bool]*quic.Transport)}
}

// Conn gives a connection to the server, and says whether it was there already: one that
// was may have ended meanwhile, which only shows in its use.
func (p *Pool) Conn(ctx context.Context, server resolver.Server) (conn *quic.Conn, reused bool, err error) {
	to := target{server.Addr, server.Name}
	for {
		one, mine, err := p.place(to)
		if err != nil {
			return nil, false, err
		}
		if mine {
			one.conn, one.err = p.dial(ctx, to)
			if one.err != nil {
				p.forget(to, one)
			}
			close(one.ready)
			return one.conn, false, one.err
		}
		select {
		case <-one.ready:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		if one.err == nil && one.conn.Context().Err() == nil {
			return one.conn, true, nil
		}
		p.forget(to, one)
		if one.err != nil && !errors.Is(one.err, context.Canceled) { // whose question it was has gone; not the server
			return nil, false, one.err
		}
	}
}

// place finds the connection to a server, or makes a place for it that is the caller's to fill.
func (p *Pool) place(to target) (one *kept, mine bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, errClosed
	}
	if one := p.kept[to]; one != nil {
		one.used = time.Now()
		return one, false, nil
	}
	if len(p.kept) >= maxKept {
		p.evict()
	}
	one = &kept{ready: make(chan struct{}), used: time.Now()}
	p.kept[to] = one
	return one, true, nil
}

// evict closes the connection that was used least lately.
func (p *Pool) evict() {
	var oldest target
	var found *kept
	for to, one := range p.kept {
		if found == nil || one.used.Before(found.used) {
			oldest, found = to, one
		}
	}
	delete(p.kept, oldest)
	select {
	case <-found.ready:
		p.end(found)
	default: // whoever waits for it uses it once
	}
}

func (p *Pool) end(one *kept) {
	if one.conn != nil {
		_ = one.conn.CloseWithError(quic.ApplicationErrorCode(p.config.Done), "") // one that has ended stays as it is
	}
}

func (p *Pool) forget(to target, one *kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept[to] == one {
		delete(p.kept, to)
	}
}

func (p *Pool) dial(ctx context.Context, to target) (*quic.Conn, error) {
	transport, err := p.transport(to.addr.Addr().Unmap().Is6())
	if err != nil {
		return nil, err
	}
	conn, err := transport.Dial(ctx, net.UDPAddrFromAddrPort(to.addr), p.configFor(to), p.settings)
	if err != nil {
		return nil, fmt.Errorf("QUIC with %s: %w", to.addr, err)
	}
	return conn, nil
}

// configFor sets what the certificate must be good for: the server's name, else its address.
func (p *Pool) configFor(to target) *tls.Config {
	config := p.tls.Clone()
	config.ServerName = to.name
	if to.name == "" || p.config.Opportunistic { // an address is told to nobody
		config.ServerName = to.addr.Addr().Unmap().WithZone("").String()
	}
	return config
}

// transport is the one socket of all connections of a family.
func (p *Pool) transport(six bool) (*quic.Transport, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if found := p.transports[six]; found != nil {
		return found, nil
	}
	network := "udp4"
	if six {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: p.config.Local.AsSlice(), Zone: p.config.Local.Zone()})
	if err != nil {
		return nil, err
	}
	made := &quic.Transport{Conn: conn, ConnectionIDLength: connectionID}
	p.transports[six] = made
	return made, nil
}

// Close ends all connections. The pool must not be used after.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	all, transports := p.kept, p.transports
	p.kept = nil
	p.mu.Unlock()
	for _, one := range all {
		select {
		case <-one.ready:
			p.end(one)
		default: // ends with its socket
		}
	}
	var errs []error
	for _, transport := range transports {
		errs = append(errs, transport.Close(), transport.Conn.Close())
	}
	return errors.Join(errs...)
}
