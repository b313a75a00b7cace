package recurse_test

import (
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// TestFlush: what was learnt of a zone is asked for anew, from its parent down.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		resolve(t, r, "www.example", dns.TypeA)
		w.questions()
		resolve(t, r, "www.example", dns.TypeA)
		if asked := w.questions(); count(asked, rootAddress) != 0 {
			t.Fatalf("the root was asked although the delegation is known: %q", asked)
		}
		if gone := r.Flush(wire.MustName("other"), true); gone != 0 {
			t.Errorf("%d findings of a name that nobody asked for", gone)
		}
		if gone := r.Flush(wire.MustName("example"), true); gone == 0 {
			t.Error("nothing was known of the zone")
		}
		resolve(t, r, "www.example", dns.TypeA)
		if asked := w.questions(); count(asked, rootAddress) == 0 {
			t.Errorf("the root was not asked after the flush: %q", asked)
		}
	})
}
