package overquic

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestRequestsOfEverySize(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	conn := s.dial(t)
	for _, size := range []int{0, 1, 1199, 1200, 1201, quick - 1, quick, quick + 1, 4 << 10, 9_999, 10_000} {
		if reply := ask(t, conn, strings.Repeat("x", size)); len(reply) != size {
			t.Errorf("%d octets are answered with %d", size, len(reply))
		}
	}
	for _, size := range []string{"large 1200", "large 1201", "large 4096", "large 70000"} {
		if reply := ask(t, conn, size); size != fmt.Sprintf("large %d", len(reply)) {
			t.Errorf("%s is answered with %d octets", size, len(reply))
		}
	}
	if reply := ask(t, conn, "early"); string(reply) != "false" {
		t.Errorf("early: %s", reply)
	}
	resetWith(t, send(t, conn, strings.Repeat("x", 10_001)), codeTooLong)
	echoes(t, conn)
}

func TestFaults(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	conn := s.dial(t)
	resetWith(t, send(t, conn, "fault"), codeFault)
	resetWith(t, send(t, conn, "large x"), codeUnspecified) // an error that says nothing of itself
	echoes(t, conn)
	send(t, conn, "fatal")
	closedWith(t, conn, codeFault)
}

// As many requests as a connection may have at once may all wait, and are answered; one more
// has to wait before it is sent.
func TestStreamsOfOneConnection(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	conn, other := s.dial(t), s.dial(t)
	var waiting []*quic.Stream
	for range streams {
		waiting = append(waiting, send(t, conn, "wait"))
	}
	for range streams {
		<-s.waits
	}
	if _, err := conn.OpenStream(); !isLimit(err) {
		t.Errorf("one more stream: %v", err)
	}
	echoes(t, other)
	close(s.release)
	for _, stream := range waiting {
		if reply := answer(t, stream); string(reply) != "wait" {
			t.Errorf("answered with %q", reply)
		}
	}
	echoes(t, conn)
	if _, err := conn.OpenUniStream(); !isLimit(err) {
		t.Errorf("a stream of one direction: %v", err)
	}
}

func isLimit(err error) bool {
	var limit quic.StreamLimitReachedError
	return errors.As(err, &limit) || errors.As(err, new(*quic.StreamLimitReachedError))
}

// Who leaves a request unfinished is told so in time, and has held up nobody; the places of
// requests that are awaited are given back.
func TestUnfinished(t *testing.T) {
	s := begin(t, transports.Limits{}, func(c *Config) { c.Patience = 300 * time.Millisecond })
	conn, other := s.dial(t), s.dial(t)
	stream := open(t, conn)
	if _, err := io.WriteString(stream, "he"); err != nil {
		t.Fatal(err)
	}
	echoes(t, other)
	closedWith(t, conn, codeUnfinished)
	echoes(t, other)
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if left := s.unfinished.Load(); left != 0 {
		t.Errorf("%d requests are still awaited", left)
	}
}

// There is a bound on the requests of all connections that are awaited.
func TestUnfinishedOfAll(t *testing.T) {
	s := begin(t, transports.Limits{}, func(c *Config) { c.Patience = time.Hour })
	s.unfinished.Add(maxUnfinished - 1) // which have come before
	defer s.unfinished.Add(1 - maxUnfinished)
	first, second := s.dial(t), s.dial(t)
	begun := open(t, first)
	if _, err := io.WriteString(begun, "he"); err != nil {
		t.Fatal(err)
	}
	for s.unfinished.Load() < maxUnfinished {
		echoes(t, second)
	}
	if _, err := io.WriteString(open(t, second), "he"); err != nil {
		t.Fatal(err)
	}
	closedWith(t, second, codeLoad)
	if _, err := io.WriteString(begun, "llo"); err != nil {
		t.Fatal(err)
	}
	if err := begun.Close(); err != nil {
		t.Fatal(err)
	}
	if reply := answer(t, begun); string(reply) != "hello" {
		t.Errorf("answered with %q", reply)
	}
}

