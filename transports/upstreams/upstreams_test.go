package upstreams_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/upstreams"
)

// fake answers as it is told, and notes who was asked.
type fake struct {
	t *testing.T

	mu    sync.Mutex
	says  func(*dns.Msg) *dns.Msg // nil: silence
	fails error
	takes time.Duration
	asked []resolver.Server
	ended bool
}

func (f *fake) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	f.mu.Lock()
	f.asked = append(f.asked, server)
	says, fails, takes := f.says, f.fails, f.takes
	f.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fails != nil {
		return nil, fails
	}
	message := new(dns.Msg)
	if err := message.Unpack(query); err != nil {
		f.t.Error(err)
	}
	if reply := says(message); reply != nil {
		packet, err := reply.Pack()
		if err != nil {
			f.t.Error(err)
		}
		if accept(packet) {
			return packet, nil
		}
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (f *fake) Close() error {
	f.ended = true
	return nil
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

func (f *fake) say(says func(*dns.Msg) *dns.Msg, fails error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.says, f.fails = says, fails
}

func reply(rcode int) func(*dns.Msg) *dns.Msg {
	return func(query *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(query, rcode) }
}

func query(t *testing.T) []byte {
	t.Helper()
	packet, err := new(dns.Msg).SetQuestion("www.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func anything([]byte) bool { return true }

func TestClientAsksOverOneTransport(t *testing.T) {
	clients := make([]*fake, 4)
	for i := range clients {
		clients[i] = &fake{t: t, says: reply(0)}
	}
	client := upstreams.NewClient(upstreams.Transports{Plain: clients[0], TLS: clients[1], HTTPS: clients[2], QUIC: clients[3]})
	for text, want := range map[string]int{"192.0.2.1": 0, "tcp://192.0.2.1": 0, "tls://192.0.2.1": 1, "https://192.0.2.1": 2, "h3://192.0.2.1": 2, "quic://192.0.2.1": 3} {
		server, err := resolver.ParseServer(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Exchange(t.Context(), server, query(t), anything); err != nil {
			t.Error(err)
		}
		for i, one := range clients {
			if asked := slices.Contains(one.asked, server); asked != (i == want) {
				t.Errorf("%s: client %d asked: %t", text, i, asked)
			}
		}
		broken := upstreams.NewClient(upstreams.Transports{Plain: &fake{t: t, says: reply(0)}})
		if _, err := broken.Exchange(t.Context(), server, query(t), anything); (err == nil) != (want == 0) {
			t.Errorf("%s without a client for it: %v", text, err)
		}
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	for i, one := range clients {
		if !one.ended {
			t.Errorf("client %d is not closed", i)
		}
	}
	if err := upstreams.NewClient(upstreams.Transports{}).Close(); err != nil {
		t.Error(err)
	}
}

// pair is one authoritative server, in plain text and over TLS.
type pair struct {
	*upstreams.Opportunistic
	t             *testing.T
	plain, secure *fake
}

var authority = resolver.Server{Addr: netip.MustParseAddrPort("192.0.2.1:53")}

func newPair(t *testing.T, config upstreams.OpportunisticConfig) *pair {
	t.Helper()
	p := &pair{t: t, plain: &fake{t: t, says: reply(0)}, secure: &fake{t: t, says: reply(0)}}
	p.Opportunistic = upstreams.NewOpportunistic(config, p.plain, p.secure, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// ask asks once and says how often each way was used for it.
func (p *pair) ask(plain, secure int) {
	p.t.Helper()
	before, beforeSecure := p.plain.count(), p.secure.count()
	ctx, cancel := context.WithTimeout(p.t.Context(), 1500*time.Millisecond)
	defer cancel()
	if _, err := p.Exchange(ctx, authority, query(p.t), anything); err != nil {
		p.t.Errorf("no answer: %v", err)
	}
	synctest.Wait()
	if got, gotSecure := p.plain.count()-before, p.secure.count()-beforeSecure; got != plain || gotSecure != secure {
		p.t.Errorf("asked %d times in plain text, %d over TLS; want %d, %d", got, gotSecure, plain, secure)
	}
}

func TestFirstContactIsNotDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, upstreams.OpportunisticConfig{})
		p.secure.takes = 3 * time.Second
		begin := time.Now()
		p.ask(1, 1)
		p.ask(1, 0) // while it is being tried
		if took := time.Since(begin); took != 0 {
			t.Errorf("took %s", took)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		p.secure.takes = 0
		p.ask(0, 1)
		want := resolver.Server{Addr: netip.MustParseAddrPort("192.0.2.1:853"), Transport: resolver.OverTLS}
		if p.secure.asked[0] != want {
			t.Errorf("asked %v", p.secure.asked)
		}
		if s := p.Stats(); s.Probes.Load() != 1 || s.Found.Load() != 1 || s.Answered.Load() != 1 || s.Fallback.Load() != 0 {
			t.Errorf("%d probes, %d found, %d answered, %d fell back", s.Probes.Load(), s.Found.Load(), s.Answered.Load(), s.Fallback.Load())
		}
	})
}

func TestWhatCountsAsFound(t *testing.T) {
	for name, test := range map[string]struct {
		says  func(*dns.Msg) *dns.Msg
		fails error
		found bool
	}{
		"answer":           {reply(dns.RcodeSuccess), nil, true},
		"denial":           {reply(dns.RcodeNameError), nil, true},
		"refusal":          {reply(dns.RcodeRefused), nil, false},
		"failure":          {reply(dns.RcodeServerFailure), nil, false},
		"no connection":    {nil, errors.New("connection refused"), false},
		"silence":          {func(*dns.Msg) *dns.Msg { return nil }, nil, false},
		"another ID":       {func(q *dns.Msg) *dns.Msg { r := reply(0)(q); r.Id++; return r }, nil, false},
		"another question": {func(q *dns.Msg) *dns.Msg { r := reply(0)(q); r.Question[0].Qtype++; return r }, nil, false},
		"no question":      {func(q *dns.Msg) *dns.Msg { r := reply(0)(q); r.Question = nil; return r }, nil, false},
		"a query":          {func(q *dns.Msg) *dns.Msg { r := reply(0)(q); r.Response = false; return r }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, upstreams.OpportunisticConfig{})
				p.secure.say(test.says, test.fails)
				p.ask(1, 1)
				time.Sleep(4 * time.Second) // the time-out of a try
				synctest.Wait()
				p.secure.say(reply(0), nil)
				if test.found {
					p.ask(0, 1)
				} else {
					p.ask(1, 0)
				}
			})
		})
	}
}

// TestPersistenceAndDamping: what is known holds for three days after the last answer, a
// failure for one day.
func TestPersistenceAndDamping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, upstreams.OpportunisticConfig{})
		p.ask(1, 1)
		for range 3 {
			time.Sleep(71 * time.Hour)
			p.ask(0, 1)
		}
		time.Sleep(72 * time.Hour)
		p.ask(1, 1)
		p.secure.say(nil, errors.New("connection refused"))
		p.ask(1, 1) // found a moment ago, it fails, and plain text answers
		time.Sleep(24*time.Hour - time.Second)
		p.ask(1, 0)
		time.Sleep(time.Second)
		p.ask(1, 1)
		p.ask(1, 0)
		if got := p.Stats().Fallback.Load(); got != 1 {
			t.Errorf("%d times in plain text after TLS", got)
		}
	})
}

