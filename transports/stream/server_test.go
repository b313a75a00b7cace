package stream_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/stream"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{}, transports.Limits{})
		close(s.world.Release)
		c := s.dial(t)
		for id, test := range []struct {
			name  string
			rcode int
		}{{"www", dns.RcodeSuccess}, {"slow", dns.RcodeSuccess}, {"fail", dns.RcodeServerFailure}, {"panic", dns.RcodeServerFailure}, {"large", dns.RcodeSuccess}, {"drop", -1}, {"who", dns.RcodeSuccess}} {
			c.write(t, question(t, uint16(id), test.name))
			if test.rcode < 0 {
				continue
			}
			reply := c.read(t)
			if reply.Id != uint16(id) || reply.Rcode != test.rcode {
				t.Errorf("%s: %v", test.name, reply)
			}
			if who, is := reply.Answer, test.name == "who"; is && kind.secure && who[0].(*dns.TXT).Txt[0] != "dns.example" {
				t.Errorf("the client connected to %v", who)
			}
		}
		if kind.secure && s.Counts().Handshakes.Load() != 1 {
			t.Error("the handshake was not counted")
		}
	})
}

// TestReplies: queries that come together are answered together, those that wait when
// their answers are there (RFC 7766, sections 6.2.1.1 and 7), and none is lost however
// the octets are cut up.
func TestReplies(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{}, transports.Limits{})
		c := s.dial(t)
		const many = 3000
		all := question(t, 65535, "slow")
		for id := range many {
			all = append(all, question(t, uint16(id), "www")...)
		}
		go func() {
			for _, size := range []int{1, 2, 3, 5, 1000, 100, 7000, len(all)} {
				size = min(size, len(all))
				if _, err := c.Write(all[:size]); err != nil {
					t.Error(err)
				}
				all = all[size:]
			}
		}()
		for id := range many {
			if reply := c.read(t); reply.Id != uint16(id) || len(reply.Answer) != 1 {
				t.Fatalf("reply %d: %v", id, reply)
			}
		}
		close(s.world.Release)
		if reply := c.read(t); reply.Id != 65535 {
			t.Errorf("in the end: %v", reply)
		}
	})
}

// TestLargeReplies: a client that is slow but takes its replies gets them all, although
// they are more than is kept for it.
func TestLargeReplies(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{}, transports.Limits{})
		c := s.dial(t)
		if err := c.below.SetReadBuffer(256 << 10); err != nil {
			t.Fatal(err)
		}
		const many = 100
		var all []byte
		for id := range many {
			all = append(all, question(t, uint16(id), "large")...)
		}
		c.write(t, all)
		for id := range many {
			if reply := c.read(t); reply.Id != uint16(id) || len(reply.Answer) != 240 {
				t.Fatalf("reply %d: %v", id, reply.MsgHdr)
			}
		}
	})
}

// TestManyWait: no more than so many queries of a connection wait; the others are read
// when there is room, and the answers of all come.
func TestManyWait(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{Waiting: 4}, transports.Limits{})
		c := s.dial(t)
		const many = 50
		var all []byte
		for id := range many {
			all = append(all, question(t, uint16(id), "slow")...)
		}
		c.write(t, append(all, question(t, many, "www")...))
		for s.world.Waiting() < 4 {
			runtime.Gosched()
		}
		close(s.world.Release)
		got := make(map[uint16]bool)
		for range many + 1 {
			got[c.read(t).Id] = true
		}
		if len(got) != many+1 {
			t.Errorf("%d replies", len(got))
		}
	})
}

// TestShed: where too many queries wait in all, one more fails, and the connection stays.
func TestShed(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{}, transports.Limits{Waiting: 2})
		c := s.dial(t)
		for id := range uint16(4) {
			c.write(t, question(t, id, "slow"))
		}
		for want := range uint16(2) {
			if reply := c.read(t); reply.Rcode != dns.RcodeServerFailure || reply.Id != want+2 {
				t.Errorf("the one too many: %v", reply)
			}
		}
		close(s.world.Release)
		for range 2 {
			if reply := c.read(t); reply.Rcode != dns.RcodeSuccess {
				t.Errorf("one that waited: %v", reply)
			}
		}
		if got := s.seen.Of(transports.Shed); got != 2 {
			t.Errorf("%d were counted", got)
		}
	})
}

