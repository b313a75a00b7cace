package doq_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// server is one that listens, and what is around it.
type server struct {
	*doq.Server
	*transportstest.World
	*transportstest.Counts
	gate  *transports.Gate
	roots *x509.CertPool
	end   func() error // the server's, once

	certificate *tls.Config
}

// serve starts a server that ends with the test.
func serve(t testing.TB, limits transports.Limits, change func(*doq.Config)) *server {
	t.Helper()
	certificate, roots := transportstest.Identity(t)
	s := &server{World: transportstest.NewWorld(), Counts: new(transportstest.Counts), gate: transports.NewGate(limits), roots: roots, certificate: certificate}
	config := doq.Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: certificate}
	if change != nil {
		change(&config)
	}
	logger := slog.New(slog.DiscardHandler)
	var err error
	if s.Server, err = doq.Listen(config, transports.NewService(s.World, s.gate, s.Counts, logger), logger); err != nil {
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
	return &tls.Config{RootCAs: s.roots, ServerName: transportstest.ServerName, NextProtos: []string{doq.Protocol}}
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
