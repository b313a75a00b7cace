package stream_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/stream"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
	world *transportstest.World
	seen  *transportstest.Counts
	kind  kind
	roots *x509.CertPool
	once  sync.Once
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
	s := &served{world: transportstest.NewWorld(), seen: new(transportstest.Counts), kind: kind}
	listener, err := stream.Listen(nil, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	config.Listener, config.Door, config.Portable = listener, resolver.TCP, kind.portable
	if kind.secure {
		config.TLS, s.roots = transportstest.Identity(t)
		config.Door = resolver.TLS
		config.TLS.NextProtos, config.TLS.MinVersion = []string{"dot"}, tls.VersionTLS12
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
