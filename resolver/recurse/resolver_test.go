package recurse_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestReferrals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		answer := resolve(t, r, "www.a.example", dns.TypeA)
		expectAnswer(t, answer, dns.RcodeSuccess, "www.a.example. A 203.0.113.4")
		want := []string{rootAddress + " www.a.example. A", "198.51.100.2 www.a.example. A", "198.51.100.4 www.a.example. A"}
		if asked := w.questions(); !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
		if answer.Zone != wire.MustName("a.example") || answer.TTL != 300*time.Second {
			t.Errorf("zone %s, TTL %s", answer.Zone, answer.TTL)
		}
		message := answer.Message()
		if message.Authoritative || !message.RecursionAvailable || len(message.Ns)+len(message.Extra) != 0 {
			t.Errorf("reply is %v", message)
		}
		// A second question starts at the deepest zone cut known.
		resolve(t, r, "other.a.example", dns.TypeA)
		if asked := w.questions(); !slices.Equal(asked, []string{"198.51.100.4 other.a.example. A"}) {
			t.Errorf("asked %q", asked)
		}
		// After the delegation's TTL the parent is asked again.
		time.Sleep(301 * time.Second)
		resolve(t, r, "www.a.example", dns.TypeA)
		if asked := w.questions(); len(asked) != 3 {
			t.Errorf("asked %q after the delegation ended", asked)
		}
	})
}

func TestQueryOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ids := map[uint16]bool{}
		answer := zone(t, ".", "www A 203.0.113.1\nmail A 203.0.113.2\nftp A 203.0.113.3\nnews A 203.0.113.4")
		w.on(rootAddress, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			ids[q.Id] = true
			edns := q.IsEdns0()
			if q.RecursionDesired || q.Opcode != 0 || q.Response || edns == nil || !edns.Do() || edns.UDPSize() != 1232 {
				t.Errorf("query is %v", q)
			}
			return answer(q, transport)
		})
		r := newResolver(t, w)
		for _, name := range []string{"www", "mail", "ftp", "news"} {
			resolve(t, r, name, dns.TypeA)
		}
		if len(ids) < 3 {
			t.Errorf("%d different IDs in 4 queries", len(ids))
		}
	})
}

func TestNotResolved(t *testing.T) {
	w := newWorld(t)
	r := newResolver(t, w)
	for _, qtype := range []uint16{0, dns.TypeAXFR, dns.TypeIXFR, dns.TypeOPT, dns.TypeTSIG, 128} {
		expectFailure(t, r, query("example", qtype), resolver.NotSupported)
	}
	chaos := query("version.bind", dns.TypeTXT)
	chaos.Question.Class = dns.ClassCHAOS
	expectFailure(t, r, chaos, resolver.NotSupported)
	inline := query("example", dns.TypeA)
	inline.Inline = true
	if _, err := r.Resolve(t.Context(), inline); !errors.Is(err, resolver.ErrWouldBlock) {
		t.Errorf("inline: %v", err)
	}
	if asked := w.questions(); len(asked) != 0 {
		t.Errorf("asked %q", asked)
	}
}

