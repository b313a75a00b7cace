package stream_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/stream"
)

const long = time.Hour

// patient is limits that no test reaches, but for one.
func patient() stream.Limits {
	return stream.Limits{Idle: long, Pressed: long, Handshake: long, Message: long, Taking: long}
}

// drip writes an octet now and then until the server ends the connection.
func drip(t *testing.T, to net.Conn, data []byte) {
	t.Helper()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for _, octet := range data {
		if _, err := to.Write([]byte{octet}); err != nil {
			return
		}
		<-pace.C
	}
	t.Error("the connection did not end")
}

func TestIdleConnectionsEnd(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		limits := patient()
		limits.Idle, limits.Pressed = 60*time.Millisecond, 60*time.Millisecond
		s := serve(t, kind, limits, transports.Limits{})
		c := s.dial(t)
		began := time.Now()
		c.write(t, question(t, 1, "www"))
		c.read(t)
		if _, err := c.tryRead(); !errors.Is(err, io.EOF) {
			t.Errorf("not an end in order: %v", err)
		}
		if took := time.Since(began); took < 60*time.Millisecond {
			t.Errorf("it ended after %s", took)
		}
		if cut := s.Counts().Cut.Load(); cut != 0 {
			t.Errorf("%d were cut", cut)
		}
	})
}

// TestWaitingIsNotIdle: a connection stays for the answer that it waits for.
func TestWaitingIsNotIdle(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		limits := patient()
		limits.Idle, limits.Pressed = 20*time.Millisecond, 20*time.Millisecond
		s := serve(t, kind, limits, transports.Limits{})
		waits, silent := s.dial(t), s.dial(t)
		waits.write(t, question(t, 1, "slow"))
		silent.ended(t) // by then the time of the other one would be over too
		s.dial(t).ended(t)
		close(s.world.Release)
		if reply := waits.read(t); reply.Id != 1 {
			t.Errorf("%v", reply)
		}
	})
}

// TestSlowMessage: a message has its time from its first octet, whatever comes meanwhile.
func TestSlowMessage(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		limits := patient()
		limits.Message = 100 * time.Millisecond
		s := serve(t, kind, limits, transports.Limits{})
		c := s.dial(t)
		c.write(t, question(t, 1, "www"))
		c.read(t)
		drip(t, c, append([]byte{1, 0}, make([]byte, 200)...))
		if cut := s.Counts().Cut.Load(); cut != 1 {
			t.Errorf("%d were cut", cut)
		}
	})
}

// TestSlowRecord is the same below TLS.
func TestSlowRecord(t *testing.T) {
	for _, kind := range kinds {
		if !kind.secure {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			limits := patient()
			limits.Message = 100 * time.Millisecond
			s := serve(t, kind, limits, transports.Limits{})
			c := s.dial(t)
			c.write(t, question(t, 1, "www"))
			c.read(t)
			drip(t, c.below, append([]byte{23, 3, 3, 1, 0}, make([]byte, 200)...))
		})
	}
}

func TestSlowHandshake(t *testing.T) {
	for _, kind := range kinds {
		if !kind.secure {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			limits := patient()
			limits.Handshake = 100 * time.Millisecond
			s := serve(t, kind, limits, transports.Limits{})
			silent, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			(&client{Conn: silent}).ended(t)
			slow, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer slow.Close()
			drip(t, slow, append([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, make([]byte, 300)...))
		})
	}
}

// TestUntaken: who asks and asks and takes no reply is cut after a time, holds little
// until then, and keeps nobody else waiting.
func TestUntaken(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		limits := patient()
		limits.Taking = 150 * time.Millisecond
		s := serve(t, kind, limits, transports.Limits{})
		var all []byte
		for id := range uint16(400) {
			all = append(all, question(t, id, "large")...)
		}
		greedy, other := s.dial(t), s.dial(t)
		if err := greedy.below.SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			for {
				if _, err := greedy.Write(all); err != nil {
					return
				}
			}
		}()
		for done := false; !done; {
			select {
			case <-cut:
				done = true
			default:
			}
			other.write(t, question(t, 1, "www"))
			other.read(t)
		}
	})
}

// TestPressed: idle connections end sooner the nearer those that are open come to their
// bound.
func TestPressed(t *testing.T) {
	each(t, func(t *testing.T, kind kind) {
		limits := patient()
		limits.Pressed = 30 * time.Millisecond
		s := serve(t, kind, limits, transports.Limits{Connections: 4})
		first := s.dial(t)
		first.write(t, question(t, 1, "www"))
		first.read(t)
		if s.Idle() != long {
			t.Errorf("with one of four connections they may be idle for %s", s.Idle())
		}
		second := s.dial(t)
		second.write(t, question(t, 1, "www"))
		second.read(t)
		third := s.dial(t)
		third.write(t, question(t, 1, "www"))
		third.read(t)
		for s.Idle() == long {
			runtime.Gosched()
		}
		if s.Idle() <= 30*time.Millisecond {
			t.Errorf("with three of four connections they may be idle for %s", s.Idle())
		}
		s.dial(t)
		for s.Counts().Cut.Load() > 0 || s.Open() > 3 { // one makes room, and then the others may stay
			runtime.Gosched()
		}
	})
}
