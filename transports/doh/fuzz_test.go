package doh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/recourse-dns/recourse/resolver"
)

// spoken is a connection on which everything was said beforehand.
type spoken struct {
	net.Conn // for what is not called
	said     io.Reader
	heard    bytes.Buffer
}

func (s *spoken) Read(into []byte) (int, error)    { return s.said.Read(into) }
func (s *spoken) Write(octets []byte) (int, error) { return s.heard.Write(octets) }
func (s *spoken) SetReadDeadline(time.Time) error  { return nil }
func (s *spoken) SetWriteDeadline(time.Time) error { return nil }
func (s *spoken) Close() error                     { return nil }

// FuzzFrames: whatever a client says, what the door answers is HTTP/2, and its own books are right.
func FuzzFrames(f *testing.F) {
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	packet := question(f, "www", 1)
	for _, method := range []string{"GET", "POST"} {
		block, _ := asClient(f, method, packet)
		request, _ := requestOf(f, method, block, packet)
		f.Add([]byte(settings + string(request)))
		f.Add([]byte("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x07" + string(request) + "\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\x00\x05"))
		f.Add([]byte(settings + string(request) + string(request)))
	}
	f.Add([]byte(settings + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, said []byte) {
		service, w, _ := newService(4)
		close(w.Release)
		server := &Server{service: service, logger: slog.New(slog.DiscardHandler), blocks: newBlocks("")}
		server.context, server.cancel = context.WithCancel(context.Background())
		server.workers = workers{service: service, context: server.context, tasks: make(chan task)}
		conn := &spoken{said: io.MultiReader(bytes.NewReader([]byte(http2.ClientPreface)), bytes.NewReader(said))}
		below := &line{Conn: conn, gone: func() {}}
		c := newConnection(server, below, below, resolver.Client{Door: resolver.HTTPS})
		c.serve()
		server.cancel()
		server.workers.group.Wait()
		audit(t, c)
		frames := http2.NewFramer(nil, &conn.heard)
		for {
			if _, err := frames.ReadFrame(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("what the door says is no HTTP/2: %v", err)
			}
		}
	})
}

// audit sees whether what a connection counts is what there is.
func audit(t *testing.T, c *connection) {
	t.Helper()
	count, held, bodies := 0, 0, int64(0)
	for id, s := range c.streams {
		if s.id != id || id > c.highest || id%2 == 0 {
			t.Errorf("stream %d of %d is kept as %d", s.id, c.highest, id)
		}
		if s.state == receiving {
			count++
			bodies += s.received
		}
		held += len(s.rest)
	}
	if count != c.receiving || held != c.held || held > maxHeld || len(c.streams) > maxStreams {
		t.Errorf("%d of %d streams are received, counted %d; %d octets are held, counted %d", count, len(c.streams), c.receiving, held, c.held)
	}
	// What the client may send is what it has not sent, but for what lies here.
	if c.credit >= 0 && c.credit+c.consumed+bodies != receiveWindow {
		t.Errorf("windows: %d to come, %d to give back, %d here", c.credit, c.consumed, bodies)
	}
}

// FuzzMessage: whatever a body holds, the answer is a reply to it in DNS or a status that says why not.
func FuzzMessage(f *testing.F) {
	f.Add(question(f, "www", 1))
	f.Add(question(f, "drop", 1))
	f.Add(make([]byte, 12))
	f.Add([]byte{0, 0, 0x80})
	f.Fuzz(func(t *testing.T, body []byte) {
		service, w, _ := newService(4)
		close(w.Release)
		reply := handled(newHandler(service, resolver.HTTPS, ""), "POST", Path, MediaType, bytes.NewReader(body))
		said, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case !isQuery(body):
			if want := 400; reply.StatusCode != want && len(body) <= maxMessage {
				t.Fatalf("%d to what is no query", reply.StatusCode)
			}
		case reply.StatusCode == 200:
			if len(said) < 12 || !bytes.Equal(said[:2], body[:2]) || said[2]&0x80 == 0 {
				t.Fatalf("%x is no reply to %x", said, body)
			}
		case reply.StatusCode != 403 && reply.StatusCode != 413:
			t.Fatalf("%d to a query", reply.StatusCode)
		}
	})
}
