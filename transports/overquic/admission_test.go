package overquic

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func newAdmission(limits transports.Limits) (*admission, *transports.Gate) {
	gate := transports.NewGate(limits)
	service := transports.NewService(transportstest.NewWorld(), gate, new(transportstest.Counts), slog.New(slog.DiscardHandler))
	return &admission{service: service, door: resolver.QUIC}, gate
}

func from(last byte) *quic.ClientInfo {
	return &quic.ClientInfo{RemoteAddr: &net.UDPAddr{IP: net.IPv4(192, 0, 2, last), Port: 1000}}
}

// Addresses are believed until too many handshakes are under way, or have begun in a second.
func TestWhoMustProve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdmission(transports.Limits{ConnectionsPerClient: 10_000})
		for i := range freely {
			if a.mustProve(nil) {
				t.Fatalf("number %d must prove", i)
			}
		}
		if !a.mustProve(nil) {
			t.Error("one too many in a second is believed")
		}
		time.Sleep(time.Second)
		if a.mustProve(nil) {
			t.Error("the next second is not a new one")
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range unproven {
			if _, err := a.admit(ctx, from(1)); err != nil {
				t.Fatal(err)
			}
		}
		if !a.mustProve(nil) {
			t.Error("with many handshakes under way addresses are believed")
		}
		a.established.Add(1) // one has ended
		if a.mustProve(nil) {
			t.Error("with one less they are not")
		}
		a.established.Add(-1)
		cancel()
		a.group.Wait()
		if a.open.Load() != 0 || a.mustProve(nil) {
			t.Errorf("%d are open after their end", a.open.Load())
		}
	})
}

// No more than so many handshakes are under way, whoever begins them, and none without a
// place of the gate's.
func TestAdmission(t *testing.T) {
	a, gate := newAdmission(transports.Limits{ConnectionsPerClient: 10_000})
	ctx, cancel := context.WithCancel(t.Context())
	for range maxHandshakes {
		if _, err := a.admit(ctx, from(1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.admit(ctx, from(2)); err == nil {
		t.Error("one handshake too many")
	}
	a.established.Add(maxHandshakes) // all of them have ended
	if _, err := a.admit(ctx, from(2)); err != nil {
		t.Error(err)
	}
	cancel()
	a.group.Wait()
	if held := gate.Usage().Connections; held != 0 {
		t.Errorf("%d places are held", held)
	}
	few, _ := newAdmission(transports.Limits{ConnectionsPerClient: 1})
	ctx, cancel = context.WithCancel(t.Context())
	defer few.group.Wait()
	defer cancel()
	if _, err := few.admit(ctx, from(1)); err != nil {
		t.Error(err)
	}
	if _, err := few.admit(ctx, from(1)); err == nil {
		t.Error("two connections where one is allowed")
	}
	if _, err := few.admit(ctx, from(2)); err != nil {
		t.Errorf("another client: %v", err)
	}
}
