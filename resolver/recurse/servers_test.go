package recurse_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// pair is a root with "test." on two servers, the second a good one.
func pair(t testing.TB, first handler) *world {
	w := newWorld(t)
	w.serve(rootAddress, ".", "test. NS ns1.test.\ntest. NS ns2.test.\nns1.test. A 198.51.100.31\nns2.test. A 198.51.100.32")
	w.on("198.51.100.31", first)
	w.serve("198.51.100.32", "test.", "www A 203.0.113.3")
	return w
}

func TestNextServer(t *testing.T) {
	header := func(change func(*dns.Msg)) handler {
		return func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			reply.Answer = parse(t, "test.", "www A 192.0.2.66")
			change(reply)
			return reply
		}
	}
	for name, first := range map[string]handler{
		"silent":          silent,
		"SERVFAIL":        rcode(dns.RcodeServerFailure),
		"REFUSED":         rcode(dns.RcodeRefused),
		"NOTAUTH":         rcode(dns.RcodeNotAuth),
		"FORMERR":         rcode(dns.RcodeFormatError),
		"unknown rcode":   rcode(11),
		"no socket":       nil,
		"wrong ID":        header(func(m *dns.Msg) { m.Id++ }),
		"wrong name":      header(func(m *dns.Msg) { m.Question[0].Name = "xxx.test." }),
		"wrong type":      header(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }),
		"wrong class":     header(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }),
		"two questions":   header(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }),
		"no question":     header(func(m *dns.Msg) { m.Question, m.Answer = nil, nil }),
		"a query":         header(func(m *dns.Msg) { m.Response = false }),
		"another opcode":  header(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }),
		"two OPT records": header(func(m *dns.Msg) { m.SetEdns0(1232, true); m.Extra = append(m.Extra, m.Extra[0]) }),
		"truncated twice": header(func(m *dns.Msg) { m.Truncated = true }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := pair(t, first)
				r := newResolver(t, w)
				for range 12 { // whichever comes first
					expectAnswer(t, resolve(t, r, "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 203.0.113.3")
				}
			})
		})
	}
}

func TestCasingOfTheQuestionDoesNotMatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			q.Question[0].Name = strings.ToUpper(q.Question[0].Name)
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			reply.Answer = parse(t, "TEST.", "WWW A 203.0.113.3")
			return reply
		})
		expectAnswer(t, resolve(t, newResolver(t, w), "www.test", dns.TypeA), dns.RcodeSuccess, "WWW.TEST. A 203.0.113.3")
	})
}

func TestTruncation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		whole := zone(t, "test.", "www A 203.0.113.3")
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if transport == resolver.OverTCP {
				return whole(q, transport)
			}
			reply := new(dns.Msg).SetReply(q)
			reply.Truncated, reply.Answer = true, parse(t, "test.", "www A 192.0.2.66")
			return reply
		})
		r := newResolver(t, w)
		q := query("www.test", dns.TypeA)
		expectAnswer(t, resolveQuery(t, r, q), dns.RcodeSuccess, "www.test. A 203.0.113.3")
		if asked := w.questions(); count(asked, "tcp") != 1 || q.Work.Queries() != 3 || r.Stats().TCP != 1 {
			t.Errorf("asked %q, work %d, stats %+v", asked, q.Work.Queries(), r.Stats())
		}
	})
}

func TestWithoutEDNS(t *testing.T) {
	for name, refuse := range map[string]handler{
		"FORMERR": rcode(dns.RcodeFormatError),
		"NOTIMP":  rcode(dns.RcodeNotImplemented),
		"BADVERS": func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.SetEdns0(1232, false)
			reply.Rcode = dns.RcodeBadVers
			return reply
		},
		"header alone": func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
			reply.Question = nil
			return reply
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				plain := zone(t, "test.", "www A 203.0.113.3")
				w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
					if q.IsEdns0() != nil {
						return refuse(q, transport)
					}
					return plain(q, transport)
				})
				r := newResolver(t, w)
				for range 3 {
					resolve(t, r, "www.test", dns.TypeA)
				}
				if asked := w.questions(); count(asked, "198.51.100.3") != 4 || r.Stats().Plain != 1 {
					t.Errorf("asked %q, stats %+v", asked, r.Stats())
				}
				time.Sleep(16 * time.Minute) // then it may have learnt
				resolve(t, r, "www.test", dns.TypeA)
				if r.Stats().Plain != 2 {
					t.Errorf("stats %+v", r.Stats())
				}
			})
		})
	}
}

