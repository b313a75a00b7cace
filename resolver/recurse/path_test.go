package recurse_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
)

// TestPathWithoutAnAddress: where no address of a zone's name servers validates the answer
// is bogus, and says so; it is not that nobody answers.
func TestPathWithoutAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bogus := resolver.Fail(resolver.Bogus, "forged")
		path := resolver.HandlerFunc(func(_ context.Context, q *resolver.Query) (*resolver.Answer, error) {
			if q.Question.Type != dns.TypeNS {
				return nil, bogus
			}
			return resolver.NewAnswer(q.Message(), q.Now), nil
		})
		r := newResolver(t, usual(t), func(c *recurse.Config) { c.Path = path })
		for range 2 { // it is not remembered as proved either
			q := query("www.test", dns.TypeA)
			q.Client.Door = resolver.UDP
			expectFailure(t, r, q, resolver.Bogus)
		}
	})
}
