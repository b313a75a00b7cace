package recurse_test

import (
	"fmt"
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

func TestGlueless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.2", "example.", "a NS ns.host.test.\nb NS ns.host.test.")
		w.serve("198.51.100.3", "test.", "ns.host A 198.51.100.4")
		r := newResolver(t, w)
		expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.4")
		w.questions()
		// The address is remembered, for the other zone on that server too.
		w.serve("198.51.100.4", "b.example.", "www A 203.0.113.5")
		resolve(t, r, "www.b.example", dns.TypeA)
		if asked := w.questions(); count(asked, "ns.host") != 0 {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestGlueRules(t *testing.T) {
	for name, test := range map[string]struct {
		glue    string
		believe bool
	}{
		"below the zone":      {"ns.a.example.", true},
		"sibling":             {"ns.b.example.", true},
		"outside the parent":  {"ns.test.", false},
		"not a name server's": {"other.a.example.", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				host := test.glue
				if strings.HasPrefix(host, "other") {
					host = "ns.a.example."
				}
				w.on("198.51.100.2", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					reply := new(dns.Msg).SetReply(q)
					reply.Ns = parse(t, "example.", "a NS "+host)
					reply.Extra = parse(t, "example.", test.glue+" A 198.51.100.66")
					return reply
				})
				w.serve("198.51.100.66", "a.example.", "www A 192.0.2.66")
				answer, err := newResolver(t, w).Resolve(t.Context(), query("www.a.example", dns.TypeA))
				if test.believe != (err == nil) || test.believe != (count(w.questions(), "198.51.100.66") > 0) {
					t.Errorf("answer %v, error %v", answer, err)
				}
			})
		})
	}
}

// TestReferralDirections: all but the honest one are lame, and the next server is asked.
func TestReferralDirections(t *testing.T) {
	for name, authority := range map[string]string{
		"up":          ". NS ns.root.",
		"to itself":   "example. NS ns.example.",
		"sideways":    "b.example. NS ns.b.example.",
		"other tree":  "test. NS ns.test.",
		"below":       "x.www.example. NS ns.example.",
		"to nothing":  "",
		"child class": "www.example. CH NS ns.example.",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				w.serve(rootAddress, ".", "example. NS ns1.example.\nexample. NS ns2.example.\nns1.example. A 198.51.100.2\nns2.example. A 198.51.100.22")
				lame := 0
				w.on("198.51.100.22", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					lame++
					reply := new(dns.Msg).SetReply(q)
					reply.Ns = parse(t, ".", authority)
					reply.Extra = parse(t, ".", "ns.example. A 198.51.100.66\nns.root. A 198.51.100.66\nns.test. A 198.51.100.66")
					return reply
				})
				r := newResolver(t, w)
				for range 20 {
					expectAnswer(t, resolve(t, r, "www.example", dns.TypeA), dns.RcodeSuccess, "www.example. A 203.0.113.1")
				}
				// Of twenty, about half would have come here first; being lame is remembered.
				if asked := w.questions(); lame > 2 || count(asked, "198.51.100.66") != 0 || r.Stats().Lame != uint64(lame) {
					t.Errorf("lame server asked %d times; %q", lame, asked)
				}
			})
		})
	}
}

// TestRecursingAuthority: a resolver that is named as an authority is asked, but
// believed only where no server has authority.
func TestRecursingAuthority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recursing := func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.RecursionAvailable, reply.Answer = true, parse(t, "test.", "www A 192.0.2.66")
			return reply
		}
		for range 8 { // the order is random
			w := pair(t, recursing)
			expectAnswer(t, resolve(t, newResolver(t, w), "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 203.0.113.3")
		}
		w := usual(t)
		w.on("198.51.100.3", recursing)
		expectAnswer(t, resolve(t, newResolver(t, w), "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 192.0.2.66")
		w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.RecursionAvailable = true
			return reply
		})
		expectFailure(t, newResolver(t, w), query("www.test", dns.TypeA), resolver.NoReachableAuthority)
	})
}