// TestFallback: a server that fails over TLS is asked in plain text in time, however it
// fails, and one whose answer nobody waits for has not failed.
func TestFallback(t *testing.T) {
	for name, says := range map[string]func(*dns.Msg) *dns.Msg{"silent": func(*dns.Msg) *dns.Msg { return nil }, "refuses": reply(dns.RcodeRefused)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, upstreams.OpportunisticConfig{})
				p.ask(1, 1)
				p.secure.say(says, nil)
				ctx, cancel := context.WithCancel(t.Context())
				p.secure.takes = time.Second
				time.AfterFunc(time.Millisecond, cancel)
				if _, err := p.Exchange(ctx, authority, query(t), anything); !errors.Is(err, context.Canceled) || p.plain.count() != 1 {
					t.Errorf("error %v, %d plain", err, p.plain.count())
				}
				p.secure.takes = 0
				p.ask(1, 1)
				p.ask(1, 0)
			})
		})
	}
}

func TestWhoIsNotTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, upstreams.OpportunisticConfig{Except: []netip.Addr{netip.MustParseAddr("192.0.2.9")}})
		for _, text := range []string{"192.0.2.9", "192.0.2.1:5353", "tls://192.0.2.1", "https://192.0.2.1"} {
			server, err := resolver.ParseServer(text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Exchange(t.Context(), server, query(t), anything); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if p.secure.count() != 0 || p.plain.count() != 4 {
			t.Errorf("asked %v", p.secure.asked)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		p.ask(1, 0)
	})
}

// TestProbesAreBounded: over TCP too, and those left out are made up for later.
func TestProbesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, upstreams.OpportunisticConfig{Probes: 3})
		p.secure.say(func(*dns.Msg) *dns.Msg { return nil }, nil)
		var failed atomic.Int64
		contact := func() {
			var asking sync.WaitGroup
			for i := range 10 {
				server := resolver.Server{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 53), Transport: resolver.OverTCP}
				asking.Go(func() {
					if _, err := p.Exchange(t.Context(), server, query(t), anything); err != nil {
						failed.Add(1)
					}
				})
			}
			asking.Wait()
			synctest.Wait()
		}
		contact()
		if p.secure.count() != 3 || p.plain.count() != 10 || p.Stats().Skipped.Load() != 7 || failed.Load() != 0 {
			t.Errorf("%d tried, %d asked, %d failed", p.secure.count(), p.plain.count(), failed.Load())
		}
		time.Sleep(4*time.Second + time.Millisecond) // past the end of those that nobody answered
		contact()
		if p.secure.count() != 6 {
			t.Errorf("%d tried in all", p.secure.count())
		}
	})
}
