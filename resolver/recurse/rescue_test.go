package recurse_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// TestWrongSiblingGlue: the glue of a name in another zone is wrong, and its
// owner knows better.
func TestWrongSiblingGlue(t *testing.T) {
	for name, wrong := range map[string]handler{"dead": silent, "lame": rcode(dns.RcodeRefused), "failing": rcode(dns.RcodeServerFailure)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				w.serve("198.51.100.3", "test.", "sub NS ns.other\nother NS ns.true\nns.other A 198.51.100.7\nns.true A 198.51.100.8")
				w.on("198.51.100.7", wrong)
				w.serve("198.51.100.8", "other.test.", "ns A 198.51.100.9")
				w.serve("198.51.100.9", "sub.test.", "www A 203.0.113.3")
				expectAnswer(t, resolve(t, newResolver(t, w), "www.sub.test", dns.TypeA), dns.RcodeSuccess, "www.sub.test. A 203.0.113.3")
			})
		})
	}
}

// TestMissingFamilyOfGlue: glue of one family leads nowhere, the other is looked up.
func TestMissingFamilyOfGlue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "sub NS ns.other\nother NS ns.true\nns.other A 198.51.100.7\nns.true A 198.51.100.8")
		w.on("198.51.100.7", silent)
		w.serve("198.51.100.8", "other.test.", "ns A 198.51.100.7\nns AAAA 2001:db8::9")
		w.serve("2001:db8::9", "sub.test.", "www A 203.0.113.3")
		r := newResolver(t, w, func(c *recurse.Config) { c.IPv6 = true })
		expectAnswer(t, resolve(t, r, "www.sub.test", dns.TypeA), dns.RcodeSuccess, "www.sub.test. A 203.0.113.3")
	})
}

// TestChildNames: the parent's servers serve nothing, and the zone names others;
// these live no longer than the delegation (ghost domains).
func TestChildNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "sub 600 NS ns.sub\nns.sub A 198.51.100.7\nwww A 203.0.113.9")
		old := zone(t, "sub.test.", "@ NS new\n@ NS glueless.example.\nnew A 198.51.100.8")
		w.on("198.51.100.7", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if q.Question[0].Qtype != dns.TypeNS {
				return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			}
			return old(q, transport)
		})
		w.serve("198.51.100.2", "example.", "glueless A 198.51.100.8")
		w.serve("198.51.100.8", "sub.test.", "www A 203.0.113.3\nmail A 203.0.113.4")
		r := newResolver(t, w)
		expectAnswer(t, resolve(t, r, "www.sub.test", dns.TypeA), dns.RcodeSuccess, "www.sub.test. A 203.0.113.3")
		w.questions()
		resolve(t, r, "mail.sub.test", dns.TypeA)
		if asked := w.questions(); len(asked) > 2 {
			t.Errorf("asked %q", asked)
		}
		w.serve("198.51.100.3", "test.", "www A 203.0.113.9") // the delegation is taken back
		time.Sleep(601 * time.Second)
		expectAnswer(t, resolve(t, r, "mail.sub.test", dns.TypeA), dns.RcodeNameError)
	})
}

// TestOneAddressTypeFails: a name server's AAAA cannot be had, or its A.
func TestOneAddressTypeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, failing := range []uint16{dns.TypeA, dns.TypeAAAA} {
			for _, failure := range []handler{silent, rcode(dns.RcodeServerFailure)} {
				w := usual(t)
				w.serve(rootAddress, ".", "example. NS ns.example.\nns.example. A 198.51.100.2\ntest. NS ns.away.example.")
				good := zone(t, "example.", "ns.away A 198.51.100.3\nns.away AAAA 2001:db8::3")
				w.on("198.51.100.2", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
					if q.Question[0].Qtype == failing {
						return failure(q, transport)
					}
					return good(q, transport)
				})
				w.serve("2001:db8::3", "test.", "www A 203.0.113.3")
				r := newResolver(t, w, func(c *recurse.Config) { c.IPv6 = true })
				expectAnswer(t, resolve(t, r, "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 203.0.113.3")
			}
		}
	})
}

// TestNamesAreSearchedSideBySide: a name server's name that takes long does not
// hold the next one up.
func TestNamesAreSearchedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.3", "test.", "sub NS ns1.slow.test.\nsub NS ns2.slow.test.\nsub NS ns.example.\nslow NS ns.slow\nns.slow A 198.51.100.7")
		w.on("198.51.100.7", silent)
		w.serve("198.51.100.2", "example.", "ns A 198.51.100.8")
		w.serve("198.51.100.8", "sub.test.", "www A 203.0.113.3")
		begin := time.Now()
		resolve(t, newResolver(t, w), "www.sub.test", dns.TypeA)
		if took := time.Since(begin); took > 1500*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}