// TestSilenceKeepsEDNS: nobody strips DNSSEC by dropping packets, nor by a
// FORMERR of a server that shows that it knows EDNS.
func TestSilenceKeepsEDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, first := range []handler{silent, func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetRcode(q, dns.RcodeFormatError)
			reply.SetEdns0(1232, true)
			return reply
		}} {
			w := usual(t)
			w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
				if q.IsEdns0() == nil {
					t.Error("asked without EDNS")
				}
				return first(q, transport)
			})
			expectFailure(t, newResolver(t, w), query("www.test", dns.TypeA), resolver.NoReachableAuthority)
		}
	})
}

func TestSilentServerBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.on("198.51.100.3", silent)
		r := newResolver(t, w)
		begin := time.Now()
		expectFailure(t, r, query("www.test", dns.TypeA), resolver.NoReachableAuthority)
		if asked, took := count(w.questions(), "198.51.100.3"), time.Since(begin); asked != 3 || took > 5*time.Second {
			t.Errorf("asked %d times in %s, want 3 times", asked, took)
		}
		// Down: one try, in case there is nothing better.
		expectFailure(t, r, query("www.test", dns.TypeA), resolver.NoReachableAuthority)
		if asked := count(w.questions(), "198.51.100.3"); asked != 1 {
			t.Errorf("asked %d times while down", asked)
		}
		if stats := r.Stats(); stats.Timeouts != 4 || stats.Queries != 5 {
			t.Errorf("stats %+v", stats)
		}
		// It comes back.
		w.serve("198.51.100.3", "test.", "www A 203.0.113.3")
		resolve(t, r, "www.test", dns.TypeA)
	})
}

// TestServerHeardLately is RFC 9520, section 3.1: three tries over UDP, then TCP once.
func TestServerHeardLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		resolve(t, r, "www.test", dns.TypeA)
		w.questions()
		w.on("198.51.100.3", silent)
		expectFailure(t, r, query("www.test", dns.TypeA), resolver.NoReachableAuthority)
		asked := w.questions()
		if all, streams := count(asked, "198.51.100.3"), count(asked, " tcp"); all != 4 || streams != 1 {
			t.Errorf("asked %q, want three times over UDP and once over TCP", asked)
		}
		time.Sleep(5 * time.Second)
	})
}

func TestOneLostPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		good := zone(t, "test.", "www A 203.0.113.3")
		var lost atomic.Bool
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if !lost.Swap(true) {
				return nil
			}
			return good(q, transport)
		})
		begin := time.Now()
		resolve(t, newResolver(t, w), "www.test", dns.TypeA)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestQuickServerIsPreferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := zone(t, "test.", "www A 203.0.113.3")
		w := pair(t, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			time.Sleep(200 * time.Millisecond)
			return slow(q, transport)
		})
		r := newResolver(t, w)
		for range 10 {
			resolve(t, r, "www.test", dns.TypeA)
		}
		w.questions()
		const many = 400
		for range many {
			resolve(t, r, "www.test", dns.TypeA)
		}
		asked := w.questions()
		// One in sixteen explores, half of these find the slow one: 12 or 13 expected.
		if late := count(asked, "198.51.100.31"); late == 0 || late > many/8 {
			t.Errorf("the slow server was asked %d times in %d", late, many)
		}
	})
}

func TestNetworkError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t) // nothing but refusals
		r := newResolver(t, w)
		failure := expectFailure(t, r, query("www.test", dns.TypeA), resolver.NetworkError)
		if !strings.Contains(failure.Error(), "connection refused") {
			t.Error(failure)
		}
		if asked := w.questions(); len(asked) != 1 || r.Stats().Errors != 1 {
			t.Errorf("asked %q, stats %+v", asked, r.Stats())
		}
	})
}

// exchangerFunc is an Exchanger made of a function.
type exchangerFunc func(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error)

func (f exchangerFunc) Exchange(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
	return f(ctx, server, query, accept)
}

func TestMissingFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var root, sixes strings.Builder
		for i := range 10 {
			fmt.Fprintf(&sixes, ". NS r%d.root.\nr%d.root. AAAA 2001:db8::%d\n", i, i, i+1)
		}
		fmt.Fprintf(&root, "test. NS ns.test.\nns.test. A 198.51.100.3\nns.test. AAAA 2001:db8::99")
		w.serve(rootAddress, ".", root.String())
		w.serve("198.51.100.3", "test.", "www A 203.0.113.3")
		tried := 0
		exchanger := exchangerFunc(func(ctx context.Context, server resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
			if server.Addr.Addr().Is6() {
				tried++
				return nil, fmt.Errorf("dial: %w", syscall.ENETUNREACH)
			}
			return w.Exchange(ctx, server, query, accept)
		})
		config := recurse.Config{IPv4: true, IPv6: true, Hints: parse(t, ".", hints+"\n"+sixes.String())}
		r, err := recurse.New(config, exchanger, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			resolve(t, r, "www.test", dns.TypeA)
		}
		if tried > 1 {
			t.Errorf("IPv6 tried %d times in a network without it", tried)
		}
	})
}

