package recurse_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// TestOneFamily: where IPv4 is not to be used nobody is asked for such addresses.
func TestOneFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve("2001:db8::1", ".", "test. NS ns2.other.\nother. NS ns.other.\nns.other. AAAA 2001:db8::2")
		w.serve("2001:db8::2", "other.", "@ NS ns\nns AAAA 2001:db8::2\nns2 AAAA 2001:db8::3\nns2 A 198.51.100.3")
		w.serve("2001:db8::3", "test.", "@ NS ns2.other.\nwww AAAA 2001:db8::9")
		r := newResolver(t, w, func(c *recurse.Config) {
			c.Hints, c.IPv4, c.IPv6 = parse(t, ".", ". NS ns.root.\nns.root. AAAA 2001:db8::1"), false, true
			c.QueryLocalhost = true
		})
		expectAnswer(t, resolve(t, r, "www.test", dns.TypeAAAA), dns.RcodeSuccess, "www.test. AAAA 2001:db8::9")
		for _, asked := range w.questions() {
			if strings.HasSuffix(asked, " A") {
				t.Errorf("asked %s", asked)
			}
		}
	})
}

// TestDeniedPart: a server that denies a part of a name, unproved, is asked for the whole
// name next, not for more parts.
func TestDeniedPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		whole := zone(t, "test.", "a.b.c.d.e A 203.0.113.3")
		w.on("198.51.100.3", func(q *dns.Msg, transport resolver.Transport) *dns.Msg {
			reply := whole(q, transport)
			if q.Question[0].Name != "a.b.c.d.e.test." { // it knows no empty non-terminals
				reply.Rcode = dns.RcodeNameError
			}
			return reply
		})
		r := newResolver(t, w, func(c *recurse.Config) { c.Minimisation, c.BelowNXDomain = recurse.Relaxed, true })
		expectAnswer(t, resolve(t, r, "a.b.c.d.e.test", dns.TypeA), dns.RcodeSuccess, "a.b.c.d.e.test. A 203.0.113.3")
		if got := count(w.questions(), "198.51.100.3"); got != 2 {
			t.Errorf("asked %d times: %v", got, w.questions())
		}
	})
}
