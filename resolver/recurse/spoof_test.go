package recurse_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// cookieOf is the cookie option of a message in octets; "" for none.
func cookieOf(t *testing.T, message *dns.Msg) string {
	t.Helper()
	options := message.IsEdns0()
	if options == nil {
		return ""
	}
	for _, option := range options.Option {
		if cookie, ok := option.(*dns.EDNS0_COOKIE); ok {
			octets, err := hex.DecodeString(cookie.Cookie)
			if err != nil {
				t.Error(err)
			}
			return string(octets)
		}
	}
	return ""
}

func withCookie(reply *dns.Msg, cookie string) *dns.Msg {
	reply.SetEdns0(1232, true)
	if cookie != "" {
		reply.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString([]byte(cookie))}}
	}
	return reply
}

// TestCookies follows RFC 7873, section 5: one client cookie a server, the
// server's own sent back, another where it has changed.
func TestCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		seen := map[string]map[string]bool{}
		baking := func(address, server string, answer handler) {
			seen[address] = map[string]bool{}
			w.on(address, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
				sent := cookieOf(t, q)
				seen[address][sent] = true
				reply := answer(q, transport)
				if len(sent) > 8 && sent[8:] != server {
					reply.Rcode = dns.RcodeBadCookie
				}
				return withCookie(reply, sent[:8]+server)
			})
		}
		good := zone(t, "test.", "www A 203.0.113.3")
		baking("198.51.100.3", "cookie one", good)
		baking("198.51.100.2", "another cookie", zone(t, "example.", "www A 203.0.113.1"))
		r := newResolver(t, w)
		for range 3 {
			resolve(t, r, "www.test", dns.TypeA)
			resolve(t, r, "www.example", dns.TypeA)
		}
		clients := map[string]bool{}
		for address, cookies := range seen {
			if len(cookies) != 2 {
				t.Errorf("%s was sent %d cookies, want one without and one with its own", address, len(cookies))
			}
			for cookie := range cookies {
				clients[cookie[:8]] = true
			}
		}
		if len(clients) != 2 {
			t.Errorf("%d client cookies for two servers", len(clients))
		}
		baking("198.51.100.3", "cookie two", good) // BADCOOKIE, and asked again (section 5.3)
		w.questions()
		resolve(t, r, "www.test", dns.TypeA)
		if asked := w.questions(); len(asked) != 2 || count(asked, "tcp") != 0 {
			t.Errorf("asked %q", asked)
		}
	})
}

// TestForgedCookies: a reply with another client part is not ours, nor one
// without a cookie by a server that sends them; TCP tells what is true.
func TestForgedCookies(t *testing.T) {
	for name, forge := range map[string]func(sent string) string{
		"wrong client part": func(string) string { return "8 octetsand a server's" },
		"none":              func(string) string { return "" },
		"short":             func(sent string) string { return sent[:8] + "short" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				good, bad := zone(t, "test.", "www A 203.0.113.3"), zone(t, "test.", "www A 192.0.2.66")
				forging := false
				w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
					sent := cookieOf(t, q)
					if forging && transport == resolver.OverUDP {
						return withCookie(bad(q, transport), forge(sent))
					}
					return withCookie(good(q, transport), sent[:8]+"server cookie")
				})
				r := newResolver(t, w)
				resolve(t, r, "www.test", dns.TypeA)
				forging = true
				q := query("www.test", dns.TypeA)
				answer, err := r.Resolve(t.Context(), q)
				if err == nil {
					expectAnswer(t, answer, dns.RcodeSuccess, "www.test. A 203.0.113.3")
				}
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestCookieless: a server that stumbles over the option is asked without it.
func TestCookieless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		good := zone(t, "test.", "www A 203.0.113.3")
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			if cookieOf(t, q) != "" {
				return withCookie(new(dns.Msg).SetRcode(q, dns.RcodeFormatError), "")
			}
			if q.IsEdns0() == nil {
				t.Error("asked without EDNS")
			}
			return withCookie(good(q, transport), "")
		})
		r := newResolver(t, w)
		for range 3 {
			resolve(t, r, "www.test", dns.TypeA)
		}
		if asked := w.questions(); count(asked, "198.51.100.3") != 4 {
			t.Errorf("asked %q", asked)
		}
	})
}

