package doh

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// piped is a connection without sockets and without TLS, so that its time can be the test's.
type piped struct {
	*raw
	server *Server
	world  *transportstest.World
	ended  chan time.Duration // when the server had done with it
}

func pipe(t *testing.T) *piped {
	t.Helper()
	service, w, _ := newService(10)
	server := &Server{service: service, logger: slog.New(slog.DiscardHandler), blocks: newBlocks("")}
	server.context, server.cancel = context.WithCancel(context.Background())
	server.workers = workers{service: service, context: server.context, tasks: make(chan task)}
	near, far := net.Pipe()
	server.lines = make(map[*line]*connection)
	below := &line{Conn: far, gone: func() {}}
	p := &piped{server: server, raw: &raw{t: t, frames: http2.NewFramer(near, near)}, world: w, ended: make(chan time.Duration, 1)}
	p.pipe = near
	p.frames.AllowIllegalWrites = true
	begun := time.Now()
	c := newConnection(server, below, below, resolver.Client{Door: resolver.HTTPS})
	server.lines[below] = c
	go func() {
		c.serve()
		p.ended <- time.Since(begun)
		server.cancel()
	}()
	t.Cleanup(func() { near.Close() })
	return p
}

// listen reads all that the server says until its end, and gives the code of its last word.
func (p *piped) listen() chan http2.ErrCode {
	codes := make(chan http2.ErrCode, 1)
	go func() {
		code := http2.ErrCode(0xff)
		for {
			frame, err := p.frames.ReadFrame()
			if err != nil {
				codes <- code
				return
			}
			if away, ok := frame.(*http2.GoAwayFrame); ok {
				code = away.ErrCode
			}
		}
	}()
	return codes
}

func (p *piped) say(octets string) {
	p.t.Helper()
	if _, err := io.WriteString(p.pipe, octets); err != nil {
		p.t.Fatal(err)
	}
}

func TestConnectionsHaveTheirTime(t *testing.T) {
	const idleSettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, test := range map[string]struct {
		client func(p *piped)
		after  time.Duration
	}{
		"who says nothing":       {func(*piped) {}, stalled},
		"who begins and stops":   {func(p *piped) { p.say(http2.ClientPreface[:5]) }, stalled},
		"who says no settings":   {func(p *piped) { p.say(http2.ClientPreface) }, stalled},
		"who asks nothing":       {func(p *piped) { p.say(http2.ClientPreface + idleSettings) }, idle},
		"who stops in a frame":   {func(p *piped) { p.say(http2.ClientPreface + idleSettings); time.Sleep(20 * time.Second); p.say("\x00") }, 20*time.Second + stalled},
		"who stops in a header":  {func(p *piped) { p.say(http2.ClientPreface + idleSettings + "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82") }, stalled},
		"who stops in a body":    {func(p *piped) { p.say(http2.ClientPreface + idleSettings); p.open(1) }, stalled},
		"who pings all the time": {func(p *piped) { p.say(http2.ClientPreface + idleSettings); p.keepPinging() }, idle},
		"who pings in a body":    {func(p *piped) { p.say(http2.ClientPreface + idleSettings); p.open(1); p.keepPinging() }, stalled},
		"who drips a frame": {func(p *piped) {
			p.say(http2.ClientPreface + idleSettings)
			for range 100 {
				if _, err := io.WriteString(p.pipe, "\x00"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}, stalled},
		"who takes no answer": {func(p *piped) {
			p.say(http2.ClientPreface + "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00") // no window
			p.open(1)
			p.do(p.frames.WriteData(1, true, question(p.t, "www", 1)))
		}, stalled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pipe(t)
				codes := p.listen()
				done := make(chan struct{})
				go func() { defer close(done); test.client(p) }()
				if code := <-codes; code != http2.ErrCodeNo {
					t.Errorf("it is told %v", code)
				}
				if took := <-p.ended; took < test.after || took > test.after+2*time.Second {
					t.Errorf("it is left after %v, want %v", took, test.after)
				}
				p.pipe.Close()
				<-done
			})
		})
	}
}

// TestWhoDoesNotReadIsLeft: a client that takes nothing holds nobody up but itself.
func TestWhoDoesNotReadIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipe(t)
		if _, err := io.WriteString(p.pipe, http2.ClientPreface); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("written: %v", err) // the server's settings are not read
		}
		if took := <-p.ended; took < stalled || took > stalled+time.Second {
			t.Errorf("it is left after %v", took)
		}
	})
}

// TestWhoWaitsForUsMayBeSilent for as long as we take.
func TestWhoWaitsForUsMayBeSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipe(t)
		codes := p.listen()
		p.say(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		p.open(1)
		p.do(p.frames.WriteData(1, true, question(t, "slow", 1)))
		time.Sleep(30 * time.Second)
		close(p.world.Release)
		if code := <-codes; code != http2.ErrCodeNo {
			t.Errorf("it is told %v", code)
		}
		if took := <-p.ended; took < idle || took > idle+time.Second {
			t.Errorf("it is left after %v", took)
		}
		p.pipe.Close()
	})
}

func (p *piped) open(id uint32) {
	p.t.Helper()
	p.do(p.frames.WriteHeaders(headersOf(p.t, id)))
}

func (p *piped) keepPinging() {
	for p.frames.WritePing(false, [8]byte{}) == nil {
		time.Sleep(time.Second)
	}
}