func TestGhostDomain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		// The child tells of itself, with a long life, in every answer.
		w.on("198.51.100.4", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			reply.Answer = parse(t, ".", q.Question[0].Name+" A 203.0.113.4")
			reply.Ns = parse(t, ".", "a.example. 86400 NS ns.a.example.")
			reply.Extra = parse(t, ".", "ns.a.example. 86400 A 198.51.100.4")
			return reply
		})
		resolve(t, r, "www.a.example", dns.TypeA)
		w.serve("198.51.100.2", "example.", "www A 203.0.113.1") // the parent withdraws it
		time.Sleep(299 * time.Second)
		resolve(t, r, "x.a.example", dns.TypeA)
		time.Sleep(2 * time.Second)
		expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeNameError)
	})
}

func TestMovedZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		resolve(t, r, "www.a.example", dns.TypeA)
		w.on("198.51.100.4", rcode(dns.RcodeRefused))
		w.serve("198.51.100.2", "example.", "a NS ns.a\nns.a A 198.51.100.5")
		w.serve("198.51.100.5", "a.example.", "www A 203.0.113.5")
		expectFailure(t, r, query("www.a.example", dns.TypeA), resolver.NoReachableAuthority)
		time.Sleep(2 * time.Minute) // the delegation still lives, but it may be doubted
		expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.5")
	})
}

const denial = "NSEC z.example. NS RRSIG NSEC"

func TestDSFromReferral(t *testing.T) {
	const signature = "RRSIG DS 5 1 300 20300101000000 20200101000000 1 . AA=="
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve(rootAddress, ".", "example. NS ns.example.\nexample. DS 1 13 2 AA\nexample. "+signature+"\nns.example. A 198.51.100.2\nns.example. NSEC z.\nplain. NS ns.example.\nplain. NSEC z. NS")
		w.serve("198.51.100.2", "example.", "a NS ns.a\na "+denial+"\nns.a A 198.51.100.4\nbare NS ns.a")
		w.serve("198.51.100.4", "a.example.", "b NS ns.b\nns.b A 198.51.100.4")
		r := newResolver(t, w)
		resolve(t, r, "www.a.example", dns.TypeA)
		w.questions()
		time.Sleep(10 * time.Second)

		answer := resolve(t, r, "example", dns.TypeDS)
		expectAnswer(t, answer, dns.RcodeSuccess, "example. DS 1 13 2 AA", "example. "+signature)
		if answer.Zone != wire.Root || answer.TTL != 290*time.Second || answer.Message().Answer[0].Header().Ttl != 290 {
			t.Errorf("zone %s, TTL %s", answer.Zone, answer.TTL)
		}
		answer = resolve(t, r, "a.example", dns.TypeDS)
		expectAnswer(t, answer, dns.RcodeSuccess)
		if got := lines(answer.Message().Ns); !slices.Equal(got, []string{"a.example. " + denial}) || answer.Zone != wire.MustName("example") || answer.TTL != 289*time.Second {
			t.Errorf("authority %q, zone %s, TTL %s", got, answer.Zone, answer.TTL)
		}
		if asked := w.questions(); len(asked) != 0 {
			t.Errorf("asked %q", asked)
		}
		// A client's own question gets a denial with an SOA, which the referral lacks.
		query := resolver.NewQuery(wire.MustName("a.example"), dns.TypeDS, resolver.NewWork())
		query.Client.Door = resolver.UDP
		if _, err := r.Resolve(t.Context(), query); err != nil {
			t.Error(err)
		}
		if asked := w.questions(); !slices.Equal(asked, []string{"198.51.100.2 a.example. DS"}) {
			t.Errorf("for a client asked %q", asked)
		}
		// Aged copies: the kept ones are as they were.
		if again := resolve(t, r, "example", dns.TypeDS); again.TTL != 290*time.Second {
			t.Errorf("TTL %s the second time", again.TTL)
		}
		time.Sleep(291 * time.Second)
		resolve(t, r, "example", dns.TypeDS)
		if asked := w.questions(); !slices.Equal(asked, []string{rootAddress + " example. DS"}) {
			t.Errorf("asked %q after the delegation ended", asked)
		}
	})
}

func TestDSOfUnsignedParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "c NS ns.c\nns.c A 198.51.100.4")
		w.serve("198.51.100.4", "c.test.", "d NS ns.d\nns.d A 198.51.100.4\nwww A 203.0.113.4")
		r := newResolver(t, w)
		resolve(t, r, "www.c.test", dns.TypeA)
		w.questions()
		// test. has no DS itself: that c.test. has none needs no question.
		answer := resolve(t, r, "c.test", dns.TypeDS)
		if message := answer.Message(); len(message.Answer)+len(message.Ns) != 0 || answer.Zone != wire.MustName("test") || answer.TTL != 299*time.Second {
			t.Errorf("zone %s, TTL %s, %v", answer.Zone, answer.TTL, message)
		}
		if asked := w.questions(); len(asked) != 0 {
			t.Errorf("asked %q", asked)
		}
		// The root is signed: that its referral told nothing of test. proves nothing.
		answer = resolve(t, r, "test", dns.TypeDS)
		if asked := w.questions(); len(asked) != 1 || count(asked, rootAddress) != 1 || len(answer.Message().Ns) != 1 {
			t.Errorf("asked %q, got %v", asked, answer.Message())
		}
	})
}

// TestDSBelowIsland: a zone with a trust anchor of its own is signed whatever its
// parent says, so that a referral of its own that lacks proof is completed.
func TestDSBelowIsland(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "c NS ns.c\nns.c A 198.51.100.4")
		w.serve("198.51.100.4", "c.test.", "www A 203.0.113.4")
		r := newResolver(t, w, func(c *recurse.Config) { c.Islands = []wire.Name{wire.MustName("test")} })
		resolve(t, r, "www.c.test", dns.TypeA)
		w.questions()
		resolve(t, r, "c.test", dns.TypeDS)
		if asked := w.questions(); !slices.Equal(asked, []string{"198.51.100.3 c.test. DS"}) {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestDSFromParentsServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.2", "example.", "a NS ns.a\na DS 2 13 2 BB\nns.a A 198.51.100.4")
		r := newResolver(t, w)
		answer := resolve(t, r, "a.example", dns.TypeDS)
		expectAnswer(t, answer, dns.RcodeSuccess, "a.example. DS 2 13 2 BB")
		if asked := w.questions(); count(asked, "198.51.100.4") != 0 || answer.Zone != wire.MustName("example") {
			t.Errorf("zone %s, asked %q", answer.Zone, asked)
		}
		// A server that refers where it should answer has told in its referral.
		w.serve(rootAddress, ".", "test. NS ns.test.\nns.test. A 198.51.100.3")
		w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Ns = parse(t, "test.", "a NS ns.a\na DS 3 13 2 CC")
			return reply
		})
		expectAnswer(t, resolve(t, r, "a.test", dns.TypeDS), dns.RcodeSuccess, "a.test. DS 3 13 2 CC")
		// The root has no parent.
		expectAnswer(t, resolve(t, r, ".", dns.TypeDS), dns.RcodeSuccess)
	})
}

func TestLargeProofIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve(rootAddress, ".", "example. NS ns.example.\nexample. DS 1 13 2 "+strings.Repeat("AB", 5000)+"\nns.example. A 198.51.100.2")
		r := newResolver(t, w)
		resolve(t, r, "www.example", dns.TypeA)
		w.questions()
		if answer := resolve(t, r, "example", dns.TypeDS); len(answer.Message().Answer) != 1 {
			t.Errorf("answer is %v", answer.Message())
		}
		if asked := w.questions(); len(asked) != 1 {
			t.Errorf("asked %q", asked)
		}
	})
}

