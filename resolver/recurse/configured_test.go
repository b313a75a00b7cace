package recurse_test

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func at(addresses ...string) []resolver.Server {
	var servers []resolver.Server
	for _, address := range addresses {
		servers = append(servers, resolver.Server{Addr: netip.AddrPortFrom(netip.MustParseAddr(address), 5353)})
	}
	return servers
}

func stub(name string, first bool, addresses ...string) func(*recurse.Config) {
	return func(c *recurse.Config) {
		c.Stubs = append(c.Stubs, recurse.Stub{Zone: wire.MustName(name), Servers: at(addresses...), First: first})
	}
}

// TestStub: the configured servers are asked, also on this machine, and their
// zone delegates further down; the longest zone counts.
func TestStub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("127.0.0.1", "test.", "www A 203.0.113.30\nsub NS ns.sub\nns.sub A 10.0.0.1\nfar NS ns.far\nns.far A 127.0.0.9")
		w.serve("10.0.0.1", "sub.test.", "www A 203.0.113.31")
		w.serve("10.0.0.2", "x.test.", "www A 203.0.113.32")
		r := newResolver(t, w, stub("test", false, "127.0.0.1"), stub("x.test", false, "10.0.0.2"))
		for name, want := range map[string]string{"www.test": "203.0.113.30", "www.sub.test": "203.0.113.31", "www.x.test": "203.0.113.32", "www.example": "203.0.113.1"} {
			expectAnswer(t, resolve(t, r, name, dns.TypeA), dns.RcodeSuccess, name+". A "+want)
		}
		// A stub is no leave to have this machine asked on its word.
		expectFailure(t, r, query("www.far.test", dns.TypeA), resolver.NoReachableAuthority)
		if asked := w.questions(); count(asked, "198.51.100.3") != 0 || count(asked, "127.0.0.9") != 0 {
			t.Errorf("asked %q", asked)
		}
		// DS stands in the parent.
		resolve(t, r, "test", dns.TypeDS)
		if asked := w.questions(); len(asked) != 1 || count(asked, rootAddress+" test. DS") != 1 {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestStubFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, first := range []bool{false, true} {
			w := usual(t)
			w.on("10.0.0.1", rcode(dns.RcodeServerFailure))
			r := newResolver(t, w, stub("test", first, "10.0.0.1"))
			if first {
				expectAnswer(t, resolve(t, r, "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 203.0.113.3")
			} else {
				expectFailure(t, r, query("www.test", dns.TypeA), resolver.NoReachableAuthority)
			}
		}
	})
}

// fixed answers every question alike.
func fixed(t *testing.T, records string, extended ...resolver.Extended) resolver.Handler {
	return resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		reply := query.Message()
		reply.Answer = parse(t, ".", records)
		return resolver.NewAnswer(reply, query.Now).Explained(extended...), nil
	})
}

func failing() resolver.Handler {
	return resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) {
		return nil, resolver.Fail(resolver.NoReachableAuthority, "nobody is there")
	})
}

// TestForward: what the handler of a zone says is believed of that zone alone.
func TestForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		said := resolver.Extended{Code: resolver.StaleAnswer, Text: "from 192.0.2.1"}
		r := newResolver(t, w, func(c *recurse.Config) {
			c.Forwards = []recurse.Forward{
				{Zone: wire.MustName("corp.test"), Handler: fixed(t, "www.corp.test. CNAME www.example.\nwww.example. A 192.0.2.66", said)},
				{Zone: wire.MustName("down.test"), Handler: failing()},
				{Zone: wire.MustName("a.example"), Handler: failing(), First: true},
			}
		})
		answer := resolve(t, r, "www.corp.test", dns.TypeA)
		expectAnswer(t, answer, dns.RcodeSuccess, "www.corp.test. CNAME www.example.", "www.example. A 203.0.113.1")
		if len(answer.Extended) != 1 || answer.Extended[0] != said {
			t.Errorf("extended %v", answer.Extended)
		}
		if asked := w.questions(); count(asked, "corp") != 0 {
			t.Errorf("asked %q", asked)
		}
		expectFailure(t, r, query("www.down.test", dns.TypeA), resolver.NoReachableAuthority)
		if asked := w.questions(); len(asked) != 0 {
			t.Errorf("asked %q", asked)
		}
		expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.4")
		// An alias into a forwarded zone is followed there.
		w.serve("198.51.100.3", "test.", "in CNAME www.corp.test.")
		answer = resolve(t, r, "in.test", dns.TypeA)
		expectAnswer(t, answer, dns.RcodeSuccess, "in.test. CNAME www.corp.test.", "www.corp.test. CNAME www.example.", "www.example. A 203.0.113.1")
	})
}

func TestIsland(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve("10.0.0.1", "test.", "www A 203.0.113.30")
		r := newResolver(t, w, stub("test", false, "10.0.0.1"), func(c *recurse.Config) { c.Hints, c.Priming = []dns.RR{}, true })
		resolve(t, r, "www.test", dns.TypeA)
		expectFailure(t, r, query("www.example", dns.TypeA), resolver.NoReachableAuthority)
	})
}

func TestConfiguredZonesAreChecked(t *testing.T) {
	zone := wire.MustName("test")
	for name, config := range map[string]recurse.Config{
		"no server": {IPv4: true, Stubs: []recurse.Stub{{Zone: zone}}},
		"both":      {IPv4: true, Stubs: []recurse.Stub{{Zone: zone, Servers: at("10.0.0.1")}}, Forwards: []recurse.Forward{{Zone: zone, Handler: failing()}}},
	} {
		if _, err := recurse.New(config, newWorld(t), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