// TestGarbageDoesNotEndTheWait: accept passes over what is not the reply.
func TestGarbageDoesNotEndTheWait(t *testing.T) {
	good := zone(t, ".", "www A 203.0.113.1")
	exchanger := exchangerFunc(func(_ context.Context, _ resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
		message := new(dns.Msg)
		if err := message.Unpack(query); err != nil {
			return nil, err
		}
		packet, err := good(message, resolver.OverUDP).Pack()
		if err != nil {
			return nil, err
		}
		shorter := packet[:len(packet)-1]
		fewer := append([]byte(nil), packet...)
		fewer[7]++ // one answer more than there is
		oneByteOff := append([]byte(nil), packet...)
		oneByteOff[14] ^= 1
		for i, bad := range [][]byte{nil, {1}, query, packet[:12], shorter, fewer, oneByteOff, make([]byte, 4096)} {
			if accept(bad) {
				t.Errorf("packet %d is accepted", i)
			}
		}
		if !accept(packet) {
			t.Error("the reply is not accepted")
		}
		return packet, nil
	})
	r, err := recurse.New(recurse.Config{IPv4: true}, exchanger, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	expectAnswer(t, resolve(t, r, "www", dns.TypeA), dns.RcodeSuccess, "www. A 203.0.113.1")
}

func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w, func(c *recurse.Config) { c.Priming = true })
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				q := query([]string{"www.a.example", "www.test", "away.test", "nothing.example"}[i%4], dns.TypeA)
				q.Fresh = i%8 == 0
				if _, err := r.Resolve(t.Context(), q); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	})
}

func TestPort(t *testing.T) {
	var port uint16
	exchanger := exchangerFunc(func(_ context.Context, server resolver.Server, _ []byte, _ func([]byte) bool) ([]byte, error) {
		port = server.Addr.Port()
		if !server.Addr.Addr().Is4() || server.Addr.Addr() == netip.IPv4Unspecified() {
			t.Errorf("asked %s", server)
		}
		return nil, syscall.ECONNREFUSED
	})
	for want, config := range map[uint16]recurse.Config{53: {IPv4: true}, 5300: {IPv4: true, Port: 5300}} {
		r, err := recurse.New(config, exchanger, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		expectFailure(t, r, query("www", dns.TypeA), resolver.NetworkError)
		if port != want {
			t.Errorf("port %d, want %d", port, want)
		}
	}
}

// TestEmptyReply: nothing at all is no denial while another server may say more.
func TestEmptyReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		empty := func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			return reply
		}
		for range 8 { // the order is random
			expectAnswer(t, resolve(t, newResolver(t, pair(t, empty)), "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 203.0.113.3")
		}
		w := usual(t)
		w.on("198.51.100.3", empty)
		expectAnswer(t, resolve(t, newResolver(t, w), "www.test", dns.TypeA), dns.RcodeSuccess)
	})
}

// TestAddressOfWrongSize costs its own record, not the reply.
func TestAddressOfWrongSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		good := zone(t, "test.", "www A 203.0.113.3")
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			reply := good(q, transport)
			for _, wrong := range []dns.RFC3597{{Hdr: dns.RR_Header{Rrtype: dns.TypeA}, Rdata: "cb00710405"}, {Hdr: dns.RR_Header{Rrtype: dns.TypeAAAA}, Rdata: "20"}} {
				wrong.Hdr.Name, wrong.Hdr.Class, wrong.Hdr.Ttl = "www.test.", dns.ClassINET, 300
				reply.Answer = append(reply.Answer, &wrong)
			}
			return reply
		})
		expectAnswer(t, resolve(t, newResolver(t, w), "www.test", dns.TypeA), dns.RcodeSuccess, "www.test. A 203.0.113.3")
	})
}

// TestFailureIsBrief: a text that quotes names of strangers fits a reply.
func TestFailureIsBrief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		long := strings.Repeat("\\200", 60) + "." + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60) + ".test"
		w.serve("198.51.100.3", "test.", "@ NS ns\n"+strings.TrimSuffix(long, ".test")+" NS ns.nowhere.test.")
		failure := expectFailure(t, newResolver(t, w), query("www."+long, dns.TypeA), resolver.NoReachableAuthority)
		if text := failure.Extended[0].Text; len(text) > resolver.TextBudget {
			t.Errorf("%d octets: %s", len(text), text)
		}
	})
}
