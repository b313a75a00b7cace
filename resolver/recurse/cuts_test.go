package recurse_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// zonesOf names a cut and those above it.
func zonesOf(cut *resolver.Cut) []string {
	var zones []string
	for ; cut != nil; cut = cut.Above {
		zones = append(zones, cut.Zone.String())
	}
	return zones
}

func TestCutsOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wanted := true
		r := newResolver(t, usual(t), func(c *recurse.Config) { c.Cuts = func() bool { return wanted } })
		// One for each zone that the alias leads through, the servers with their glue.
		answer := resolve(t, r, "away.test", dns.TypeA)
		if len(answer.Cuts) != 2 {
			t.Fatalf("%d cuts", len(answer.Cuts))
		}
		if got := zonesOf(answer.Cuts[0]); got[0] != "test" {
			t.Errorf("first through %q", got)
		}
		last := answer.Cuts[1]
		if last.Zone != wire.MustName("example") || len(last.Servers) != 1 || last.Servers[0].Name != wire.MustName("ns.example") || last.Servers[0].Addresses[0].String() != "198.51.100.2" {
			t.Errorf("then through %+v", last)
		}
		if got := zonesOf(resolve(t, r, "www.a.example", dns.TypeA).Cuts[0]); !slices.Equal(got, []string{"a.example", "example"}) {
			t.Errorf("through %q", got)
		}
		wanted = false
		if answer := resolve(t, r, "other.a.example", dns.TypeA); answer.Cuts != nil {
			t.Errorf("cuts that nobody wanted: %+v", answer.Cuts)
		}
	})
}

func TestWatchEndsAResolutionBeforeServersAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		r := newResolver(t, w)
		q := query("www.a.example", dns.TypeA)
		q.Watch = func(cut *resolver.Cut) error {
			for _, server := range cut.Servers {
				if server.Name == wire.MustName("ns.a.example") {
					return &resolver.Withheld{Cut: cut}
				}
			}
			return nil
		}
		_, err := r.Resolve(t.Context(), q)
		var withheld *resolver.Withheld
		if !errors.As(err, &withheld) || withheld.Cut.Zone != wire.MustName("a.example") {
			t.Fatalf("got %v", err)
		}
		if asked := w.questions(); count(asked, "198.51.100.4") != 0 || len(asked) != 2 {
			t.Errorf("asked %q", asked)
		}
	})
}

// The addresses of a server that the referral does not tell are known when it is asked.
func TestWatchSeesAddressesThatWereLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.serve("198.51.100.2", "example.", `
@ NS ns
ns A 198.51.100.2
bare NS ns.test.`)
		r := newResolver(t, w)
		q := query("www.bare.example", dns.TypeA)
		q.Watch = func(cut *resolver.Cut) error {
			for _, server := range cut.Servers {
				// ns.test serves test, too; only the question's own way is watched.
				if cut.Zone == wire.MustName("bare.example") && len(server.Addresses) > 0 && server.Addresses[0].String() == "198.51.100.3" {
					return &resolver.Withheld{Cut: cut}
				}
				if cut.Zone == wire.MustName("test") {
					t.Error("the look-up of a server is watched")
				}
			}
			return nil
		}
		_, err := r.Resolve(t.Context(), q)
		var withheld *resolver.Withheld
		if !errors.As(err, &withheld) {
			t.Fatalf("got %v", err)
		}
		if asked := w.questions(); count(asked, "198.51.100.3 www.bare.example.") != 0 {
			t.Errorf("asked %q", asked)
		}
	})
}
