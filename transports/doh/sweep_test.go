package doh

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// TestRestIsShortWhileConnectionsAreMany, and as long as ever for who waits for us.
func TestRestIsShortWhileConnectionsAreMany(t *testing.T) {
	for _, test := range []struct {
		open  int
		after time.Duration
	}{{4, idle}, {8, 24 * time.Second}, {10, pressed}} {
		synctest.Test(t, func(t *testing.T) {
			p := pipe(t)
			gate := transports.NewGate(transports.Limits{Connections: 10, ConnectionsPerClient: 10})
			for range test.open {
				if !gate.Connect(resolver.Client{Addr: netip.MustParseAddr("127.0.0.1"), Door: resolver.HTTPS}) {
					t.Fatal("not let in")
				}
			}
			p.server.service.Gate = gate
			go p.server.sweep()
			codes := p.listen()
			p.say(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			p.open(1)
			p.do(p.frames.WriteData(1, true, question(t, "slow", 1)))
			time.Sleep(40 * time.Second) // no rest: we have not answered
			close(p.world.Release)
			p.open(3)
			p.do(p.frames.WriteData(3, true, question(t, "www", 1)))
			if code := <-codes; code != http2.ErrCodeNo {
				t.Errorf("it is told %v", code)
			}
			want := 40*time.Second + test.after
			if took := <-p.ended; took < want || took > want+2*sweeping {
				t.Errorf("with %d of 10 it is left after %v, want %v", test.open, took, want)
			}
			p.pipe.Close()
		})
	}
}