// TestClientHasNoMore: who says that no more queries come gets the answers to those that
// came, and then the end.
func TestClientHasNoMore(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{}, transports.Limits{})
		c := s.dial(t)
		c.write(t, append(question(t, 1, "slow"), question(t, 2, "www")...))
		if secured, is := c.Conn.(*tls.Conn); is {
			if err := secured.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.below.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if reply := c.read(t); reply.Id != 2 {
			t.Errorf("%v", reply)
		}
		close(s.world.Release)
		if reply := c.read(t); reply.Id != 1 {
			t.Errorf("%v", reply)
		}
		if _, err := c.tryRead(); !errors.Is(err, io.EOF) {
			t.Errorf("the end: %v", err)
		}
	})
}

// TestGracefulEnd: what waits when the server closes is answered, then the connections
// end in order, also those that are silent.
func TestGracefulEnd(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{Grace: 10 * time.Second}, transports.Limits{})
		silent, c := s.dial(t), s.dial(t)
		c.write(t, question(t, 1, "slow"))
		for s.world.Waiting() == 0 {
			runtime.Gosched()
		}
		closed := make(chan struct{})
		go func() { defer close(closed); s.end(t) }()
		if _, err := silent.tryRead(); !errors.Is(err, io.EOF) {
			t.Errorf("the end of a silent connection: %v", err)
		}
		close(s.world.Release)
		if reply := c.read(t); reply.Id != 1 || reply.Rcode != dns.RcodeSuccess {
			t.Errorf("%v", reply)
		}
		if _, err := c.tryRead(); !errors.Is(err, io.EOF) {
			t.Errorf("the end: %v", err)
		}
		<-closed
		if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
			t.Error("the port still answers")
		}
	})
}

// TestEndAnswersWhatIsHeld: a query that has come and has no place to wait yet is answered
// before the connection ends.
func TestEndAnswersWhatIsHeld(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{Grace: 10 * time.Second, Waiting: 1}, transports.Limits{})
		silent, c := s.dial(t), s.dial(t)
		c.write(t, append(question(t, 1, "slow"), question(t, 2, "slow")...))
		for s.world.Waiting() == 0 {
			runtime.Gosched()
		}
		closed := make(chan struct{})
		go func() { defer close(closed); s.end(t) }()
		if _, err := silent.tryRead(); !errors.Is(err, io.EOF) {
			t.Errorf("the end of a silent connection: %v", err)
		}
		close(s.world.Release)
		for want := range uint16(2) {
			if reply := c.read(t); reply.Id != want+1 || reply.Rcode != dns.RcodeSuccess {
				t.Errorf("%v", reply)
			}
		}
		if _, err := c.tryRead(); !errors.Is(err, io.EOF) {
			t.Errorf("the end: %v", err)
		}
		<-closed
	})
}

// TestEndWithoutGrace: what does not become ready in time fails, and is told so.
func TestEndWithoutGrace(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{Grace: time.Millisecond}, transports.Limits{})
		c := s.dial(t)
		c.write(t, question(t, 1, "slow"))
		for s.world.Waiting() == 0 {
			runtime.Gosched()
		}
		ended := make(chan struct{})
		go func() { defer close(ended); c.ended(t) }()
		s.end(t)
		<-ended
	})
}

// TestOpenIsBounded: before a handshake, and given back.
func TestOpenIsBounded(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{}, transports.Limits{Connections: 2})
		first, second := s.dial(t), s.dial(t)
		for _, c := range []*client{first, second} {
			c.write(t, question(t, 1, "www"))
			c.read(t)
		}
		third, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		(&client{Conn: third}).ended(t)
		if s.Counts().Turned.Load() != 1 {
			t.Error("it was not counted")
		}
		first.Close()
		for s.Open() > 1 {
			runtime.Gosched()
		}
		c := s.dial(t)
		c.write(t, question(t, 1, "www"))
		c.read(t)
	})
}

