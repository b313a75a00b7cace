package stream

import (
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/sockets"
)

// Config is one address to serve on.
type Config struct {
	// Listener takes the connections; the server closes it.
	Listener *net.TCPListener
	Door     resolver.Door
	// TLS is what connections begin with; nil: they are plain. It is asked at each
	// handshake, so that what its functions give may change.
	TLS *tls.Config
	// Zones are served and heard of beside the chain.
	Zones transports.Zones
	// Proxies are load balancers, which say for whom they connect before anything else,
	// before TLS too.
	Proxies proxy.Trusted
	Limits  Limits
	// Portable has each connection served by a goroutine of its own also where there is
	// something better.
	Portable bool
}

// Limits bounds what one connection may take. A field of 0 is its default.
type Limits struct {
	Idle      time.Duration // without a query, before it is closed (RFC 7766, section 6.2.3)
	Pressed   time.Duration // the same when nearly all connections that may be open are
	Handshake time.Duration // for the handshake of TLS
	Message   time.Duration // for one message to arrive, from its first octet, however fast the others do
	Taking    time.Duration // for the client to take the replies that are there for it
	Untaken   int           // octets of replies that are kept for a client that does not take them
	Waiting   int           // queries that wait for their answers; then reading stops
	Grace     time.Duration // for what waits for its answer when the server closes
}

// The defaults of [Limits].
const (
	DefaultIdle      = 10 * time.Second
	DefaultPressed   = time.Second
	DefaultHandshake = 5 * time.Second
	DefaultMessage   = 5 * time.Second
	DefaultTaking    = 5 * time.Second
	DefaultUntaken   = 256 << 10
	DefaultWaiting   = 64
	DefaultGrace     = 600 * time.Millisecond
)

func (l Limits) complete() Limits {
	for _, one := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&l.Idle, DefaultIdle}, {&l.Pressed, DefaultPressed}, {&l.Handshake, DefaultHandshake},
		{&l.Message, DefaultMessage}, {&l.Taking, DefaultTaking}, {&l.Grace, DefaultGrace},
	} {
		if *one.value <= 0 {
			*one.value = one.standard
		}
	}
	if l.Untaken <= 0 {
		l.Untaken = DefaultUntaken
	}
	if l.Waiting <= 0 {
		l.Waiting = DefaultWaiting
	}
	l.Pressed = min(l.Pressed, l.Idle)
	return l
}

// shortest is the shortest of the times after which a connection is cut.
func (l Limits) shortest() time.Duration {
	return min(l.Pressed, l.Handshake, l.Message, l.Taking)
}

// Listen opens an address for connections, or has it open from before. Replies leave at
// once, and the kernel keeps little of what a client does not take.
func Listen(set *sockets.Set, address netip.AddrPort) (*net.TCPListener, error) {
	listener, err := set.ListenTCP(address)
	if err != nil {
		return nil, err
	}
	if err := prepare(listener); err != nil {
		listener.Close()
		return nil, err
	}
	return listener, nil
}
