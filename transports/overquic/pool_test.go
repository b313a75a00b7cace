package overquic

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func (s *server) pool(t testing.TB) *Pool {
	t.Helper()
	pool := NewPool(PoolConfig{Roots: s.roots, Protocol: protocol, Done: codeNone})
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func (s *server) named(name string) resolver.Server {
	return resolver.Server{Addr: s.Addr(), Name: name}
}

// Questions that come together share one connection and one handshake.
func TestPoolShares(t *testing.T) {
	s := begin(t, transports.Limits{ConnectionsPerClient: 1}, nil)
	pool := s.pool(t)
	conns := make([]*quic.Conn, 20)
	var group sync.WaitGroup
	for i := range conns {
		group.Go(func() {
			var err error
			if conns[i], _, err = pool.Conn(t.Context(), s.named(transportstest.ServerName)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, conn := range conns {
		if conn != conns[0] {
			t.Error("not all have the same")
		}
	}
	echoes(t, conns[0])
	if _, reused, err := pool.Conn(t.Context(), s.named(transportstest.ServerName)); err != nil || !reused {
		t.Errorf("reused: %t, %v", reused, err)
	}
}

// A server under another name is another; one that is not who it should be is no connection,
// and the next attempt is a new one.
func TestPoolNames(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	pool := s.pool(t)
	first, _, err := pool.Conn(t.Context(), s.named(transportstest.ServerName))
	if err != nil {
		t.Fatal(err)
	}
	second, reused, err := pool.Conn(t.Context(), s.named("")) // by its address
	if err != nil || reused || second == first {
		t.Errorf("another name: reused %t, %v", reused, err)
	}
	for range 2 {
		if _, _, err := pool.Conn(t.Context(), s.named("other.example")); err == nil {
			t.Error("a wrong name is believed")
		}
	}
	if len(pool.kept) != 2 {
		t.Errorf("%d connections are kept", len(pool.kept))
	}
}

// Whose question was given up while it connected for others as well, does not spoil theirs.
func TestPoolGoesOnWithoutTheFirst(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	pool := s.pool(t)
	one, mine, err := pool.place(target{s.Addr(), transportstest.ServerName})
	if err != nil || !mine {
		t.Fatal(mine, err)
	}
	others := make(chan error)
	go func() {
		conn, reused, err := pool.Conn(t.Context(), s.named(transportstest.ServerName))
		if err == nil && (reused || conn == nil) {
			err = errors.New("it was not dialled anew")
		}
		others <- err
	}()
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := pool.Conn(impatient, s.named(transportstest.ServerName)); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits no longer: %v", err)
	}
	one.err = context.Canceled
	close(one.ready)
	if err := <-others; err != nil {
		t.Error(err)
	}
}

// Connections are bounded: the one that was used least lately goes.
func TestPoolIsBounded(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	pool := s.pool(t)
	conn, _, err := pool.Conn(t.Context(), s.named(transportstest.ServerName))
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	close(ready)
	old := pool.kept[target{s.Addr(), transportstest.ServerName}]
	old.used = time.Now().Add(-time.Hour)
	for i := range maxKept - 1 {
		pool.kept[target{netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(i)), ""}] = &kept{ready: ready, err: net.ErrClosed, used: time.Now()}
	}
	if _, mine, err := pool.place(target{netip.MustParseAddrPort("192.0.2.2:853"), ""}); err != nil || !mine {
		t.Fatal(mine, err)
	}
	if len(pool.kept) != maxKept {
		t.Errorf("%d are kept", len(pool.kept))
	}
	select {
	case <-conn.Context().Done():
	case <-time.After(patience):
		t.Error("the one that was used least lately is kept")
	}
}

func TestPoolCloses(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	pool := NewPool(PoolConfig{Roots: s.roots, Protocol: protocol, Done: codeNone})
	conn, _, err := pool.Conn(t.Context(), s.named(transportstest.ServerName))
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if conn.Context().Err() == nil {
		t.Error("a connection is left open")
	}
	if _, _, err := pool.Conn(t.Context(), s.named(transportstest.ServerName)); !errors.Is(err, errClosed) {
		t.Errorf("after the close: %v", err)
	}
}
