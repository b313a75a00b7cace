package recurse_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// twoTellers is a world whose example. has two servers, of which the second delegates
// every name below a.example to the server at the address given.
func twoTellers(t *testing.T, address string) *world {
	w := usual(t)
	w.serve(rootAddress, ".", "example. NS ns.example.\nexample. NS other.example.\nns.example. A 198.51.100.2\nother.example. A 198.51.100.12")
	w.serve("198.51.100.12", "example.", "a NS ns.a\nns.a A "+address)
	w.on("198.51.100.9", rcode(dns.RcodeRefused))
	return w
}

func TestOneServerOfTheParentMisleads(t *testing.T) {
	for _, mode := range []recurse.Minimisation{recurse.Whole, recurse.Relaxed, recurse.Strict} {
		for round := range 12 { // which of the two is asked first is left to chance
			synctest.Test(t, func(t *testing.T) {
				w := twoTellers(t, "198.51.100.9")
				r := newResolver(t, w, func(c *recurse.Config) { c.Minimisation = mode })
				expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.4")
				w.questions()
				expectAnswer(t, resolve(t, r, "www.a.example", dns.TypeA), dns.RcodeSuccess, "www.a.example. A 203.0.113.4")
				if asked := w.questions(); len(asked) != 1 {
					t.Errorf("round %d: what was found is not kept: asked %q", round, asked)
				}
			})
		}
	}
}

// TestALameZoneCostsItsParentOnce: both servers of the parent tell the same. No name of
// the zone asks a third time, nor the zone's servers again for what they refused.
func TestALameZoneCostsItsParentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := twoTellers(t, "198.51.100.4")
		w.on("198.51.100.4", rcode(dns.RcodeRefused))
		r := newResolver(t, w)
		expectFailure(t, r, query("www.a.example", dns.TypeA), resolver.NoReachableAuthority)
		asked := w.questions()
		if count(asked, "198.51.100.2 www.a") != 1 || count(asked, "198.51.100.12 www.a") != 1 || count(asked, "198.51.100.4 www.a") != 1 {
			t.Errorf("asked %q", asked)
		}
		for i := range 5 {
			expectFailure(t, r, query(fmt.Sprintf("x%d.a.example", i), dns.TypeA), resolver.NoReachableAuthority)
		}
		if asked := w.questions(); slices.ContainsFunc(asked, func(q string) bool { return q[:13] != "198.51.100.4 " }) {
			t.Errorf("asked the parent again: %q", asked)
		}
	})
}

// TestSilenceIsNoReasonToDoubtTheTeller, and a parent with one server has no other.
func TestSilenceIsNoReasonToDoubtTheTeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := twoTellers(t, "198.51.100.4")
		w.on("198.51.100.4", silent)
		expectFailure(t, newResolver(t, w), query("www.a.example", dns.TypeA), resolver.NoReachableAuthority)
		asked := w.questions()
		if told := count(asked, "198.51.100.2 ") + count(asked, "198.51.100.12 "); told != 1 {
			t.Errorf("asked %q", asked)
		}
		w = usual(t)
		w.on("198.51.100.4", rcode(dns.RcodeRefused))
		expectFailure(t, newResolver(t, w), query("www.a.example", dns.TypeA), resolver.NoReachableAuthority)
		if asked := w.questions(); count(asked, "198.51.100.2 ") != 1 {
			t.Errorf("asked %q", asked)
		}
	})
}
