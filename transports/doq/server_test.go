package doq_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestAnswers(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	for range 3 {
		ask(t, conn, "www.example")
	}
	if client := s.Client(); client.Name != transportstest.ServerName || client.Door != resolver.QUIC || client.Addr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("the client is %+v", client)
	}
	if got := s.Of(transports.FromNetwork); got != 3 {
		t.Errorf("%d queries were counted", got)
	}
}

// The client that chose TLS alone, or another protocol, is not one of DNS over QUIC.
func TestOtherProtocolsAreRefused(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	config := s.tls()
	config.NextProtos = []string{"h3"}
	if _, err := s.connect(t, config, nil); err == nil {
		t.Error("h3 was agreed on")
	}
}

func TestLongRepliesAreWhole(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	if reply := ask(t, s.dial(t), "large"); len(reply.Answer) != 240 || reply.Truncated {
		t.Errorf("%d records came, truncated: %t", len(reply.Answer), reply.Truncated)
	}
}

// A query that comes in pieces, its end in one of its own, is a query all the same.
func TestQueriesInPieces(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	data := query(t, "www.example", func(m *dns.Msg) {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_PADDING{Padding: make([]byte, 10_000)})
	})
	stream := open(t, conn)
	for piece := range slices.Chunk(data, 1500) {
		if _, err := stream.Write(piece); err != nil {
			t.Fatal(err)
		}
		ask(t, conn, "between.example") // so that each piece is there before the next
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	receive(t, stream)
}

func TestViolations(t *testing.T) {
	s := serve(t, transports.Limits{}, func(c *doq.Config) { c.Patience = 100 * time.Millisecond })
	good := query(t, "www.example")
	withID := bytes.Clone(good)
	withID[3] = 1
	for name, data := range map[string][]byte{
		"nothing":              nil,
		"half a length":        {0},
		"a length alone":       {0, 40},
		"a length of nothing":  {0, 0},
		"less than a header":   framed(make([]byte, 11)),
		"less than its length": good[:len(good)-1],
		"more than its length": append(bytes.Clone(good), 0),
		"two queries":          append(bytes.Clone(good), good...),
		"an ID":                withID,
		"keepalive": query(t, "www.example", func(m *dns.Msg) {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}}
		}),
		"keepalive, not at once": query(t, "slow", func(m *dns.Msg) {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}}
		}),
		"longer than there is": append(bytes.Clone(good), make([]byte, 70_000)...),
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t)
			stream := open(t, conn)
			go func() {
				_, _ = stream.Write(data) // which the server may end
				_ = stream.Close()
			}()
			closedWith(t, conn, 2)
		})
	}
}

// A stream that has its query but no end, and one that has neither.
func TestStreamsWithoutEnd(t *testing.T) {
	s := serve(t, transports.Limits{}, func(c *doq.Config) { c.Patience = 100 * time.Millisecond })
	for _, data := range [][]byte{query(t, "www.example"), {0}} {
		conn := s.dial(t)
		if _, err := open(t, conn).Write(data); err != nil {
			t.Fatal(err)
		}
		closedWith(t, conn, 2)
	}
}

func TestUnidirectionalStreamsAreRefused(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	var limit *quic.StreamLimitReachedError
	if _, err := conn.OpenUniStream(); !errors.As(err, &limit) {
		t.Errorf("a unidirectional stream: %v", err)
	}
}

// What cannot be answered, or must not be, ends its stream and nothing else.
func TestNoReply(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	response := query(t, "www.example")
	response[4] |= 0x80 // QR
	for _, data := range [][]byte{query(t, "drop"), response} {
		resetWith(t, send(t, conn, data), 5)
	}
	ask(t, conn, "www.example")
}

// What is wrong in DNS alone is said in DNS.
func TestErrorsOfDNS(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	for rcode, change := range map[int]func(*dns.Msg){
		dns.RcodeFormatError:    func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		dns.RcodeNotImplemented: func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate },
		dns.RcodeBadVers:        func(m *dns.Msg) { m.IsEdns0().SetVersion(7) },
	} {
		if reply := receive(t, send(t, conn, query(t, "www.example", change))); reply.Rcode != rcode {
			t.Errorf("want %s, got %s", dns.RcodeToString[rcode], dns.RcodeToString[reply.Rcode])
		}
	}
}

