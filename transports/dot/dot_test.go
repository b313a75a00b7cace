package dot_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/dot"
	"github.com/recourse-dns/recourse/transports/stream"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, config *tls.Config, zones transports.Zones, limits stream.Limits) (*dot.Server, *transportstest.World) {
	t.Helper()
	who := transportstest.NewWorld()
	logger := slog.New(slog.DiscardHandler)
	server, err := dot.Listen(dot.Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: config, Zones: zones, Limits: limits},
		transports.NewService(who, transports.NewGate(transports.Limits{}), new(transportstest.Counts), logger), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, who
}

func question(t *testing.T, id uint16) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Id = id
	message.SetEdns0(1232, true)
	query, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return query
}

func answers(query []byte) func([]byte) bool {
	return func(reply []byte) bool {
		return len(reply) > 3 && string(reply[:2]) == string(query[:2]) && reply[2]&0x80 != 0
	}
}

func newClient(t *testing.T, config dot.ClientConfig) *dot.Client {
	t.Helper()
	client := dot.NewClient(config)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestStrict: a server must prove its name, or its address where it has no name (RFC 8310).
func TestStrict(t *testing.T) {
	config, roots := transportstest.Certificate(t, []string{"dns.example"}, net.IPv4(127, 0, 0, 1))
	server, who := serve(t, config, transports.Zones{}, stream.Limits{})
	onlyName, otherRoots := transportstest.Certificate(t, []string{"dns.example"})
	other, _ := serve(t, onlyName, transports.Zones{}, stream.Limits{})
	for _, test := range []struct {
		text   string
		server resolver.Server
		config dot.ClientConfig
		told   string
		fails  bool
	}{
		{"its name", resolver.Server{Addr: server.Addr(), Name: "dns.example"}, dot.ClientConfig{Roots: roots}, "dns.example", false},
		{"its address", resolver.Server{Addr: server.Addr()}, dot.ClientConfig{Roots: roots}, "", false},
		{"another name", resolver.Server{Addr: server.Addr(), Name: "other.example"}, dot.ClientConfig{Roots: roots}, "", true},
		{"another authority", resolver.Server{Addr: server.Addr(), Name: "dns.example"}, dot.ClientConfig{Roots: otherRoots}, "", true},
		{"the system's authorities", resolver.Server{Addr: server.Addr(), Name: "dns.example"}, dot.ClientConfig{}, "", true},
		{"an address that is not in it", resolver.Server{Addr: other.Addr()}, dot.ClientConfig{Roots: otherRoots}, "", true},
		{"anybody", resolver.Server{Addr: other.Addr(), Name: "dns.example"}, dot.ClientConfig{Opportunistic: true}, "", false},
	} {
		query := question(t, 7)
		test.server.Transport = resolver.OverTLS
		before := len(who.Clients())
		_, err := newClient(t, test.config).Exchange(t.Context(), test.server, query, answers(query))
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", test.text, err)
		}
		if test.server.Addr != server.Addr() {
			continue
		}
		asking := who.Clients()
		if asked := len(asking) - before; test.fails && asked != 0 || !test.fails && (asked != 1 || who.Client().Name != test.told) {
			t.Errorf("%s: asked %d times, as %v", test.text, asked, asking)
		}
	}
}

// scripted is a server of TLS whose connections are served by hand.
func scripted(t *testing.T, serve func(number int32, conn *tls.Conn)) (resolver.Server, dot.ClientConfig, *atomic.Int32) {
	t.Helper()
	config, roots := transportstest.Certificate(t, nil, net.IPv4(127, 0, 0, 1))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	opened := new(atomic.Int32)
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			number := opened.Add(1)
			group.Go(func() {
				defer conn.Close()
				serve(number, tls.Server(conn, config))
			})
		}
	})
	t.Cleanup(func() { listener.Close(); group.Wait() })
	return resolver.Server{Addr: listener.Addr().(*net.TCPAddr).AddrPort(), Transport: resolver.OverTLS}, dot.ClientConfig{Roots: roots}, opened
}

func readQuery(conn net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, query)
	return query, err
}

func reply(conn net.Conn, query []byte) {
	query[2] |= 0x80
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...))
}