// TestResumption: a ticket comes with the handshake, and another with the next one.
func TestResumption(t *testing.T) {
	for _, kind := range kinds {
		if !kind.secure {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			s := serve(t, kind, stream.Limits{}, transports.Limits{})
			config := s.config()
			config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := range 3 {
				conn, err := tls.Dial("tcp", s.Addr().String(), config)
				if err != nil {
					t.Fatal(err)
				}
				c := &client{Conn: conn}
				c.write(t, question(t, 7, "www")) // the ticket comes with the answer
				if reply := c.read(t); reply.Id != 7 {
					t.Errorf("%v", reply)
				}
				if resumed := conn.ConnectionState().DidResume; resumed != (i > 0) {
					t.Errorf("connection %d: resumed %t", i, resumed)
				}
				conn.Close()
			}
			if got := s.Counts().Resumed.Load(); got != 2 {
				t.Errorf("%d resumptions counted", got)
			}
		})
	}
}

// TestALPN: "dot", or nothing; who speaks something else is told so.
func TestALPN(t *testing.T) {
	s := serve(t, kinds[2], stream.Limits{}, transports.Limits{})
	for _, test := range []struct {
		offered []string
		agreed  string
		fails   bool
	}{{nil, "", false}, {[]string{"dot"}, "dot", false}, {[]string{"h2", "dot"}, "dot", false}, {[]string{"h2"}, "", true}} {
		config := s.config()
		config.NextProtos = test.offered
		conn, err := tls.Dial("tcp", s.Addr().String(), config)
		if (err != nil) != test.fails {
			t.Errorf("%v: %v", test.offered, err)
		}
		if err != nil {
			continue
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != test.agreed {
			t.Errorf("%v: %q was agreed on", test.offered, got)
		}
		conn.Close()
	}
}

// TestOtherProtocol: who asks for the answer to a challenge of an authority (RFC 8737) gets
// that and nothing more.
func TestOtherProtocol(t *testing.T) {
	for _, kind := range kinds[2:] {
		identity, _ := transportstest.Identity(t)
		pair := identity.Certificates[0]
		listener, err := stream.Listen(nil, netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"dot"}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"acme-tls/1"}}, nil
		}}
		logger := slog.New(slog.DiscardHandler)
		service := transports.NewService(transportstest.NewWorld(), transports.NewGate(transports.Limits{}), new(transportstest.Counts), logger)
		server, err := stream.Serve(stream.Config{Listener: listener, Door: resolver.TLS, TLS: config, Portable: kind.portable}, service, logger)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", server.Addr().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: kind.version, MaxVersion: kind.version, NextProtos: []string{"acme-tls/1"}})
		if err != nil {
			t.Fatal(err)
		}
		(&client{Conn: conn}).ended(t)
		conn.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMalformed: whatever comes the server ends the connection or answers, and serves on.
func TestMalformed(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		s := serve(t, kind, stream.Limits{Message: 200 * time.Millisecond, Handshake: 300 * time.Millisecond}, transports.Limits{})
		good := question(t, 1, "www")
		var wrong [][]byte
		wrong = append(wrong, []byte{0, 0}, append([]byte{0, 11}, make([]byte, 11)...), []byte{255}, append([]byte{255, 255}, make([]byte, 1000)...), good[:len(good)-1])
		var group sync.WaitGroup
		for _, data := range wrong {
			c := s.dial(t)
			c.write(t, append(slices.Clone(good), data...))
			if reply := c.read(t); reply.Id != 1 { // what stands before it is answered
				t.Errorf("before %x: %v", data, reply)
			}
			group.Go(func() { c.ended(t) })
		}
		group.Wait()
		// A nonsense of full length is answered by the book, and the connection goes on.
		c := s.dial(t)
		c.write(t, append(append([]byte{0, 14, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 1}, bytes.Repeat(good, 2)...), 0, 12, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0))
		if reply := c.read(t); reply.Id != 9 || reply.Rcode != dns.RcodeFormatError {
			t.Errorf("%v", reply)
		}
		c.read(t)
		c.read(t)
		c.write(t, good)
		c.read(t)
	})
}