func TestRepliesInAnyOrder(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	slow := send(t, conn, query(t, "slow"))
	<-s.Entered
	ask(t, conn, "www.example")
	close(s.Release)
	if reply := receive(t, slow); len(reply.Answer) != 1 {
		t.Errorf("the slow reply is %v", reply)
	}
	<-s.Ended
}

// Who no longer wants a reply says so, and the work for it ends.
func TestCancelledQueriesEnd(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	stream := send(t, conn, query(t, "slow"))
	<-s.Entered
	stream.CancelRead(3)
	if err := <-s.Ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the work ended with %v", err)
	}
	ask(t, conn, "www.example")
}

func TestClientsThatGoEndTheirWork(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	send(t, conn, query(t, "slow"))
	<-s.Entered
	if err := conn.CloseWithError(0, ""); err != nil {
		t.Fatal(err)
	}
	if err := <-s.Ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the work ended with %v", err)
	}
}

func TestTooManyWaitingAreShed(t *testing.T) {
	s := serve(t, transports.Limits{Waiting: 1}, nil)
	conn := s.dial(t)
	slow := send(t, conn, query(t, "slow"))
	<-s.Entered
	resetWith(t, send(t, conn, query(t, "slow")), 4)
	if s.Of(transports.Shed) != 1 {
		t.Error("what was shed was not counted")
	}
	ask(t, conn, "www.example")
	close(s.Release)
	receive(t, slow)
	<-s.Ended
}

func TestConnectionsAreBounded(t *testing.T) {
	s := serve(t, transports.Limits{Connections: 2}, nil)
	first := s.dial(t)
	ask(t, s.dial(t), "www.example")
	var refused *quic.TransportError
	if _, err := s.connect(t, s.tls(), nil); !errors.As(err, &refused) || refused.ErrorCode != quic.ConnectionRefused {
		t.Fatalf("the third connection: %v", err)
	}
	if err := first.CloseWithError(0, ""); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; { // until the server has heard
		conn, err := s.connect(t, s.tls(), nil)
		if err == nil {
			ask(t, conn, "www.example")
			return
		}
		if time.Since(begun) > patience {
			t.Fatalf("the place was not given back: %v", err)
		}
	}
}

// The answers to queries that were taken still leave; then the end is told as none of an error.
func TestCloseAnswersFirst(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	conn := s.dial(t)
	slow := send(t, conn, query(t, "slow"))
	<-s.Entered
	closed := make(chan error, 1)
	go func() { closed <- s.end() }()
	close(s.Release)
	if reply := receive(t, slow); len(reply.Answer) != 1 {
		t.Errorf("the reply is %v", reply)
	}
	closedWith(t, conn, 0)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	<-s.Ended
}

func TestListenSaysWhichAddress(t *testing.T) {
	s := serve(t, transports.Limits{}, nil)
	certificate, _ := transportstest.Identity(t)
	_, err := doq.Listen(doq.Config{Address: netip.MustParseAddrPort("192.0.2.1:853"), TLS: certificate}, transports.NewService(s.World, s.gate, s.Counts, nil), nil)
	if err == nil || !strings.Contains(err.Error(), "192.0.2.1:853") {
		t.Errorf("the error is %v", err)
	}
}

// A server on all addresses answers from the one that was asked: clients hear no other.
func TestRepliesLeaveFromTheAddressThatWasAsked(t *testing.T) {
	for listening, asked := range map[string]string{"0.0.0.0:0": "127.0.0.2", "[::]:0": "::1"} {
		s := serve(t, transports.Limits{}, func(c *doq.Config) { c.Address = netip.MustParseAddrPort(listening) })
		socket, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(asked), Port: int(s.Addr().Port())})
		if err != nil {
			t.Logf("there is no %s here: %v", asked, err)
			continue
		}
		transport := &quic.Transport{Conn: connected{socket}}
		conn, err := transport.Dial(t.Context(), socket.RemoteAddr(), s.tls(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ask(t, conn, "www.example")
		if got := s.Client().Addr; got != socket.LocalAddr().(*net.UDPAddr).AddrPort().Addr() {
			t.Errorf("the client is %s", got)
		}
		if err := errors.Join(conn.CloseWithError(0, ""), transport.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
	}
}

// connected hears one address only, and sends to it.
type connected struct{ *net.UDPConn }

func (c connected) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, c.RemoteAddr(), err
}

func (c connected) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

// WriteMsgUDP is of another kind than the library looks for, so that it takes the methods above.
func (c connected) WriteMsgUDP() {}
