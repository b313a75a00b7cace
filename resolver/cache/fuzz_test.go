package cache_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// FuzzAnswers lets a stranger's message be the answer to a question, as secure as it
// says, and asks for each name in it afterwards. Whatever is answered without asking
// must have stood in its answer section, or be made of what stood there.
func FuzzAnswers(f *testing.F) {
	for _, records := range [][]string{
		signed("old.example. 300 DNAME new.example.", "www.old.example. 300 CNAME www.new.example.", "www.new.example. 60 A 192.0.2.1"),
		{"www.example. 300 CNAME node.example.", "node.example. 60 A 192.0.2.1"},
		{"b.wild.example. 300 A 192.0.2.1", "b.wild.example. 300 RRSIG A 13 2 300 20990101000000 20200101000000 1 example. AAAA"},
	} {
		message := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		message.Response = true
		for _, text := range append(records, signed("wild.example. 300 NSEC z.example. A")...) {
			record, err := dns.NewRR(text)
			if err != nil {
				f.Fatal(err)
			}
			if kind := record.Header().Rrtype; kind == dns.TypeNSEC || record.Header().Name == "wild.example." {
				message.Ns = append(message.Ns, record)
				continue
			}
			message.Answer = append(message.Answer, record)
		}
		message.Question[0].Name = message.Answer[0].Header().Name
		octets, err := message.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets, true)
		f.Add(octets, false)
	}
	f.Fuzz(func(t *testing.T, octets []byte, proved bool) {
		message := new(dns.Msg)
		if message.Unpack(octets) != nil || len(message.Question) != 1 {
			return
		}
		name, err := wire.ParseName(message.Question[0].Name)
		if err != nil {
			return
		}
		const size = 1 << 20
		c := cache.New(cache.Config{Size: size, Aggressive: true, Below: true, Stale: cache.Stale{UpTo: time.Hour}})
		defer c.Close()
		first := resolver.NewQuery(name, message.Question[0].Qtype, nil)
		first.Question.Class = message.Question[0].Qclass
		handler := chain(c, resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if query != first {
				return nil, resolver.Fail(resolver.NoReachableAuthority, "nobody answers")
			}
			answer := resolver.NewAnswer(message.Copy(), query.Now)
			if answer.TTL = time.Minute; proved {
				answer.Security = resolver.Secure
			}
			return answer, nil
		}))
		_, _ = handler.Resolve(t.Context(), first)
		for _, record := range slices.Concat(message.Answer, message.Ns, message.Extra) {
			followUp(t, handler, message, record)
		}
		if c.Size() > size+size/8 {
			t.Fatalf("%d octets are kept", c.Size())
		}
	})
}

// followUp asks for a record of the message by itself, and for a name below it.
func followUp(t *testing.T, handler resolver.Handler, message *dns.Msg, record dns.RR) {
	owner, err := wire.ParseName(record.Header().Name)
	if err != nil {
		return
	}
	below, err := owner.Child("x")
	if err != nil {
		below = owner
	}
	for _, name := range []wire.Name{owner, below} {
		answer, err := handler.Resolve(t.Context(), resolver.NewQuery(name, record.Header().Rrtype, nil))
		if err != nil || name == first(message) {
			continue
		}
		got, err := answer.Unpack()
		if err != nil {
			t.Fatalf("what is kept of %s is no message: %v", name, err)
		}
		for _, given := range got.Answer {
			if given.Header().Rrtype != dns.TypeCNAME && !stood(message.Answer, given) {
				t.Fatalf("answered with %v, which stood in no answer section", given)
			}
		}
	}
}

func first(message *dns.Msg) wire.Name {
	name, _ := wire.ParseName(message.Question[0].Name)
	return name
}

// stood says whether a record was in the section, under any owner: a wildcard's has another.
func stood(section []dns.RR, given dns.RR) bool {
	return slices.ContainsFunc(section, func(record dns.RR) bool {
		one := dns.Copy(record)
		one.Header().Name = given.Header().Name
		return dns.IsDuplicate(one, given)
	})
}
