package cache_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// zone answers from records in presentation format, and follows aliases itself.
type zone struct {
	records  []string
	security resolver.Security
	asked    []string
}

func (z *zone) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	owner, least := reply.Question[0].Name, uint32(3600)
	z.asked = append(z.asked, owner+" "+dns.Type(query.Question.Type).String())
	for range 5 {
		alias := ""
		for _, text := range z.records {
			record, err := dns.NewRR(text)
			if err != nil {
				return nil, err
			}
			kind := record.Header().Rrtype
			if signature, ok := record.(*dns.RRSIG); ok {
				kind = signature.TypeCovered
			}
			if record.Header().Name != owner || kind != query.Question.Type && kind != dns.TypeCNAME {
				continue
			}
			if link, ok := record.(*dns.CNAME); ok && kind != query.Question.Type {
				alias = link.Target
			}
			least = min(least, record.Header().Ttl)
			reply.Answer = append(reply.Answer, record)
		}
		if owner = alias; alias == "" {
			break
		}
	}
	answer := resolver.NewAnswer(reply, query.Now)
	answer.TTL, answer.Security = time.Duration(least)*time.Second, z.security
	return answer, nil
}

func resolveType(t *testing.T, handler resolver.Handler, name string, kind uint16) *dns.Msg {
	t.Helper()
	message, err := mustResolve(t, handler, resolver.NewQuery(wire.MustName(name), kind, nil)).Unpack()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

var aliased = []string{
	"www.example. 300 CNAME edge.example.", "edge.example. 300 CNAME node.example.",
	"node.example. 60 A 192.0.2.1", "node.example. 60 AAAA 2001:db8::1",
}

func TestAnotherTypeBeginsAtTheEndOfTheAliases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{records: aliased}
		c := cache.New(cache.Config{})
		handler := chain(c, z)
		resolveType(t, handler, "www.example", dns.TypeA)
		time.Sleep(20 * time.Second)
		message := resolveType(t, handler, "www.example", dns.TypeAAAA)
		if len(message.Answer) != 3 || message.Answer[0].Header().Ttl != 280 || message.Answer[2].Header().Ttl != 60 || message.Question[0].Name != "www.example." {
			t.Errorf("answered %v", message)
		}
		if want := []string{"www.example. A", "node.example. AAAA"}; !slices.Equal(z.asked, want) || c.Stats().Aliased.Load() != 1 {
			t.Errorf("asked %q", z.asked)
		}
		resolveType(t, handler, "node.example", dns.TypeAAAA) // kept on the way
		resolveType(t, handler, "edge.example", dns.TypeCNAME)
		if len(z.asked) != 2 {
			t.Errorf("asked %q", z.asked[2:])
		}
		time.Sleep(260 * time.Second) // the links are near their end: joining would hurry the rest
		resolveType(t, handler, "www.example", dns.TypeAAAA)
		if last := z.asked[len(z.asked)-1]; last != "www.example. AAAA" {
			t.Errorf("asked %q", last)
		}
	})
}

func TestAnAliasIsAsSecureAsItWas(t *testing.T) {
	signature := func(labels string) string {
		return "www.example. 300 RRSIG CNAME 13 " + labels + " 300 20330101000000 20200101000000 1 example. AAAA"
	}
	for _, test := range []struct {
		what     string
		first    resolver.Security
		second   resolver.Security
		extra    []string
		joined   bool
		standing resolver.Security
	}{
		{"signed and secure", resolver.Secure, resolver.Secure, []string{signature("2")}, true, resolver.Secure},
		{"signed, then an insecure end", resolver.Secure, resolver.Insecure, []string{signature("2")}, true, resolver.Insecure},
		{"unsigned and insecure", resolver.Insecure, resolver.Secure, nil, true, resolver.Insecure},
		{"signed in an insecure whole", resolver.Insecure, resolver.Secure, []string{signature("2")}, false, resolver.Secure},
		{"made of a wildcard", resolver.Secure, resolver.Secure, []string{signature("1")}, false, resolver.Secure},
		{"made of a DNAME", resolver.Secure, resolver.Secure, nil, false, resolver.Secure},
	} {
		z := &zone{records: append([]string{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1", "node.example. 60 TXT x"}, test.extra...), security: test.first}
		handler := chain(cache.New(cache.Config{}), z)
		resolveType(t, handler, "www.example", dns.TypeA)
		z.security = test.second
		answer := mustResolve(t, handler, resolver.NewQuery(wire.MustName("www.example"), dns.TypeTXT, nil))
		if joined := z.asked[1] == "node.example. TXT"; joined != test.joined || answer.Security != test.standing {
			t.Errorf("%s: joined %t, standing %d", test.what, joined, answer.Security)
		}
	}
}

func TestAliasesInACircleAreNotFollowed(t *testing.T) {
	z := &zone{records: []string{"a.example. 300 CNAME b.example.", "b.example. 300 A 192.0.2.1"}}
	handler := chain(cache.New(cache.Config{}), z)
	resolveType(t, handler, "a.example", dns.TypeA)
	z.records = []string{"b.example. 300 CNAME a.example.", "a.example. 300 A 192.0.2.1"}
	resolveType(t, handler, "b.example", dns.TypeTXT)
	z.asked = nil
	resolveType(t, handler, "a.example", dns.TypeMX)
	if !slices.Equal(z.asked, []string{"a.example. MX"}) {
		t.Errorf("asked %q", z.asked)
	}
}

func TestTypesThatAnAliasDoesNotStandFor(t *testing.T) {
	z := &zone{records: aliased}
	handler := chain(cache.New(cache.Config{}), z)
	resolveType(t, handler, "www.example", dns.TypeA)
	for _, kind := range []uint16{dns.TypeDS, dns.TypeANY, dns.TypeNSEC} {
		resolveType(t, handler, "www.example", kind)
		if last, want := z.asked[len(z.asked)-1], "www.example. "+dns.Type(kind).String(); last != want {
			t.Errorf("asked %q, not %q", last, want)
		}
	}
}
