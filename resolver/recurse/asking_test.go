package recurse_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// replying answers a query at once with the address in the record.
func replying(t *testing.T, query []byte, accept func([]byte) bool) ([]byte, error) {
	t.Helper()
	message := new(dns.Msg)
	if err := message.Unpack(query); err != nil {
		return nil, err
	}
	packet, err := new(dns.Msg).SetReply(message).Pack()
	if err != nil {
		return nil, err
	}
	if !accept(packet) {
		return nil, fmt.Errorf("not accepted")
	}
	return packet, nil
}

// mute are servers of whom the first is silent and learns when it need not wait.
func mute(t *testing.T, left chan<- error) (*recurse.Upstreams, []resolver.Server) {
	var asked atomic.Int32
	exchanger := exchangerFunc(func(ctx context.Context, _ resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
		if asked.Add(1) == 1 {
			<-ctx.Done()
			left <- ctx.Err()
			return nil, ctx.Err()
		}
		return replying(t, query, accept)
	})
	upstreams, err := recurse.NewUpstreams(exchanger, recurse.UpstreamsConfig{NoCookies: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return upstreams, []resolver.Server{serverAt("192.0.2.1:53"), serverAt("192.0.2.2:53")}
}

// A server that is overtaken holds nobody up, and is not held for unreachable since
// nobody listened any more.
func TestOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan error, 1)
		upstreams, servers := mute(t, left)
		begin := time.Now()
		err := upstreams.Ask(t.Context(), resolver.NewWork(), servers, question(), func(resolver.Server, *dns.Msg) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 700*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("the first server was left with %v", err)
		}
		if stats := upstreams.Stats(); stats.Errors != 0 || stats.Timeouts != 1 || stats.Queries != 2 {
			t.Errorf("%+v", stats)
		}
	})
}

// Once one server is late, one that fails beside it is not waited for.
func TestFailureBesideALateServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		exchanger := exchangerFunc(func(ctx context.Context, _ resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
			switch asked.Add(1) {
			case 1:
				<-ctx.Done()
				return nil, ctx.Err()
			case 2:
				return nil, errors.New("it hangs up")
			}
			return replying(t, query, accept)
		})
		upstreams, err := recurse.NewUpstreams(exchanger, recurse.UpstreamsConfig{NoCookies: true}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		servers := []resolver.Server{serverAt("192.0.2.1:53"), serverAt("192.0.2.2:53"), serverAt("192.0.2.3:53")}
		begin := time.Now()
		if err := upstreams.Ask(t.Context(), resolver.NewWork(), servers, question(), func(resolver.Server, *dns.Msg) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 400*time.Millisecond { // the patience with the first
			t.Errorf("it took %s", took)
		}
	})
}

// A panic of whoever judges reaches whoever asked, also where another goroutine judged.
func TestPanicBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan error, 1)
		upstreams, servers := mute(t, left)
		defer func() {
			if fault := recover(); fault == nil || !strings.Contains(fmt.Sprint(fault), "misjudged") {
				t.Errorf("recovered %v", fault)
			}
			<-left
		}()
		_ = upstreams.Ask(t.Context(), resolver.NewWork(), servers, question(), func(resolver.Server, *dns.Msg) error { panic("misjudged") })
		t.Error("the panic is lost")
	})
}

func question() recurse.Question {
	return recurse.Question{Name: wire.Name("\x03www\x00"), Type: dns.TypeA}
}

func serverAt(address string) resolver.Server {
	return resolver.Server{Addr: netip.MustParseAddrPort(address)}
}