func TestNewRefuses(t *testing.T) {
	good := func() recurse.Config {
		return recurse.Config{IPv4: true}
	}
	for name, change := range map[string]func(*recurse.Config){
		"no family":       func(c *recurse.Config) { c.IPv4 = false },
		"small EDNS size": func(c *recurse.Config) { c.EDNSSize = 100 },
		"hints of others": func(c *recurse.Config) { c.Hints = parse(t, ".", "example. NS ns.root.\nns.root. A 192.0.2.1") },
		"hints nowhere":   func(c *recurse.Config) { c.Hints = parse(t, ".", ". NS ns.root.") },
		"negative cache":  func(c *recurse.Config) { c.Delegations = -1 },
	} {
		config := good()
		change(&config)
		if _, err := recurse.New(config, newWorld(t), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := recurse.New(good(), newWorld(t), slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

func TestBuiltinHints(t *testing.T) {
	names, ipv4, ipv6 := 0, map[string]bool{}, map[string]bool{}
	for _, rr := range recurse.BuiltinHints() {
		switch rr := rr.(type) {
		case *dns.NS:
			names++
		case *dns.A:
			ipv4[rr.A.String()] = true
		case *dns.AAAA:
			ipv6[rr.AAAA.String()] = true
		}
	}
	if names != 13 || len(ipv4) != 13 || len(ipv6) != 13 {
		t.Errorf("%d names, %d IPv4 and %d IPv6 addresses; want 13 of each", names, len(ipv4), len(ipv6))
	}
	if !ipv4["170.247.170.2"] || !ipv6["2001:500:12::d0d"] {
		t.Error("an address of named.root is missing")
	}
}

func TestNegative(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "www A 203.0.113.3\nlong SOA ns hostmaster 1 2 3 4 86400\nempty.below A 203.0.113.1")
		r := newResolver(t, w)
		for _, test := range []struct {
			name  string
			qtype uint16
			rcode int
		}{
			{"nothing.test", dns.TypeA, dns.RcodeNameError},
			{"www.test", dns.TypeAAAA, dns.RcodeSuccess},
			{"below.test", dns.TypeA, dns.RcodeSuccess},
		} {
			answer := resolve(t, r, test.name, test.qtype)
			expectAnswer(t, answer, test.rcode)
			// RFC 2308: the SOA's TTL is 300, its MINIMUM 60.
			ns := answer.Message().Ns
			if answer.TTL != time.Minute || len(ns) != 1 || ns[0].Header().Ttl != 60 || ns[0].Header().Name != "test." {
				t.Errorf("%s: TTL %s, authority %v", test.name, answer.TTL, ns)
			}
		}
	})
}

func TestTTLs(t *testing.T) {
	for name, test := range map[string]struct {
		answer, authority string
		want              time.Duration
	}{
		"least of the records": {"www 40 A 192.0.2.1\nwww 30 A 192.0.2.2", "", 30 * time.Second},
		"a day at most":        {"www 604800 A 192.0.2.1", "", 24 * time.Hour},
		"top bit is zero":      {"www 2147483648 A 192.0.2.1", "", 0},
		"an hour for denials":  {"", ". 99999 SOA a b 1 2 3 4 88888", time.Hour},
		"least of the SOA":     {"", ". 20 SOA a b 1 2 3 4 88888", 20 * time.Second},
		"no SOA, not kept":     {"", "", 0},
		"denial's own proofs":  {"", ". 99 SOA a b 1 2 3 4 88\nwww 10 NSEC z. A", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.on(rootAddress, func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					reply := new(dns.Msg).SetReply(q)
					reply.Authoritative = true
					reply.Answer, reply.Ns = parse(t, ".", test.answer), parse(t, ".", test.authority)
					return reply
				})
				if answer := resolve(t, newResolver(t, w), "www", dns.TypeA); answer.TTL != test.want {
					t.Errorf("TTL %s, want %s", answer.TTL, test.want)
				}
			})
		})
	}
}

func TestFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		resolve(t, r, "www.a.example", dns.TypeA)
		w.questions()
		// The zone moves. Who trusts the cache does not see it, who asks afresh does.
		w.serve("198.51.100.2", "example.", "a NS ns.a\nns.a A 198.51.100.5")
		w.serve("198.51.100.5", "a.example.", "www A 203.0.113.5")
		expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.4")
		w.questions()
		fresh := query("www.a.example", dns.TypeA)
		fresh.Fresh = true
		expectAnswer(t, resolveQuery(t, r, fresh), dns.RcodeSuccess, "www.a.example. A 203.0.113.5")
		if asked := w.questions(); len(asked) != 3 {
			t.Errorf("asked %q, want root, parent and zone", asked)
		}
		// What it learnt serves all.
		expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.5")
	})
}

