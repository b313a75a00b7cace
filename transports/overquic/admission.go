package overquic

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

const (
	// unproven is how many handshakes may be under way before clients have to show first that
	// they hear what is sent to their address (RFC 9000, section 8.1.2), and freely how many
	// may begin in a second.
	unproven = 128
	freely   = 256
	// maxHandshakes is how many may be under way at all.
	maxHandshakes = 1024
)

var errFull = errors.New("too many connections")

// admission decides who may begin a connection. It counts those that are open and those of
// them whose handshake has ended; the difference is what a flood drives up.
type admission struct {
	service     *transports.Service
	door        resolver.Door
	open        atomic.Int64
	established atomic.Int64
	group       sync.WaitGroup // places that are taken

	mu     sync.Mutex
	second int64 // that begun is of
	begun  int
}

// mustProve says whether a client has to show first that it hears us. It is asked of
// clients that bring no token of an earlier connection.
func (a *admission) mustProve(net.Addr) bool {
	if a.underWay() >= unproven {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if second := time.Now().Unix(); second != a.second {
		a.second, a.begun = second, 0
	}
	a.begun++
	return a.begun > freely
}

func (a *admission) underWay() int64 { return a.open.Load() - a.established.Load() }

// admit takes a place for a connection before its handshake. It is given back when the
// connection ends, or the handshake fails.
func (a *admission) admit(ctx context.Context, from *quic.ClientInfo) (context.Context, error) {
	addr := addressOf(from.RemoteAddr)
	client := resolver.Client{Addr: addr.Addr(), Port: addr.Port(), Door: a.door}
	if a.underWay() >= maxHandshakes || !a.service.Connect(client) {
		return nil, errFull
	}
	a.open.Add(1)
	a.group.Add(1)
	context.AfterFunc(ctx, func() {
		defer a.group.Done()
		a.open.Add(-1)
		a.service.Disconnect(client)
	})
	return ctx, nil
}

// establish counts a connection whose handshake has ended, until it ends itself.
func (a *admission) establish(conn *quic.Conn) {
	a.established.Add(1)
	a.group.Add(1)
	context.AfterFunc(conn.Context(), func() {
		defer a.group.Done()
		a.established.Add(-1)
	})
}

func addressOf(addr net.Addr) netip.AddrPort {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	from := udp.AddrPort()
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}
