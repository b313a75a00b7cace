package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// standingIn asks a stage whose list s has servers for site.example, which answer so.
func standingIn(t *testing.T, s *policy.Snapshot, servers resolver.HandlerFunc, q *resolver.Query, next *below) (*resolver.Answer, error) {
	t.Helper()
	s.StandIns = policy.StandIns{"s": {wire.MustName("site.example")}}
	handlers := map[blocklists.ListID]resolver.Handler{"s": servers}
	return policy.New(policy.NewCurrent(s), new(counter), handlers, quiet).Stage(next).Resolve(t.Context(), q)
}

func TestStandIn(t *testing.T) {
	down := func(context.Context, *resolver.Query) (*resolver.Answer, error) {
		return nil, resolver.Fail(resolver.NoReachableAuthority, "silent")
	}
	up := func(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
		return reply(t, q, strings.TrimSuffix(q.Question.Name.FQDN(), ".")+". 300 IN A 192.0.2.80"), nil
	}
	for what, test := range map[string]struct {
		list    list
		name    string
		servers resolver.HandlerFunc
		records []string // of the real answer
		want    string
	}{
		"the name":                      {security("s", "site.example"), "www.site.example", up, nil, "NOERROR 192.0.2.80"},
		"a silent server":               {security("s", "site.example"), "www.site.example", down, nil, "NXDOMAIN"},
		"another name of the list":      {security("s", "other.example"), "other.example", up, nil, "NXDOMAIN"},
		"a name that is not listed":     {security("s", "bad.site.example"), "www.site.example", up, []string{"www.site.example. 300 IN A 192.0.2.7"}, "passed"},
		"the zone of another list":      {security("z", "site.example"), "site.example", up, nil, "NXDOMAIN"},
		"what an alias leads to":        {security("s", "site.example"), "shop.example", up, []string{"shop.example. 300 IN CNAME www.site.example.", "www.site.example. 300 IN A 192.0.2.7"}, "NOERROR www.site.example. 192.0.2.80"},
		"an alias to a silent server's": {security("s", "site.example"), "shop.example", down, []string{"shop.example. 300 IN CNAME www.site.example."}, "NXDOMAIN www.site.example."},
	} {
		t.Run(what, func(t *testing.T) {
			q := query(italian, test.name, dns.TypeA)
			next := new(below)
			if test.records != nil {
				next.cached = reply(t, q, test.records...)
			}
			if got := said(standingIn(t, snapshot(t, compile(t, nil, []list{test.list})), test.servers, q, next)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// What stands in may have to wait, and its answer is kept no longer than any block's.
func TestStandInWaits(t *testing.T) {
	waiting := func(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
		if q.Inline {
			return nil, resolver.ErrWouldBlock
		}
		return reply(t, q, "site.example. 3600 IN A 192.0.2.80"), nil
	}
	s := snapshot(t, compile(t, nil, []list{security("s", "site.example")}))
	q := query(italian, "site.example", dns.TypeA)
	q.Inline = true
	if _, err := standingIn(t, s, waiting, q, new(below)); !errors.Is(err, resolver.ErrWouldBlock) {
		t.Errorf("inline: %v", err)
	}
	q.Inline = false
	answer, err := standingIn(t, s, waiting, q, new(below))
	if err != nil {
		t.Fatal(err)
	}
	message, err := answer.Unpack()
	if err != nil || message.Answer[0].Header().Ttl > 60 || len(answer.Extended) != 2 || answer.Extended[0].Code != resolver.Blocked || answer.Extended[1].Code != resolver.ForgedAnswer {
		t.Errorf("got %v, %+v, %v", message, answer.Extended, err)
	}
}