// TestHostileNameServers are zones whose name servers are made to cost: what
// they cost is bounded, for one client query in all.
func TestHostileNameServers(t *testing.T) {
	nxns := func(t *testing.T, w *world) {
		w.on("198.51.100.2", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			for i := range 40 {
				reply.Ns = append(reply.Ns, parse(t, ".", fmt.Sprintf("a.example. NS n%d.test.", i))...)
			}
			return reply
		})
	}
	endless := func(t *testing.T, w *world) {
		w.on("198.51.100.2", func(q *dns.Msg, _ resolver.Transport) *dns.Msg { // each name's zone has two more of the kind
			reply := new(dns.Msg).SetReply(q)
			zone, _ := strings.CutPrefix(q.Question[0].Name, "www.")
			label, _, _ := strings.Cut(zone, ".")
			reply.Ns = parse(t, ".", fmt.Sprintf("%s NS a%s.example.\n%s NS b%s.example.", zone, label, zone, label))
			return reply
		})
	}
	cycle := func(t *testing.T, w *world) {
		w.serve("198.51.100.2", "example.", "a NS ns.a.test.")
		w.serve("198.51.100.3", "test.", "a NS ns.a.example.")
	}
	selfish := func(t *testing.T, w *world) {
		w.serve("198.51.100.2", "example.", "a NS ns.a")
	}
	down := func(t *testing.T, w *world) { // a referral for each label, with more labels to come
		w.on("198.51.100.2", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			for i := range 13 {
				host := fmt.Sprintf("n%d.%s", i, q.Question[0].Name)
				if len(host) < 250 {
					reply.Ns = append(reply.Ns, parse(t, ".", q.Question[0].Name+" NS "+host)...)
				}
			}
			return reply
		})
	}
	for name, test := range map[string]struct {
		prepare func(*testing.T, *world)
		queries int
	}{
		"many without address": {nxns, 10},
		"endless":              {endless, 40},
		"cycle":                {cycle, 10},
		"own name, no glue":    {selfish, 5},
		"ever deeper":          {down, 40},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				test.prepare(t, w)
				q := query("www.a.example", dns.TypeA)
				expectFailure(t, newResolver(t, w), q, resolver.NoReachableAuthority)
				if asked := w.questions(); len(asked) > test.queries || len(asked) != q.Work.Queries() {
					t.Errorf("%d queries, %d counted, want at most %d: %q", len(asked), q.Work.Queries(), test.queries, asked)
				}
			})
		})
	}
}

// TestBoundsAreNotHeldAgainstNames: a hostile zone uses a query up before a good
// name server's turn comes; the good name server is found by the next query.
func TestBoundsAreNotHeldAgainstNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.2", "example.", "a NS n1.test.\na NS n2.test.\na NS n3.test.\na NS n4.test.\na NS n5.test.\na NS good.test.\nb NS good.test.")
		w.serve("198.51.100.3", "test.", "good A 198.51.100.4")
		w.serve("198.51.100.4", "b.example.", "www A 203.0.113.5")
		for range 8 { // the order is random
			r := newResolver(t, w)
			if _, err := r.Resolve(t.Context(), query("www.a.example", dns.TypeA)); err == nil {
				t.Error("a.example has no server that serves it, and an answer")
			}
			expectAnswer(t, resolve(t, r, "www.b.example", dns.TypeA), dns.RcodeSuccess, "www.b.example. A 203.0.113.5")
		}
	})
}

func TestIPv6Only(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve("2001:db8::1", ".", "example. NS ns.example.\nns.example. A 198.51.100.2\nns.example. AAAA 2001:db8::2\nb. NS ns.host.example.")
		w.serve("2001:db8::2", "example.", "www A 203.0.113.1\nns.host AAAA 2001:db8::3\nns.host A 198.51.100.3")
		w.serve("2001:db8::3", "b.", "www A 203.0.113.2")
		r := newResolver(t, w, func(c *recurse.Config) {
			c.IPv4, c.IPv6 = false, true
			c.Hints = parse(t, ".", ". NS ns.root.\nns.root. A 198.51.100.1\nns.root. AAAA 2001:db8::1")
		})
		resolve(t, r, "www.example", dns.TypeA)
		resolve(t, r, "www.b", dns.TypeA)
		if asked := w.questions(); count(asked, "198.51") != 0 || count(asked, "ns.host.example. AAAA") != 1 {
			t.Errorf("asked %q", asked)
		}
	})
}
