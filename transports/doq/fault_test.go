package doq_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
)

// spy is a client's socket that sees what kind of packets come.
type spy struct {
	*net.UDPConn
	retries atomic.Int64
}

func newSpy(t testing.TB) *spy {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return &spy{UDPConn: socket}
}

// ReadFrom looks at packets on their way.
func (s *spy) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := s.UDPConn.ReadFrom(p)
	if err == nil && n > 0 && p[0]&0xf0 == 0xf0 { // a Retry packet of version 1 (RFC 9000, section 17.2.5)
		s.retries.Add(1)
	}
	return n, from, err
}

// plain has only what a net.PacketConn has.
type plain struct{ net.PacketConn }

func (s *spy) transport(t testing.TB) *quic.Transport {
	t.Helper()
	transport := &quic.Transport{Conn: plain{s}}
	t.Cleanup(func() {
		if err := errors.Join(transport.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return transport
}

// beginnings are the first datagrams of so many clients, which were sent nowhere.
func beginnings(t testing.TB, config *tls.Config, many int) [][]byte {
	t.Helper()
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	transport := newTransport(t)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for range many {
		group.Go(func() { _, _ = transport.Dial(ctx, sink.LocalAddr(), config, nil) }) // which nobody answers
	}
	known := make(map[string]bool)
	var begun [][]byte
	for len(begun) < many {
		datagram := make([]byte, 1500)
		n, err := sink.Read(datagram)
		if err != nil {
			t.Fatal(err)
		}
		if id := string(datagram[6 : 6+datagram[5]]); !known[id] { // of the connection (RFC 9000, section 17.2)
			known[id] = true
			begun = append(begun, datagram[:n])
		}
	}
	return begun
}

// Handshakes that never end make the server ask for proof of the address, which costs a
// client that hears it a round trip and those that do not hear it their flood.
func TestFloodsOfHandshakes(t *testing.T) {
	s := serve(t, transports.Limits{ConnectionsPerClient: 10_000}, nil)
	held := s.dial(t)
	flood := beginnings(t, s.tls(), 300)
	socket, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for proved := false; !proved; {
		for _, datagram := range flood {
			if _, err := socket.Write(datagram); err != nil {
				t.Fatal(err)
			}
		}
		ask(t, held, "www.example") // others are answered meanwhile
		proving := newSpy(t)
		conn, err := proving.transport(t).Dial(ctx, net.UDPAddrFromAddrPort(s.Addr()), s.tls(), &quic.Config{HandshakeIdleTimeout: patience})
		if err != nil {
			t.Fatal(err)
		}
		ask(t, conn, "www.example")
		proved = proving.retries.Load() > 0 // one or the other may still find a place without
	}
}

// What is not QUIC, or only looks like it, gets no answer that is longer, and disturbs nobody.
func TestOtherDatagrams(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	socket, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	initial := append([]byte{0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}, make([]byte, 1300)...)
	unknown := append([]byte{0xc0, 0xba, 0xba, 0xba, 0xba, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}, make([]byte, 1300)...)
	for _, data := range [][]byte{{}, {0}, {0x40}, {0xff}, query(t, "www.example"), initial[:40], initial, unknown[:100], unknown, make([]byte, 1400), append([]byte{0x40}, make([]byte, 60)...)} {
		for range 50 {
			if _, err := socket.Write(data); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(t, conn, "www.example")
	if err := socket.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2000)
	for {
		n, err := socket.Read(answer)
		if err != nil {
			break
		}
		if n > 100 { // versions are negotiated with those who sent ten times as much
			t.Errorf("%d octets answer garbage: %x", n, answer[:16])
		}
	}
}

// Streams that are opened and reset at once, again and again, end their connection; others go on.
func TestRapidResets(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	other := s.dial(t)
	for name, abuse := range map[string]func(*quic.Conn, *quic.Stream){
		"before the query": func(_ *quic.Conn, stream *quic.Stream) {
			_, _ = stream.Write([]byte{0})
			stream.CancelWrite(3)
			stream.CancelRead(3)
		},
		"before the reply": func(conn *quic.Conn, stream *quic.Stream) {
			_, _ = stream.Write(query(t, "slow"))
			_ = stream.Close()
			select {
			case <-s.Entered:
				stream.CancelRead(3)
				<-s.Ended
			case <-conn.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t)
			for i := 0; conn.Context().Err() == nil; i++ {
				if i > 5000 {
					t.Fatal("it goes on for ever")
				}
				stream, err := conn.OpenStreamSync(t.Context())
				if err != nil {
					break
				}
				abuse(conn, stream)
			}
			closedWith(t, conn, 4)
			ask(t, other, "www.example")
		})
	}
}

// Whoever leaves queries unfinished is limited by the streams that a connection has, and
// waits by himself.
func TestUnfinishedStreams(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn, other := s.dial(t), s.dial(t)
	var last *quic.Stream
	for range 63 {
		last = open(t, conn)
		if _, err := last.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, conn, "www.example")
	ask(t, other, "www.example")
	last.CancelWrite(3)
	resetWith(t, last, 3)
	ask(t, conn, "www.example")
}

// A client that takes no replies keeps one that is longer than it has room for in a place
// of those that wait, until it is given up.
func TestSlowReaders(t *testing.T) {
	s := serve(t, transports.Limits{Waiting: 1}, func(c *doq.Config) { c.Patience = 200 * time.Millisecond })
	conn, err := s.connect(t, s.tls(), &quic.Config{InitialStreamReceiveWindow: 100, MaxStreamReceiveWindow: 100})
	if err != nil {
		t.Fatal(err)
	}
	other := s.dial(t)
	slow := send(t, conn, query(t, "large"))
	ask(t, conn, "www.example") // streams are taken in order: the slow one holds the place
	ask(t, other, "large")      // others have room for it
	close(s.Release)
	for { // until the place is free again
		if _, err := io.ReadAll(send(t, other, query(t, "slow"))); err == nil {
			break
		}
	}
	resetWith(t, slow, 5)
	ask(t, conn, "www.example")
}

func TestManyConnections(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	var group sync.WaitGroup
	for i := range 20 {
		conn := s.dial(t)
		group.Go(func() {
			for k := range 50 {
				data, err := io.ReadAll(send(t, conn, query(t, fmt.Sprintf("n%d.c%d.example", k, i))))
				if err != nil || unpack(t, data).Question[0].Name != fmt.Sprintf("n%d.c%d.example.", k, i) {
					t.Errorf("connection %d, query %d: %v", i, k, err)
				}
			}
		})
	}
	group.Wait()
	if got := s.Of(transports.FromNetwork); got != 1000 {
		t.Errorf("%d were answered", got)
	}
}

// A client that goes on from another address is judged by that one.
func TestClientsThatMove(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	ask(t, conn, "www.example")
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	defer func() {
		if err := errors.Join(transport.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
	}()
	path, err := conn.AddPath(transport)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := path.Probe(ctx); err != nil {
		t.Fatal(err)
	}
	if err := path.Switch(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); s.Client().Addr.String() != "127.0.0.2"; {
		ask(t, conn, "www.example")
		if time.Since(begun) > patience {
			t.Fatalf("the client is still %s", s.Client().Addr)
		}
	}
	_ = conn.CloseWithError(0, "")
}
