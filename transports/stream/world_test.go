package stream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counts keeps what the observer is told.
type counts struct{ by [16]atomic.Int64 }

func (c *counts) Answered(_ uint32, _ resolver.Door, outcome transports.Outcome, queries int, _ time.Duration) {
	c.by[outcome].Add(int64(queries))
}

// world answers by name: "slow" has to wait until released, "drop" is dropped, "fail"
// fails, "panic" panics, "large" has 60,000 octets, "who" tells the name that the client
// connected to, "from" its address; anything else has an address.
type world struct {
	release chan struct{}
	waiting atomic.Int32
}

func (w *world) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}
	switch query.Question.Name.String() {
	case "slow":
		if query.Inline {
			return nil, resolver.ErrWouldBlock
		}
		w.waiting.Add(1)
		defer w.waiting.Add(-1)
		select {
		case <-w.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "drop":
		return nil, resolver.Dropped
	case "fail":
		return nil, resolver.Fail(resolver.Bogus, "the signature is wrong")
	case "panic":
		panic("fault")
	case "large":
		for range 240 {
			reply.Answer = append(reply.Answer, &dns.TXT{Hdr: header, Txt: []string{strings.Repeat("x", 240)}})
		}
		return resolver.NewAnswer(reply, query.Now).Pack()
	case "from":
		reply.Answer = []dns.RR{&dns.TXT{Hdr: header, Txt: []string{query.Client.Addr.String()}}}
		return resolver.NewAnswer(reply, query.Now).Pack()
	case "who":
		reply.Answer = []dns.RR{&dns.TXT{Hdr: header, Txt: []string{query.Client.Name}}}
		return resolver.NewAnswer(reply, query.Now).Pack()
	}
	header.Rrtype = dns.TypeA
	reply.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 1)}}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

// kind is one way to serve, and to be a client of that.
type kind struct {
	name     string
	secure   bool
	portable bool
	version  uint16
}

var kinds = []kind{
	{name: "tcp"}, {name: "tcp, portable", portable: true},
	{name: "tls 1.3", secure: true, version: tls.VersionTLS13}, {name: "tls 1.3, portable", secure: true, version: tls.VersionTLS13, portable: true},
	{name: "tls 1.2", secure: true, version: tls.VersionTLS12}, {name: "tls 1.2, portable", secure: true, version: tls.VersionTLS12, portable: true},
}

// served is a server and what stands behind it.
type served struct {
	*stream.Server
	world *world
	seen  *counts
	kind  kind
	roots *x509.CertPool
	once  sync.Once
}

func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"dns.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(made)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}, roots
}

func serve(t testing.TB, kind kind, limits stream.Limits, gate transports.Limits) *served {
	return serveLogged(t, kind, limits, gate, slog.New(slog.DiscardHandler))
}

func serveProxied(t testing.TB, kind kind, proxies proxy.Trusted) *served {
	return serveWith(t, kind, stream.Config{Proxies: proxies, Limits: stream.Limits{Handshake: 300 * time.Millisecond}}, transports.Limits{}, slog.New(slog.DiscardHandler))
}

func serveLogged(t testing.TB, kind kind, limits stream.Limits, gate transports.Limits, logger *slog.Logger) *served {
	return serveWith(t, kind, stream.Config{Limits: limits}, gate, logger)
}

func serveWith(t testing.TB, kind kind, config stream.Config, gate transports.Limits, logger *slog.Logger) *served {
	t.Helper()
	s := &served{world: &world{release: make(chan struct{})}, seen: new(counts), kind: kind}
	listener, err := stream.Listen(nil, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	config.Listener, config.Door, config.Portable = listener, resolver.TCP, kind.portable
	if kind.secure {
		pair, roots := certificate(t)
		s.roots = roots
		config.Door = resolver.TLS
		config.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"dot"}, MinVersion: tls.VersionTLS12}
	}
	s.Server, err = stream.Serve(config, transports.NewService(s.world, transports.NewGate(gate), s.seen, logger), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	return s
}

// end closes the server, once.
func (s *served) end(t testing.TB) {
	s.once.Do(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if open := s.Open(); open != 0 {
			t.Errorf("%d connections are open after the end", open)
		}
	})
}

func (s *served) config() *tls.Config {
	return &tls.Config{RootCAs: s.roots, ServerName: "dns.example", MinVersion: s.kind.version, MaxVersion: s.kind.version, NextProtos: []string{"dot"}}
}

// dial opens a connection as the kind of server wants it. It ends with the test.
func (s *served) dial(t testing.TB) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s.over(t, conn)
}

// over does the handshake, if there is one.
func (s *served) over(t testing.TB, conn net.Conn) *client {
	t.Helper()
	if !s.kind.secure {
		return &client{conn, conn.(*net.TCPConn)}
	}
	secured := tls.Client(conn, s.config())
	if err := secured.Handshake(); err != nil {
		t.Fatal(err)
	}
	return &client{secured, conn.(*net.TCPConn)}
}

// client is a connection, and the one below it.
type client struct {
	net.Conn
	below *net.TCPConn
}

func question(t testing.TB, id uint16, name string) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	message.Id = id
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)
}

func (c *client) write(t testing.TB, data []byte) {
	t.Helper()
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
}

func (c *client) read(t testing.TB) *dns.Msg {
	t.Helper()
	reply, err := c.tryRead()
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func (c *client) tryRead() (*dns.Msg, error) {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, packet); err != nil {
		return nil, err
	}
	reply := new(dns.Msg)
	return reply, reply.Unpack(packet)
}

// ended reads until the server has closed the connection, which it must.
func (c *client) ended(t testing.TB) {
	t.Helper()
	for {
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection did not end")
			}
			return
		}
	}
}

func each(t *testing.T, do func(t *testing.T, kind kind)) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) { do(t, kind) })
	}
}
