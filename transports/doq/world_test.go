package doq_test

import (
	"bytes"
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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
)

const serverName = "dns.example"

// counts keeps what the observer is told.
type counts struct{ by [16]atomic.Int64 }

func (c *counts) Answered(_ uint32, door resolver.Door, outcome transports.Outcome, queries int, _ time.Duration) {
	if door == resolver.QUIC {
		c.by[outcome].Add(int64(queries))
	}
}

func (c *counts) of(outcome transports.Outcome) int64 { return c.by[outcome].Load() }

// world answers by name: "slow" has to wait until released and tells how that ended, "drop"
// is dropped, "large" is long, anything else has an address.
type world struct {
	release chan struct{}
	waits   chan struct{}
	ended   chan error

	kept atomic.Pointer[resolver.Answer] // for all names, where set

	mu      sync.Mutex
	clients []resolver.Client
}

// keep answers all names with one answer from now on, as a cache does.
func (w *world) keep(t testing.TB) {
	t.Helper()
	message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
	message.Response = true
	message.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "www.example.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 600}, A: net.IPv4(192, 0, 2, 1)}}
	answer, err := resolver.NewAnswer(message, time.Now()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	w.kept.Store(answer)
}

func (w *world) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if kept := w.kept.Load(); kept != nil {
		return kept, nil
	}
	w.mu.Lock()
	w.clients = append(w.clients, query.Client)
	w.mu.Unlock()
	reply := query.Message()
	header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}
	switch query.Question.Name.String() {
	case "slow":
		if query.Inline {
			return nil, resolver.ErrWouldBlock
		}
		w.waits <- struct{}{}
		select {
		case <-w.release:
			w.ended <- nil
		case <-ctx.Done():
			w.ended <- ctx.Err()
			return nil, ctx.Err()
		}
	case "drop":
		return nil, resolver.Dropped
	case "large":
		header.Rrtype = dns.TypeTXT
		for i := range 200 {
			reply.Answer = append(reply.Answer, &dns.TXT{Hdr: header, Txt: []string{strings.Repeat("x", 200), string(rune('a' + i%26))}})
		}
		return resolver.NewAnswer(reply, query.Now).Pack()
	}
	reply.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 1)}}
	return resolver.NewAnswer(reply, query.Now).Pack()
}

func (w *world) lastClient() resolver.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clients[len(w.clients)-1]
}

// identity is a certificate for serverName and 127.0.0.1, and whom to believe for it.
func identity(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{serverName}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}}, roots
}

// server is one that listens, and what is around it.
type server struct {
	*doq.Server
	*world
	*counts
	gate  *transports.Gate
	roots *x509.CertPool
	end   func() error // the server's, once

	certificate *tls.Config
}

// serve starts a server that ends with the test.
func serve(t testing.TB, limits transports.Limits, change func(*doq.Config)) *server {
	t.Helper()
	certificate, roots := identity(t)
	s := &server{world: &world{release: make(chan struct{}), waits: make(chan struct{}, 100), ended: make(chan error, 100)}, counts: new(counts), gate: transports.NewGate(limits), roots: roots, certificate: certificate}
	config := doq.Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: certificate}
	if change != nil {
		change(&config)
	}
	logger := slog.New(slog.DiscardHandler)
	var err error
	if s.Server, err = doq.Listen(config, transports.NewService(s.world, s.gate, s.counts, logger), logger); err != nil {
		t.Fatal(err)
	}
	s.end = sync.OnceValue(s.Close)
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) tls() *tls.Config {
	return &tls.Config{RootCAs: s.roots, ServerName: serverName, NextProtos: []string{doq.Protocol}}
}

// dial connects by the library alone, so that what is sent is the test's own.
func (s *server) dial(t testing.TB) *quic.Conn {
	t.Helper()
	conn, err := s.connect(t, s.tls(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (s *server) connect(t testing.TB, config *tls.Config, settings *quic.Config) (*quic.Conn, error) {
	t.Helper()
	transport := newTransport(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return transport.Dial(ctx, net.UDPAddrFromAddrPort(s.Addr()), config, settings)
}

func newTransport(t testing.TB) *quic.Transport {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		if err := errors.Join(transport.Close(), socket.Close()); err != nil {
			t.Error(err)
		}
	})
	return transport
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// query is a framed query with ID 0.
func query(t testing.TB, name string, change ...func(*dns.Msg)) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
	message.Id = 0
	message.SetEdns0(1232, false)
	for _, one := range change {
		one(message)
	}
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return framed(packed)
}

func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

func open(t testing.TB, conn *quic.Conn) *quic.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return stream
}

// send sends all of a stream.
func send(t testing.TB, conn *quic.Conn, data []byte) *quic.Stream {
	t.Helper()
	stream := open(t, conn)
	if _, err := stream.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return stream
}

// receive reads the one reply of a stream.
func receive(t testing.TB, stream *quic.Stream) *dns.Msg {
	t.Helper()
	return unpack(t, readAll(t, stream))
}

func readAll(t testing.TB, stream *quic.Stream) []byte {
	t.Helper()
	data, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unpack(t testing.TB, data []byte) *dns.Msg {
	t.Helper()
	if len(data) < 2 || int(binary.BigEndian.Uint16(data)) != len(data)-2 {
		t.Fatalf("%d octets are no message with its length", len(data))
	}
	message := new(dns.Msg)
	if err := message.Unpack(bytes.Clone(data[2:])); err != nil {
		t.Fatal(err)
	}
	return message
}

// ask expects a reply with an address.
func ask(t testing.TB, conn *quic.Conn, name string) *dns.Msg {
	t.Helper()
	reply := receive(t, send(t, conn, query(t, name)))
	if reply.Id != 0 || !reply.Response || len(reply.Answer) == 0 {
		t.Fatalf("the reply is %v", reply)
	}
	return reply
}

// closedWith expects the server to end the connection with a code of the application.
func closedWith(t testing.TB, conn *quic.Conn, code quic.ApplicationErrorCode) {
	t.Helper()
	select {
	case <-conn.Context().Done():
	case <-time.After(patience):
		t.Fatal("the connection was not closed")
	}
	var closed *quic.ApplicationError
	if err := context.Cause(conn.Context()); !errors.As(err, &closed) || !closed.Remote || closed.ErrorCode != code {
		t.Fatalf("closed with %v, want the code %d", err, code)
	}
}

// resetWith expects the server to reset a stream.
func resetWith(t testing.TB, stream *quic.Stream, code quic.StreamErrorCode) {
	t.Helper()
	_, err := io.ReadAll(stream)
	var reset *quic.StreamError
	if !errors.As(err, &reset) || !reset.Remote || reset.ErrorCode != code {
		t.Fatalf("the stream ended with %v, want the code %d", err, code)
	}
}