// TestSilentFamily: when a family's servers are all silent, strangers of the other
// come first, until the first has been heard of again.
func TestSilentFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		root := ""
		for label := 'a'; label <= 'z'; label++ {
			l := string(label)
			root += l + ". NS ns." + l + ".\nns." + l + ". A 198.51.100.9\nns." + l + fmt.Sprintf(". AAAA 2001:db8::%x\n", label)
			w.on(fmt.Sprintf("2001:db8::%x", label), silent)
		}
		all := zone(t, ".", root)
		w.on(rootAddress, all)
		w.on("198.51.100.9", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative, reply.Answer = true, parse(t, ".", q.Question[0].Name+" A 203.0.113.9")
			return reply
		})
		r := newResolver(t, w, func(c *recurse.Config) { c.IPv6 = true })
		for label := 'a'; label <= 'z'; label++ {
			resolve(t, r, "www."+string(label), dns.TypeA)
		}
		if asked := w.questions(); count(asked, "2001:db8::") > 10 {
			t.Errorf("asked %d silent servers", count(asked, "2001:db8::"))
		}
		time.Sleep(2 * time.Second) // the last questions end
	})
}

// TestFamilyThatIsLost: every server has addresses of both families, and packets of one
// of them vanish. A zone of strangers costs one time-out at first, and none when that
// is learnt; also where nothing but look-ups of names leads on.
func TestFamilyThatIsLost(t *testing.T) {
	for _, lost := range []string{"IPv4", "IPv6"} {
		t.Run(lost, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				addresses := func(name string, i int) string {
					four, six := fmt.Sprintf("198.51.103.%d", i), fmt.Sprintf("2001:db8::%x", i+1)
					answer := func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
						reply := new(dns.Msg).SetReply(q)
						reply.Authoritative, reply.Answer = true, parse(t, ".", q.Question[0].Name+" A 203.0.113.9")
						return reply
					}
					w.on(four, answer)
					w.on(six, answer)
					w.on(map[string]string{"IPv4": four, "IPv6": six}[lost], silent)
					return fmt.Sprintf("%s A %s\n%s AAAA %s\n", name, four, name, six)
				}
				text, glueless := "", ""
				for i := range 60 {
					text += fmt.Sprintf("z%d NS n%d.z%d\n", i/4, i, i/4) + addresses(fmt.Sprintf("n%d.z%d", i, i/4), i)
				}
				for i := range 4 {
					glueless += addresses(fmt.Sprintf("g%d", i), 100+i)
					text += fmt.Sprintf("away NS g%d.other.\n", i)
				}
				w.on(rootAddress, zone(t, ".", "top. NS a.top.\na.top. A 198.51.100.8\na.top. AAAA 2001:db8:1::8\nother. NS a.other.\na.other. A 198.51.100.9\na.other. AAAA 2001:db8:1::9"))
				w.on("2001:db8:1::1", zone(t, ".", "top. NS a.top.\na.top. A 198.51.100.8\na.top. AAAA 2001:db8:1::8\nother. NS a.other.\na.other. A 198.51.100.9\na.other. AAAA 2001:db8:1::9"))
				for _, address := range []string{"198.51.100.8", "2001:db8:1::8"} {
					w.on(address, lean(zone(t, "top.", text)))
				}
				for _, address := range []string{"198.51.100.9", "2001:db8:1::9"} {
					w.on(address, zone(t, "other.", glueless))
				}
				for _, address := range map[string][]string{"IPv4": {rootAddress, "198.51.100.8", "198.51.100.9"}, "IPv6": {"2001:db8:1::1", "2001:db8:1::8", "2001:db8:1::9"}}[lost] {
					w.on(address, silent)
				}
				r := newResolver(t, w, func(c *recurse.Config) {
					c.IPv6, c.Hints = true, parse(t, ".", hints+"\nns.root. AAAA 2001:db8:1::1")
				})
				slow := 0
				for i := range 15 {
					begin := time.Now()
					resolve(t, r, fmt.Sprintf("www.z%d.top", i), dns.TypeA)
					took := time.Since(begin)
					if took > 100*time.Millisecond {
						slow++
					}
					if took > 1300*time.Millisecond || i > 0 && took > 900*time.Millisecond {
						t.Errorf("zone %d took %s", i, took)
					}
				}
				if slow > 3 {
					t.Errorf("%d zones of 15 took long", slow)
				}
				begin := time.Now()
				resolve(t, r, "www.away.top", dns.TypeA)
				if took := time.Since(begin); took > 200*time.Millisecond {
					t.Errorf("a zone without glue took %s", took)
				}
				time.Sleep(2 * time.Second) // the last questions end
			})
		})
	}
}