// TestMalformedTLS: what is no handshake, or no record after it.
func TestMalformedTLS(t *testing.T) {
	for _, kind := range kinds {
		if !kind.secure {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			s := serve(t, kind, stream.Limits{Message: 200 * time.Millisecond, Handshake: 300 * time.Millisecond}, transports.Limits{})
			hello := append([]byte{22, 3, 1, 0x40, 0}, append([]byte{1, 0, 0xff, 0xff}, make([]byte, 16380)...)...)
			var group sync.WaitGroup
			for _, data := range [][]byte{
				question(t, 1, "www"), // plain DNS
				[]byte("GET / HTTP/1.1\r\nHost: dns.example\r\n\r\n"),
				{22}, {22, 3, 1}, {22, 3, 1, 255, 255}, {21, 3, 3, 0, 2, 2, 40}, {20, 3, 3, 0, 1, 1},
				bytes.Repeat([]byte{0}, 100_000),
				bytes.Repeat(hello, 5), // a hello without end
				hello[:100],
				append([]byte{22, 3, 1, 0, 4}, 1, 0, 0, 0),
			} {
				conn, err := net.Dial("tcp", s.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				_, _ = conn.Write(data) // the server may be gone before all is written
				if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				group.Go(func() {
					(&client{Conn: conn}).ended(t)
					conn.Close()
				})
			}
			for _, data := range [][]byte{{23, 3, 3, 0, 40}, append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...), {23, 3, 3, 255, 255}, {22, 3, 3, 0, 4, 0, 0, 0, 0}, {20, 3, 3, 0, 1, 1}, {21, 3, 3, 0, 2, 1, 0}} {
				c := s.dial(t)
				c.write(t, question(t, 1, "www"))
				c.read(t)
				if _, err := c.below.Write(data); err != nil {
					t.Fatal(err)
				}
				group.Go(func() { c.ended(t) })
			}
			group.Wait()
			c := s.dial(t)
			c.write(t, question(t, 1, "www"))
			c.read(t)
			for s.Counts().Failed.Load() < 11 {
				runtime.Gosched()
			}
		})
	}
}

// TestProxied: a load balancer says for whom it connects, in pieces too; who is none is not
// believed, and a load balancer must say it.
func TestProxied(t *testing.T) {
	header := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"), 192, 0, 2, 7, 127, 0, 0, 1, 0, 9, 0, 53)
	local := []byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00")
	each(t, func(t *testing.T, kind kind) {
		s := serveProxied(t, kind, proxy.Trusted{netip.MustParsePrefix("127.0.0.1/32")})
		for _, test := range []struct {
			header []byte
			pieces int
			from   string
		}{{header, len(header), "192.0.2.7"}, {header, 1, "192.0.2.7"}, {header, 20, "192.0.2.7"}, {local, 7, "127.0.0.1"}} {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for piece := range slices.Chunk(test.header, test.pieces) {
				if _, err := conn.Write(piece); err != nil {
					t.Fatal(err)
				}
			}
			c := s.over(t, conn)
			c.write(t, question(t, 1, "from"))
			if got := c.read(t).Answer[0].(*dns.TXT).Txt[0]; got != test.from {
				t.Errorf("asked from %s, want %s", got, test.from)
			}
		}
		var group sync.WaitGroup
		for _, wrong := range [][]byte{question(t, 1, "www"), []byte("PROXY TCP4 192.0.2.7 127.0.0.1 9 53\r\n"), append(header[:15:15], 255), {22, 3, 1}} {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(wrong); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			group.Go(func() { (&client{Conn: conn}).ended(t) })
		}
		group.Wait()
	})
}
