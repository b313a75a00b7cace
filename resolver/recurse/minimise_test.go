package recurse_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

func minimising(how recurse.Minimisation) func(*recurse.Config) {
	return func(c *recurse.Config) { c.Minimisation, c.BelowNXDomain = how, true }
}

// TestMinimised: no server learns more of a name than it needs (RFC 9156).
func TestMinimised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.4", "a.example.", "www.deep.in A 203.0.113.4\nmail.deep.in A 203.0.113.5\n_25._tcp.mail TXT x")
		r := newResolver(t, w, minimising(recurse.Relaxed))
		for name, want := range map[string][]string{
			"www.deep.in.a.example": {
				rootAddress + " example. NS", "198.51.100.2 a.example. NS",
				"198.51.100.4 in.a.example. NS", "198.51.100.4 deep.in.a.example. NS", "198.51.100.4 www.deep.in.a.example. TXT",
			},
		} {
			resolve(t, r, name, dns.TypeTXT)
			if asked := w.questions(); !slices.Equal(asked, want) {
				t.Errorf("%s: asked %q, want %q", name, asked, want)
			}
		}
		// What is known to be no cut costs nothing, nor do labels that nobody cuts at.
		for name, want := range map[string]int{"mail.deep.in.a.example": 1, "_25._tcp.mail.a.example": 2} {
			resolve(t, r, name, dns.TypeTXT)
			if asked := w.questions(); len(asked) != want {
				t.Errorf("%s: asked %q, want %d questions", name, asked, want)
			}
		}
	})
}

func TestWholeNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		resolve(t, newResolver(t, w, minimising(recurse.Whole)), "www.a.example", dns.TypeA)
		if asked := w.questions(); count(asked, "www.a.example. A") != 3 {
			t.Errorf("asked %q", asked)
		}
	})
}

// TestMinimisingIsBounded: a name of many labels costs ten questions more, not
// a hundred (RFC 9156, section 2.3).
func TestMinimisingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, labels := range []int{5, 12, 34, 100} {
			w := usual(t)
			name := strings.Repeat("x.", labels) + "test"
			w.on("198.51.100.3", zone(t, "test.", strings.Repeat("x.", labels-1)+"x A 203.0.113.3"))
			resolve(t, newResolver(t, w, minimising(recurse.Relaxed)), name, dns.TypeA)
			asked := w.questions()
			if at := count(asked, "198.51.100.3"); at > 11 || at < min(labels, 5) {
				t.Errorf("%d labels: %d questions", labels, at)
			}
			if labels == 100 && count(asked, " x.x.x.x.test. NS") != 1 {
				t.Errorf("the first labels were not asked one by one: %q", asked)
			}
		}
	})
}

// stumblesOverAny answers parts of names in another way than www and mail.
func stumblesOverAny(t *testing.T, whole string, minimised handler) *world {
	w := usual(t)
	good := zone(t, "test.", whole)
	w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "sub.") {
			return minimised(q, transport)
		}
		return good(q, transport)
	})
	return w
}

// stumbles answers questions for NS in another way than others.
func stumbles(t *testing.T, whole string, minimised handler) *world {
	w := usual(t)
	good := zone(t, "test.", whole)
	w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeNS {
			return minimised(q, transport)
		}
		return good(q, transport)
	})
	return w
}

// TestMinimisationFallsBack: whoever chokes on a part of the name is asked the
// whole, unless privacy comes first.
func TestMinimisationFallsBack(t *testing.T) {
	denies := func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
		reply := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
		reply.Authoritative, reply.Ns = true, parse(t, "test.", "@ SOA a b 1 2 3 4 5")
		return reply
	}
	for name, minimised := range map[string]handler{
		"SERVFAIL": rcode(dns.RcodeServerFailure), "REFUSED": rcode(dns.RcodeRefused), "NOTIMP": rcode(dns.RcodeNotImplemented),
		"silence": silent, "denial of an empty non-terminal": denies,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := stumblesOverAny(t, "www.sub A 203.0.113.3\nmail.sub A 203.0.113.4", minimised)
				r := newResolver(t, w, minimising(recurse.Relaxed))
				expectAnswer(t, resolve(t, r, "www.sub.test", dns.TypeA), dns.RcodeSuccess, "www.sub.test. A 203.0.113.3")
				w.questions()
				// It is not asked in vain for every name.
				resolve(t, r, "mail.sub.test", dns.TypeA)
				if asked := w.questions(); name != "silence" && name[0] < 'a' && len(asked) != 1 {
					t.Errorf("asked %q the second time", asked)
				}
				strict := newResolver(t, w, minimising(recurse.Strict))
				if name[0] == 'd' {
					expectAnswer(t, resolve(t, strict, "www.sub.test", dns.TypeA), dns.RcodeNameError)
					return
				}
				w.questions()
				expectFailure(t, strict, query("www.sub.test", dns.TypeA), resolver.NoReachableAuthority)
				if asked := w.questions(); count(asked, "www") != 0 {
					t.Errorf("strict, and asked %q", asked)
				}
			})
		})
	}
}