// A client that takes away more requests than it lets be answered is one that attacks.
func TestCancelled(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	conn, other := s.dial(t), s.dial(t)
	const answered = 20
	for range answered {
		echoes(t, conn)
	}
	cancelled := 0
	for conn.Context().Err() == nil {
		stream, err := conn.OpenStreamSync(t.Context())
		if err != nil {
			break
		}
		_, _ = io.WriteString(stream, "he")
		stream.CancelWrite(1)
		stream.CancelRead(1)
		if cancelled++; cancelled > 10_000 {
			t.Fatal("it goes on for ever")
		}
	}
	closedWith(t, conn, codeLoad)
	if cancelled <= maxCancelled+answered {
		t.Errorf("ended after %d", cancelled)
	}
	echoes(t, other)
}

// Who finds no place to wait is told, and who waits keeps his.
func TestBusy(t *testing.T) {
	s := begin(t, transports.Limits{Waiting: 1}, nil)
	conn, other := s.dial(t), s.dial(t)
	waiting := send(t, conn, "wait")
	<-s.waits
	if reply := ask(t, other, "wait"); string(reply) != "busy" {
		t.Errorf("answered with %q", reply)
	}
	close(s.release)
	answer(t, waiting)
	<-s.echo.ended
	if s.gate.Waiting() > 1 {
		t.Errorf("%d places are taken", s.gate.Waiting())
	}
}

// A long answer waits for its reader in a place of those that wait, until its time is over.
func TestAnswersThatAreNotTaken(t *testing.T) {
	s := begin(t, transports.Limits{Waiting: 1}, func(c *Config) { c.Patience = 300 * time.Millisecond })
	small := settings()
	small.InitialStreamReceiveWindow, small.MaxStreamReceiveWindow = 1000, 1000
	conn, err := s.connect(t, small)
	if err != nil {
		t.Fatal(err)
	}
	other := s.dial(t)
	slow := send(t, conn, "large 5000")
	for s.gate.Waiting() == 0 {
		echoes(t, conn)
	}
	if reply := ask(t, other, "large 5000"); len(reply) != 5000 {
		t.Errorf("who takes his answer gets %d octets", len(reply))
	}
	for s.gate.Waiting() > 0 {
		echoes(t, other)
	}
	resetWith(t, slow, codeUnspecified)
	echoes(t, conn)
}

// The server that closes answers what it has taken, tells sessions which stream would have
// been the next, and ends connections without an error.
func TestCloseAnswers(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	conn := s.dial(t)
	echoes(t, conn)
	waiting := send(t, conn, "wait")
	<-s.waits
	ended := make(chan error)
	go func() { ended <- s.end() }()
	if next := <-s.ends; next != 8 {
		t.Errorf("the next stream is %d", next)
	}
	close(s.release)
	if reply := answer(t, waiting); string(reply) != "wait" {
		t.Errorf("answered with %q", reply)
	}
	closedWith(t, conn, codeNone)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What is not answered in its time when the server closes is given up.
func TestCloseGivesUp(t *testing.T) {
	s := begin(t, transports.Limits{}, nil)
	conn := s.dial(t)
	send(t, conn, "wait")
	half := open(t, conn)
	if _, err := io.WriteString(half, "he"); err != nil {
		t.Fatal(err)
	}
	<-s.waits
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if err := <-s.echo.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("what waited ended with %v", err)
	}
	closedWith(t, conn, codeNone)
	if s.gate.Waiting() != 0 || s.gate.Usage().Connections != 0 {
		t.Errorf("still held: %+v", s.gate.Usage())
	}
}

func TestListenFails(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	service := transports.NewService(transportstest.NewWorld(), transports.NewGate(transports.Limits{}), new(transportstest.Counts), logger)
	_, err := Listen(Config{Address: netip.MustParseAddrPort("192.0.2.1:853"), TLS: new(tls.Config)}, service, newEcho(), logger)
	if err == nil || !strings.Contains(err.Error(), "192.0.2.1:853") {
		t.Errorf("listening on an address of nobody: %v", err)
	}
}
