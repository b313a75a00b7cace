package cache_test

import (
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
)

func TestWhatIsJoinedLivesAsLongAsItsLinks(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. CNAME": {records: []string{"www.example. 300 CNAME node.test."}, extended: []resolver.Extended{{Code: resolver.OtherError}}},
		"node.test. A":       {records: []string{"node.test. 60 A 192.0.2.1"}},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeCNAME)
		time.Sleep(260 * time.Second)
		answer := mustResolve(t, handler, query("www.example", dns.TypeA))
		if answer.TTL != 40*time.Second || !slices.Equal(codes(answer), []uint16{resolver.OtherError}) || len(s.asked) != 2 {
			t.Errorf("lives %v, says %v, asked %q", answer.TTL, codes(answer), s.asked)
		}
	})
}

func TestAnEndThatIsProvedAbsentIsNotAsked(t *testing.T) {
	s := &script{security: resolver.Secure, replies: map[string]reply{
		"www.example. CNAME": {records: signed("www.example. 300 CNAME n.example.")},
		"o.example. A": {rcode: dns.RcodeNameError, authority: signed("example. 300 SOA . . 1 1 1 1 300",
			"m.example. 300 NSEC p.example. A", "example. 300 NSEC m.example. SOA NS")},
	}}
	played(t, cache.Config{Aggressive: true}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeCNAME)
		resolveType(t, handler, "o.example", dns.TypeA)
		answer := mustResolve(t, handler, query("www.example", dns.TypeA))
		if answer.Rcode() != dns.RcodeNameError || !slices.Equal(codes(answer), []uint16{resolver.Synthesised}) || answer.Security != resolver.Secure || len(s.asked) != 2 {
			t.Errorf("answered %d, %v, asked %q", answer.Rcode(), codes(answer), s.asked)
		}
	})
}

// TestAnEndThatDeclinesIsNoEnd: the zones are asked for the whole.
func TestAnEndThatDeclinesIsNoEnd(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. CNAME": {records: []string{"www.example. 300 CNAME node.test."}},
		"node.test. A":       {rcode: dns.RcodeRefused},
		"www.example. A":     {records: []string{"www.example. 300 A 192.0.2.1"}},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.example", dns.TypeCNAME)
		if message := resolveType(t, handler, "www.example", dns.TypeA); message.Rcode != 0 || len(message.Answer) != 1 {
			t.Errorf("answered %v", message)
		}
	})
}

// TestWhatIsAskedForAnewIsKeptNowhere, not in parts either.
func TestWhatIsAskedForAnewIsKeptNowhere(t *testing.T) {
	s := &script{replies: map[string]reply{
		"www.example. A":  {records: []string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"}},
		"node.example. A": {records: []string{"node.example. 60 A 192.0.2.2"}},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, c *cache.Cache) {
		fresh := query("www.example", dns.TypeA)
		fresh.Fresh = true
		mustResolve(t, handler, fresh)
		if c.Size() != 0 {
			t.Errorf("%d octets are kept", c.Size())
		}
	})
}
