package overquic

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// protocol is what the application of these tests is called, and these are its error codes.
const (
	protocol        = "echo"
	codeNone        = 10
	codeCancelled   = 11
	codeLoad        = 12
	codeUnspecified = 13
	codeUnfinished  = 14
	codeTooLong     = 15
	codeFault       = 16
)

// echo answers a request with itself; "wait" has to wait until released, "large 5000" gets so
// many octets, "early" is told whether it came early, "fault" and "fatal" are faults.
type echo struct {
	release chan struct{}
	waits   chan struct{}
	ended   chan error
	ends    chan quic.StreamID // what sessions were told at their end
}

func newEcho() *echo {
	return &echo{release: make(chan struct{}), waits: make(chan struct{}, 1000), ended: make(chan error, 1000), ends: make(chan quic.StreamID, 1000)}
}

func (e *echo) Open(*quic.Conn, func(func())) (Session, error) { return e, nil }
func (e *echo) End(next quic.StreamID)                         { e.ends <- next }
func (e *echo) Busy(dst []byte) ([]byte, error)                { return append(dst, "busy"...), nil }

func (e *echo) Answer(request *Request, dst []byte) ([]byte, error) {
	word, number, _ := strings.Cut(string(request.Data), " ")
	switch word {
	case "wait":
		return dst, resolver.ErrWouldBlock
	case "large":
		size, err := strconv.Atoi(number)
		return append(dst, make([]byte, size)...), err
	case "early":
		return strconv.AppendBool(dst, request.Early), nil
	case "fault", "fatal":
		return dst, &Fault{Code: codeFault, Reason: word, Fatal: word == "fatal"}
	}
	return append(dst, request.Data...), nil
}

func (e *echo) Work(ctx context.Context, request *Request, write func([]byte) error) error {
	e.waits <- struct{}{}
	var err error
	select {
	case <-e.release:
		err = write(request.Data)
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.ended <- err
	return err
}

// server is one that listens, and what is around it.
type server struct {
	*Server
	*echo
	gate  *transports.Gate
	tls   *tls.Config // of clients
	roots *x509.CertPool
	end   func() error // once
}

func begin(t testing.TB, limits transports.Limits, change func(*Config)) *server {
	t.Helper()
	identity, roots := transportstest.Identity(t)
	s := &server{echo: newEcho(), gate: transports.NewGate(limits), roots: roots}
	s.tls = &tls.Config{RootCAs: roots, ServerName: transportstest.ServerName, NextProtos: []string{protocol}}
	config := Config{
		Address: netip.MustParseAddrPort("127.0.0.1:0"), TLS: identity, Protocol: protocol, Door: resolver.QUIC, Request: 10_000,
		Codes:      Codes{None: codeNone, Cancelled: codeCancelled, Load: codeLoad, Unspecified: codeUnspecified},
		Unfinished: &Fault{Code: codeUnfinished, Reason: "too slow", Fatal: true}, TooLong: &Fault{Code: codeTooLong, Reason: "too long"},
	}
	if change != nil {
		change(&config)
	}
	logger := slog.New(slog.DiscardHandler)
	var err error
	s.Server, err = Listen(config, transports.NewService(transportstest.NewWorld(), s.gate, new(transportstest.Counts), logger), s.echo, logger)
	if err != nil {
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

// settings of clients that have time on a busy machine.
func settings() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: patience, MaxIdleTimeout: patience}
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

func (s *server) connect(t testing.TB, config *quic.Config) (*quic.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return newTransport(t).Dial(ctx, net.UDPAddrFromAddrPort(s.Addr()), s.tls, config)
}

func (s *server) dial(t testing.TB) *quic.Conn {
	t.Helper()
	conn, err := s.connect(t, settings())
	if err != nil {
		t.Fatal(err)
	}
	return conn
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

// send sends all of a request.
func send(t testing.TB, conn *quic.Conn, request string) *quic.Stream {
	t.Helper()
	stream := open(t, conn)
	if _, err := io.WriteString(stream, request); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return stream
}

// ask expects an answer.
func ask(t testing.TB, conn *quic.Conn, request string) []byte {
	t.Helper()
	return answer(t, send(t, conn, request))
}

func answer(t testing.TB, stream *quic.Stream) []byte {
	t.Helper()
	reply, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// echoes expects that the connection is served.
func echoes(t testing.TB, conn *quic.Conn) {
	t.Helper()
	if reply := ask(t, conn, "hello"); !bytes.Equal(reply, []byte("hello")) {
		t.Errorf("answered with %q", reply)
	}
}

// resetWith expects the server to end a stream.
func resetWith(t testing.TB, stream *quic.Stream, code quic.StreamErrorCode) {
	t.Helper()
	_, err := io.ReadAll(stream)
	var reset *quic.StreamError
	if !errors.As(err, &reset) || !reset.Remote || reset.ErrorCode != code {
		t.Errorf("the stream ended with %v, want the code %d", err, code)
	}
}

// closedWith expects the server to end the connection.
func closedWith(t testing.TB, conn *quic.Conn, code quic.ApplicationErrorCode) {
	t.Helper()
	select {
	case <-conn.Context().Done():
	case <-time.After(patience):
		t.Fatal("the connection was not closed")
	}
	var closed *quic.ApplicationError
	if err := context.Cause(conn.Context()); !errors.As(err, &closed) || !closed.Remote || closed.ErrorCode != code {
		t.Errorf("closed with %v, want the code %d", err, code)
	}
}