func TestFreshAsksParentForDS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		resolve(t, r, "www.example", dns.TypeA)
		w.questions()
		fresh := query("example", dns.TypeDS)
		fresh.Fresh = true
		expectAnswer(t, resolveQuery(t, r, fresh), dns.RcodeSuccess, "example. DS 1 13 2 AA")
		if asked := w.questions(); !slices.Equal(asked, []string{rootAddress + " example. DS"}) {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestPriming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "198.51.100.9"
		w := newWorld(t)
		first := zone(t, ".", "www A 203.0.113.1")
		w.on(rootAddress, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			reply := first(q, transport)
			if q.Question[0].Qtype == dns.TypeNS {
				reply.Answer, reply.Ns = parse(t, ".", ". 600 NS new.root."), nil
				reply.Extra = parse(t, ".", "new.root. 600 A "+other)
			}
			return reply
		})
		w.serve(other, ".", "www A 203.0.113.9")
		r := newResolver(t, w, func(c *recurse.Config) { c.Priming = true })
		q := query("www", dns.TypeA)
		expectAnswer(t, resolveQuery(t, r, q), dns.RcodeSuccess, "www. A 203.0.113.9")
		if asked := w.questions(); !slices.Equal(asked, []string{rootAddress + " . NS", other + " www. A"}) {
			t.Errorf("asked %q", asked)
		}
		if q.Work.Queries() != 1 {
			t.Errorf("priming cost the client %d queries", q.Work.Queries()-1)
		}
		// Primed servers end with their TTL; where none answers, the hints serve.
		time.Sleep(601 * time.Second)
		w.on(rootAddress, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeNS {
				return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			}
			return first(q, transport)
		})
		expectAnswer(t, resolve(t, r, "www", dns.TypeA), dns.RcodeSuccess, "www. A 203.0.113.1")
		w.questions()
		resolve(t, r, "www", dns.TypeA)
		if asked := w.questions(); len(asked) != 1 {
			t.Errorf("asked %q right after priming failed", asked)
		}
	})
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		root := "example. NS ns.example.\n"
		for i := range 12 {
			root += fmt.Sprintf("example. NS ns%d.example.\nns%d.example. A 198.51.100.%d\n", i, i, 100+i)
			w.on(fmt.Sprintf("198.51.100.%d", 100+i), silent)
		}
		w.serve(rootAddress, ".", root)
		r := newResolver(t, w)
		begin := time.Now()
		expectFailure(t, r, query("www.example", dns.TypeA), resolver.NoReachableAuthority)
		if took := time.Since(begin); took > 7*time.Second || took < 2*time.Second {
			t.Errorf("gave up after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := r.Resolve(ctx, query("www.example", dns.TypeA)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestPrivateAddresses(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fd00::1", "::", "ff02::1", "::ffff:127.0.0.1"} {
		t.Run(address, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				kind := "A"
				if strings.Contains(address, ":") {
					kind = "AAAA"
				}
				w.serve(rootAddress, ".", "example. NS ns.example.\nns.example. "+kind+" "+address)
				w.serve(address, "example.", "www A 203.0.113.1")
				both := func(c *recurse.Config) { c.IPv6 = true }
				expectFailure(t, newResolver(t, w, both), query("www.example", dns.TypeA), resolver.NoReachableAuthority)
				if asked := w.questions(); count(asked, address+" ") != 0 {
					t.Errorf("asked %q", asked)
				}
				addr := netip.MustParseAddr(address).Unmap()
				if addr.IsLoopback() || addr.IsPrivate() {
					w.serve(addr.String(), "example.", "www A 203.0.113.1")
					allowed := newResolver(t, w, both, func(c *recurse.Config) { c.QueryLocalhost = true })
					resolve(t, allowed, "www.example", dns.TypeA)
				}
			})
		})
	}
}

func TestWorkIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		q := query("www.a.example", dns.TypeA)
		resolveQuery(t, r, q)
		if q.Work.Queries() != 3 {
			t.Errorf("%d queries counted, 3 were sent", q.Work.Queries())
		}
		q = query("other.a.example", dns.TypeA)
		for q.Work.Query() {
		}
		expectFailure(t, r, q, resolver.NoReachableAuthority)
		q = query("other.a.example", dns.TypeA)
		q.Work.Receive(resolver.MaxOctets - 10)
		expectFailure(t, r, q, resolver.NoReachableAuthority)
		q = query("www.test", dns.TypeA)
		q.Work = nil
		resolveQuery(t, r, q)
	})
}
