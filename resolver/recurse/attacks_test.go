package recurse_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// evil is the attacker's server: it has authority over evil.test and everything
// below, and answers as the function says, with this many records of a kind.
func evil(t *testing.T, w *world, say func(q dns.Question, reply *dns.Msg)) {
	w.serve("198.51.100.3", "test.", "evil NS ns.evil\nns.evil A 198.51.100.66")
	w.on("198.51.100.66", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
		reply := new(dns.Msg).SetReply(q)
		question := q.Question[0]
		question.Name = strings.ToLower(question.Name)
		say(question, reply)
		return reply
	})
}

// delegate refers the name to so many servers of the given names.
func delegate(t *testing.T, reply *dns.Msg, zone string, count int, name string) {
	for i := range count {
		reply.Ns = append(reply.Ns, parse(t, ".", fmt.Sprintf("%s NS "+name, zone, i))...)
	}
}

// TestAttacks are the worst zones known of each kind: what one question of a
// client makes the resolver ask, and how long it takes.
func TestAttacks(t *testing.T) {
	for name, attack := range map[string]struct {
		most int
		lay  func(t *testing.T, w *world)
	}{
		"NXNSAttack: many names that do not exist": {40, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) { delegate(t, reply, "www.evil.test.", 50, "n%d.example.") })
		}},
		"NXNSAttack: many names that exist and serve nothing": {40, func(t *testing.T, w *world) {
			w.on("198.51.100.2", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
				reply := new(dns.Msg).SetReply(q)
				reply.Authoritative, reply.Answer = true, parse(t, ".", q.Question[0].Name+" A 198.51.100.99")
				return reply
			})
			evil(t, w, func(q dns.Question, reply *dns.Msg) { delegate(t, reply, "www.evil.test.", 50, "n%d.example.") })
		}},
		"NRDelegation: servers that do not respond": {40, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				delegate(t, reply, "www.evil.test.", 13, "n%d.dead.evil.test.")
				for i := range 13 {
					for j := range 8 {
						reply.Extra = append(reply.Extra, parse(t, ".", fmt.Sprintf("n%d.dead.evil.test. A 198.51.101.%d", i, i*8+j))...)
					}
				}
			})
			for i := range 104 {
				w.on(fmt.Sprintf("198.51.101.%d", i), silent)
			}
		}},
		"TsuNAME: zones whose servers are in each other": {60, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				for _, zone := range []string{"www.evil.test.", "one.evil.test.", "two.evil.test."} {
					if dns.IsSubDomain(zone, q.Name) {
						for _, other := range []string{"one", "two", "www"} {
							delegate(t, reply, zone, 4, "n%d."+other+".evil.test.")
						}
						return
					}
				}
				reply.Authoritative = true
			})
		}},
		"CAMP: aliases times delegations times labels": {99, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				if q.Qtype == dns.TypeNS && dns.CountLabel(q.Name) < 14 {
					reply.Authoritative, reply.Ns = true, parse(t, "evil.test.", "@ SOA a b 1 2 3 4 5")
					return
				}
				label, _, _ := strings.Cut(q.Name, ".")
				if strings.HasPrefix(label, "c") || label == "www" {
					reply.Authoritative = true
					reply.Answer = parse(t, ".", q.Name+" CNAME d"+label+".a.b.c.d.e.f.g.h.i.j.k.evil.test.")
					return
				}
				delegate(t, reply, q.Name, 13, "x%d."+label+".l.m.n.o.p.q.r.s.evil.test.")
			})
		}},
		"aliases without end": {60, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				reply.Authoritative = true
				for i := range 60 {
					reply.Answer = append(reply.Answer, parse(t, ".", fmt.Sprintf("%s CNAME c%d.%s", q.Name, i, q.Name))...)
				}
				reply.Answer = reply.Answer[:1]
			})
		}},
		"a tree renamed without end": {60, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				reply.Authoritative = true
				reply.Answer = parse(t, ".", "evil.test. DNAME a.evil.test.")
			})
		}},
		"a cut at every label": {99, func(t *testing.T, w *world) {
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				reply.Ns = parse(t, ".", q.Name+" NS ns."+q.Name)
				reply.Extra = parse(t, ".", "ns."+q.Name+" A 198.51.100.66")
			})
		}},
		"servers that fail and name more that fail": {60, func(t *testing.T, w *world) {
			for i := range 13 {
				w.on(fmt.Sprintf("198.51.101.%d", i), func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					reply := new(dns.Msg).SetReply(q)
					if reply.Rcode = dns.RcodeServerFailure; q.Question[0].Qtype == dns.TypeNS {
						reply.Rcode, reply.Authoritative = dns.RcodeSuccess, true
						for j := range 50 {
							reply.Answer = append(reply.Answer, parse(t, ".", fmt.Sprintf("%s NS m%d.%s", q.Question[0].Name, j, q.Question[0].Name))...)
						}
					}
					return reply
				})
			}
			evil(t, w, func(q dns.Question, reply *dns.Msg) {
				delegate(t, reply, "www.evil.test.", 13, "n%d.www.evil.test.")
				for i := range 13 {
					reply.Extra = append(reply.Extra, parse(t, ".", fmt.Sprintf("n%d.www.evil.test. A 198.51.101.%d", i, i))...)
				}
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, families := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					w := usual(t)
					attack.lay(t, w)
					r := newResolver(t, w, minimising(recurse.Relaxed), func(c *recurse.Config) { c.IPv6 = families })
					q := query("www.evil.test", dns.TypeA)
					begin := time.Now()
					if answer, err := r.Resolve(t.Context(), q); err == nil && answer.Rcode() == dns.RcodeSuccess && len(answer.Message().Answer) == 0 {
						t.Errorf("an empty answer: %v", answer.Message())
					}
					asked := len(w.questions())
					t.Logf("IPv6 %v: %d questions, %s", families, asked, time.Since(begin).Round(time.Millisecond))
					if asked > attack.most || asked != q.Work.Queries() || time.Since(begin) > 8*time.Second {
						t.Errorf("%d questions, %d counted, in %s; want at most %d", asked, q.Work.Queries(), time.Since(begin), attack.most)
					}
					time.Sleep(5 * time.Second) // what still waits ends
				})
			}
		})
	}
}

// TestReferralsAreBounded: a cut at every label of a long name ends after 64.
func TestReferralsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cuts := 0
		name := strings.Repeat("a.", 110) + "evil."
		w.on(rootAddress, func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			labels := dns.SplitDomainName(name)
			cuts++
			cut := strings.Join(labels[len(labels)-cuts:], ".") + "."
			reply := new(dns.Msg).SetReply(q)
			reply.Ns, reply.Extra = parse(t, ".", cut+" NS ns."+cut), parse(t, ".", "ns."+cut+" A "+rootAddress)
			return reply
		})
		failure := expectFailure(t, newResolver(t, w), query(name, dns.TypeA), resolver.NoReachableAuthority)
		if cuts != 64 || !strings.Contains(failure.Error(), "64 referrals") {
			t.Errorf("%d referrals were followed: %v", cuts, failure)
		}
	})
}