// TestMixedCase: names go out in mixed case, and only replies that keep it count.
func TestMixedCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		good, bad := zone(t, "test.", "abcdefghijklmnopqrstuvwxyz A 203.0.113.3"), zone(t, "test.", "abcdefghijklmnopqrstuvwxyz A 192.0.2.66")
		names, flattens, forging := map[string]bool{}, false, false
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			sent := q.Question[0].Name
			names[sent] = true
			q.Question[0].Name = strings.ToLower(sent)
			if forging && transport == resolver.OverUDP {
				return bad(q, transport)
			}
			reply := good(q, transport)
			if !flattens {
				reply.Question[0].Name = sent
			}
			return reply
		})
		for address, records := range map[string]string{rootAddress: "test. NS ns.test.\nns.test. A 198.51.100.3"} {
			root := zone(t, ".", records)
			w.on(address, func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
				sent := q.Question[0].Name
				q.Question[0].Name = strings.ToLower(sent)
				reply := root(q, transport)
				reply.Question[0].Name = sent
				return reply
			})
		}
		mixed := func(c *recurse.Config) { c.RandomCase = true }
		r := newResolver(t, w, mixed)
		want := "abcdefghijklmnopqrstuvwxyz.test. A 203.0.113.3"
		for range 4 {
			expectAnswer(t, resolve(t, r, "abcdefghijklmnopqrstuvwxyz.test", dns.TypeA), dns.RcodeSuccess, want)
		}
		if len(names) < 4 {
			t.Errorf("sent as %v", names)
		}
		forging = true // all but the casing is right
		expectAnswer(t, resolve(t, r, "abcdefghijklmnopqrstuvwxyz.test", dns.TypeA), dns.RcodeSuccess, want)
		forging, flattens = false, true
		w.questions()
		r = newResolver(t, w, mixed)
		resolve(t, r, "abcdefghijklmnopqrstuvwxyz.test", dns.TypeA)
		if asked := w.questions(); count(asked, "tcp") != 1 {
			t.Errorf("asked %q", asked)
		}
		begin := time.Now() // then it is known to be like that
		resolve(t, r, "abcdefghijklmnopqrstuvwxyz.test", dns.TypeA)
		if asked := w.questions(); len(asked) != 1 || time.Since(begin) > 100*time.Millisecond {
			t.Errorf("asked %q in %s", asked, time.Since(begin))
		}
	})
}

// TestLateReplyCounts: a server that is slower than was waited for is still
// listened to while the next is asked.
func TestLateReplyCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := zone(t, "test.", "www A 203.0.113.3")
		w := usual(t)
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			time.Sleep(900 * time.Millisecond)
			return good(q, transport)
		})
		begin := time.Now()
		resolve(t, newResolver(t, w), "www.test", dns.TypeA)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %s", took)
		}
		time.Sleep(time.Second) // the server ends too
	})
}

// TestDoubt: the servers whose word did not validate come last when the question
// is asked anew at once, behind even those whose address must be looked up.
func TestDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 4 { // the order is random
			w := usual(t)
			w.serve("198.51.100.3", "test.", "signed NS ns.signed\nsigned NS other.example.\nns.signed A 198.51.100.8\nsigned DS 1 13 2 AA")
			w.serve("198.51.100.2", "example.", "other A 198.51.100.9")
			w.serve("198.51.100.8", "signed.test.", "www A 192.0.2.66")
			w.serve("198.51.100.9", "signed.test.", "www A 203.0.113.3")
			r := newResolver(t, w)
			expectAnswer(t, resolve(t, r, "www.signed.test", dns.TypeA), dns.RcodeSuccess, "www.signed.test. A 192.0.2.66")
			again := query("www.signed.test", dns.TypeA)
			again.Fresh = true
			expectAnswer(t, resolveQuery(t, r, again), dns.RcodeSuccess, "www.signed.test. A 203.0.113.3")
			// With nobody else the doubted one is better than none; and doubt ends.
			w.on("198.51.100.9", rcode(dns.RcodeServerFailure))
			expectAnswer(t, resolve(t, r, "www.signed.test", dns.TypeA), dns.RcodeSuccess, "www.signed.test. A 192.0.2.66")
			w.serve("198.51.100.9", "signed.test.", "www A 203.0.113.3")
			time.Sleep(time.Minute)
			w.questions()
			fresh := query("www.signed.test", dns.TypeA)
			fresh.Fresh = true
			resolveQuery(t, r, fresh)
			if asked := w.questions(); count(asked, "198.51.100.9") != 0 {
				t.Errorf("asked %q", asked)
			}
		}
	})
}

// TestDoubtOfReferral: what did not validate may be the referral's DS set.
func TestDoubtOfReferral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := pair(t, zone(t, "test.", "sub NS ns.sub\nns.sub A 198.51.100.8\nsub DS 1 13 2 AA"))
		w.on("198.51.100.3", zone(t, "test.", "sub NS ns.sub\nns.sub A 198.51.100.8\nsub DS 1 13 2 AA"))
		w.serve("198.51.100.8", "sub.test.", "www A 203.0.113.3")
		r := newResolver(t, w)
		resolve(t, r, "www.sub.test", dns.TypeA)
		first := w.questions()
		again := query("www.sub.test", dns.TypeA)
		again.Fresh = true
		resolveQuery(t, r, again)
		second := w.questions()
		if count(first, "198.51.100.31 ") == count(second, "198.51.100.31 ") {
			t.Errorf("the same server of test was asked again: %q, %q", first, second)
		}
	})
}

// TestNobodyIsAskedForEver ends a question whose servers never reply.
func TestNobodyIsAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve(rootAddress, ".", "test. NS a.test.\ntest. NS b.test.\ntest. NS c.test.\na.test. A 198.51.100.61\nb.test. A 198.51.100.62\nc.test. A 198.51.100.63")
		for _, address := range []string{"198.51.100.61", "198.51.100.62", "198.51.100.63"} {
			w.on(address, silent)
		}
		begin := time.Now()
		q := query("www.test", dns.TypeA)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := newResolver(t, w).Resolve(ctx, q); err == nil || time.Since(begin) > 8*time.Second || q.Work.Queries() > 14 {
			t.Errorf("error %v after %s and %d questions", err, time.Since(begin), q.Work.Queries())
		}
	})
}