// TestDenialCoversBelow: a denial that can be proved ends the search where RFC
// 8020 is followed, and nowhere else; and an answer that did not validate is
// never replaced by one.
func TestDenialCoversBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denial := func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
			reply.Authoritative = true
			reply.Ns = parse(t, "example.", "@ SOA a b 1 2 3 4 5\n@ NSEC www NS SOA\n@ RRSIG NSEC 13 1 300 20300101000000 20200101000000 1 example. AAAA")
			return reply
		}
		for _, test := range []struct {
			covers, fresh bool
			zone          string
			want          int
		}{{true, false, "example", 2}, {false, false, "example", 3}, {true, true, "example", 3}, {true, false, "test", 3}} {
			w := usual(t) // example is signed, test is not
			w.on("198.51.100.2", denial)
			w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
				reply := denial(q, transport)
				reply.Ns = parse(t, "test.", "@ SOA a b 1 2 3 4 5")
				return reply
			})
			q := query("www.none."+test.zone, dns.TypeA)
			q.Fresh = test.fresh
			r := newResolver(t, w, func(c *recurse.Config) { c.Minimisation, c.BelowNXDomain = recurse.Relaxed, test.covers })
			expectAnswer(t, resolveQuery(t, r, q), dns.RcodeNameError)
			if asked := w.questions(); len(asked) != test.want {
				t.Errorf("%+v: asked %q", test, asked)
			}
		}
	})
}

// TestMinimisedBelowDNAME: a tree that is renamed whole is not walked down.
func TestMinimisedBelowDNAME(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "old DNAME example.")
		answer := resolve(t, newResolver(t, w, minimising(recurse.Relaxed)), "www.a.old.test", dns.TypeA)
		if rcode := answer.Rcode(); rcode != dns.RcodeSuccess || len(answer.Message().Answer) != 3 {
			t.Errorf("answer %v", answer.Message())
		}
		if asked := w.questions(); count(asked, "198.51.100.3") != 3 {
			t.Errorf("asked %q", asked)
		}
	})
}

// TestSteadyCost holds the price of a name in a three-level world.
func TestSteadyCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		var children strings.Builder
		for i := range 50 {
			label := "z" + string(rune('a'+i/26)) + string(rune('a'+i%26))
			children.WriteString(label + " NS ns." + label + "\nns." + label + " A 198.51.100.50\n")
		}
		w.serve("198.51.100.2", "example.", children.String())
		w.on("198.51.100.50", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative, reply.Answer = true, parse(t, ".", q.Question[0].Name+" A 203.0.113.9")
			return reply
		})
		r := newResolver(t, w, minimising(recurse.Relaxed))
		for i := range 50 {
			resolve(t, r, "www.z"+string(rune('a'+i/26))+string(rune('a'+i%26))+".example", dns.TypeA)
		}
		if asked := len(w.questions()); asked > 101 {
			t.Errorf("%d questions for 50 names, want two each and one for the top", asked)
		}
	})
}

// TestMinimisedWithA: a server that chokes on NS, and knows A, still learns no
// more than it must.
func TestMinimisedWithA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, how := range []recurse.Minimisation{recurse.Relaxed, recurse.Strict} {
			w := stumbles(t, "www.sub A 203.0.113.3\nmail.sub A 203.0.113.4\nmail.other A 203.0.113.5", rcode(dns.RcodeServerFailure))
			r := newResolver(t, w, minimising(how))
			expectAnswer(t, resolve(t, r, "www.sub.test", dns.TypeA), dns.RcodeSuccess, "www.sub.test. A 203.0.113.3")
			want := []string{rootAddress + " test. NS", "198.51.100.3 sub.test. NS", "198.51.100.3 sub.test. A", "198.51.100.3 www.sub.test. A"}
			if asked := w.questions(); !slices.Equal(asked, want) {
				t.Errorf("asked %q", asked)
			}
			resolve(t, r, "mail.other.test", dns.TypeA)
			if asked := w.questions(); len(asked) != 2 || count(asked, "NS") != 0 {
				t.Errorf("asked %q", asked)
			}
		}
	})
}