// TestPadded: queries have one of few sizes (RFC 8467), their IDs are as they come, and
// those that come together go over one connection without waiting for each other.
func TestPadded(t *testing.T) {
	const many = 40
	server, config, opened := scripted(t, func(_ int32, conn *tls.Conn) {
		var waiting [][]byte
		for range many {
			query, err := readQuery(conn)
			if err != nil {
				return
			}
			if len(query)%128 != 0 {
				t.Errorf("a query of %d octets", len(query))
			}
			waiting = append(waiting, query)
		}
		for _, query := range waiting {
			reply(conn, query)
		}
		_, _ = io.Copy(io.Discard, conn)
	})
	client := newClient(t, config)
	var group sync.WaitGroup
	for id := range uint16(many) {
		group.Go(func() {
			query := question(t, id)
			if _, err := client.Exchange(t.Context(), server, query, answers(query)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if opened.Load() != 1 {
		t.Errorf("%d connections", opened.Load())
	}
	_ = client.Close()
}

// TestConnectionsThatEnd: one that ended while it was idle is replaced, once, and the next
// handshake resumes the session.
func TestConnectionsThatEnd(t *testing.T) {
	var resumed atomic.Int32
	server, config, opened := scripted(t, func(number int32, conn *tls.Conn) {
		if query, err := readQuery(conn); err == nil {
			if conn.ConnectionState().DidResume {
				resumed.Add(1)
			}
			reply(conn, query)
			_ = conn.CloseWrite()
		}
	})
	client := newClient(t, config)
	for id := range uint16(5) {
		query := question(t, id)
		if _, err := client.Exchange(t.Context(), server, query, answers(query)); err != nil {
			t.Errorf("query %d: %v", id, err)
		}
	}
	if opened.Load() != 5 || resumed.Load() != 4 {
		t.Errorf("%d connections, %d of them resumed", opened.Load(), resumed.Load())
	}
}

func TestFailures(t *testing.T) {
	mute, config, _ := scripted(t, func(_ int32, conn *tls.Conn) { _, _ = io.Copy(io.Discard, conn) })
	config.Timeout = 50 * time.Millisecond
	query := question(t, 1)
	_, err := newClient(t, config).Exchange(t.Context(), mute, query, answers(query))
	var slow interface{ Timeout() bool }
	if !errors.As(err, &slow) || !slow.Timeout() {
		t.Errorf("a server that says nothing: %v", err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		for {
			conn, err := plain.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("no TLS here, sorry"))
			conn.Close()
		}
	}()
	address := plain.Addr().(*net.TCPAddr).AddrPort()
	hung, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never a hello
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	closes, _, _ := scripted(t, func(_ int32, conn *tls.Conn) { _, _ = readQuery(conn) })
	for name, server := range map[string]resolver.Server{
		"no address": {}, "no TLS": {Addr: address}, "no handshake": {Addr: hung.Addr().(*net.TCPAddr).AddrPort()}, "closes": closes,
	} {
		if reply, err := newClient(t, config).Exchange(t.Context(), server, query, answers(query)); err == nil {
			t.Errorf("%s: %x", name, reply)
		}
	}
	client := newClient(t, config)
	_ = client.Close()
	if _, err := client.Exchange(t.Context(), mute, query, answers(query)); err == nil {
		t.Error("a closed client asked")
	}
}

// transfers is one zone whose transfer is five messages of 60,000 octets.
type transfers struct{ t *testing.T }

func (transfers) Serves(zone wire.Name) bool { return zone == wire.MustName("policy.example") }

func (s transfers) Transfer(_ context.Context, client resolver.Client, request []byte, write func([]byte) error) error {
	if client.Door != resolver.TLS || client.Name != "dns.example" {
		s.t.Errorf("asked by %v", client)
	}
	for range 5 {
		if err := write(append(append([]byte(nil), request[:2]...), make([]byte, 60_000)...)); err != nil {
			return err
		}
	}
	return nil
}

// TestTransfers: zones go over TLS as over TCP (RFC 9103), beside questions.
func TestTransfers(t *testing.T) {
	config, roots := transportstest.Certificate(t, []string{"dns.example"})
	server, _ := serve(t, config, transports.Zones{Transfers: transfers{t}}, stream.Limits{})
	conn, err := tls.Dial("tcp", server.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "dns.example", NextProtos: []string{dot.Protocol}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	asked, err := new(dns.Msg).SetQuestion("policy.example.", dns.TypeAXFR).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(asked))), asked...)); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if message, err := readQuery(conn); err != nil || len(message) != 60_002 {
				t.Fatalf("message %d: %d octets, %v", i, len(message), err)
			}
		}
	}
}

// TestCertificatesChange: what a server presents is replaced between two handshakes, while
// others ask; nobody sees an error.
func TestCertificatesChange(t *testing.T) {
	first, roots := transportstest.Certificate(t, []string{"dns.example"})
	second, _ := transportstest.Certificate(t, []string{"dns.example"})
	var current atomic.Pointer[tls.Certificate]
	current.Store(&first.Certificates[0])
	config := &tls.Config{NextProtos: []string{dot.Protocol}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }}
	server, _ := serve(t, config, transports.Zones{}, stream.Limits{})
	leaf, err := x509.ParseCertificate(second.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	asking := resolver.Server{Addr: server.Addr(), Transport: resolver.OverTLS, Name: "dns.example"}
	kept := newClient(t, dot.ClientConfig{Roots: roots})
	var group sync.WaitGroup
	for worker := range uint16(4) {
		group.Go(func() {
			for i := range uint16(25) {
				query := question(t, worker<<8|i)
				for _, client := range []*dot.Client{kept, newClient(t, dot.ClientConfig{Roots: roots})} {
					if _, err := client.Exchange(t.Context(), asking, query, answers(query)); err != nil {
						t.Error(fmt.Errorf("query %d of worker %d: %w", i, worker, err))
					}
				}
				if i == 10 {
					current.Store(&second.Certificates[0])
				}
			}
		})
	}
	group.Wait()
}
