package dnssec_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// told are the questions whose replies the fuzzer writes, and which it asks.
var told = []struct {
	name string
	kind uint16
}{
	{"www.example.test.", dns.TypeA}, {"www.example.test.", dns.TypeAAAA}, {"no.example.test.", dns.TypeA},
	{"x.wild.example.test.", dns.TypeTXT}, {"host.old.example.test.", dns.TypeA}, {"x.cw.example.test.", dns.TypeA},
	{"example.test.", dns.TypeDS}, {"example.test.", dns.TypeDNSKEY}, {"test.", dns.TypeDNSKEY}, {"www.example.test.", dns.TypeDS},
}

// content is what a secure answer says: its code and its data, TTLs aside.
func content(answer *resolver.Answer) []string {
	said := []string{dns.RcodeToString[answer.Rcode()]}
	for _, rr := range answer.Message().Answer {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			continue
		}
		rr = dns.Copy(rr)
		rr.Header().Ttl = 0
		rr.Header().Name = wire.MustName(rr.Header().Name).FQDN()
		said = append(said, rr.String())
	}
	slices.Sort(said)
	return said
}

// FuzzValidator gives one reply of the world another content: whatever it is,
// what comes out as secure is what the zones say.
func FuzzValidator(f *testing.F) {
	type side struct {
		*world
		root  dns.RR
		truth map[int][]string
	}
	var sides []side
	for _, w := range []*world{example(f), hashedExample(f)} {
		w.zone("test.").optOut = false
		truth := make(map[int][]string)
		for i, told := range told {
			answer, err := w.resolve(told.name, told.kind)
			if err != nil || answer.Security != resolver.Secure {
				f.Fatalf("%v: %v, %v", told, answer, err)
			}
			truth[i] = content(answer)
			reply := new(dns.Msg)
			w.answer(reply, told.name, told.kind)
			for other := range liesFor(i) {
				packed, err := reply.Pack()
				if err != nil {
					f.Fatal(err)
				}
				f.Add(uint8(len(sides)), uint8(i), uint8(other), packed)
			}
		}
		sides = append(sides, side{w, w.zone(".").keys[0].record, truth})
	}
	f.Fuzz(func(t *testing.T, which, asked, changed uint8, packet []byte) {
		side := sides[int(which)%len(sides)]
		index := int(asked) % len(told)
		ask, change := told[index], told[int(changed)%len(told)]
		reply := new(dns.Msg)
		if reply.Unpack(packet) != nil {
			return
		}
		next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if query.Question.Name.FQDN() != change.name || query.Question.Type != change.kind {
				return side.Resolve(ctx, query)
			}
			changed := reply.Copy()
			changed.Question = query.Message().Question
			return resolver.NewAnswer(changed, noon), nil
		})
		v, err := dnssec.New(dnssec.Config{Anchors: []dns.RR{side.root}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := v.Stage(next).Resolve(t.Context(), question(ask.name, ask.kind))
		held(t, answer, err, side.truth[index])
	})
}

// held fails a test when something else than the truth was let through, for all
// the names that it is used with are secure.
func held(t *testing.T, answer *resolver.Answer, err error, truth []string) {
	t.Helper()
	if err != nil {
		return
	}
	got := content(answer)
	if answer.Security != resolver.Secure && len(got) > 1 || answer.Security == resolver.Secure && !slices.Equal(got, truth) {
		t.Fatalf("security %d of %v, though the zones say %v", answer.Security, got, truth)
	}
}

// liesFor pairs a question with the replies that may be told falsely for it.
func liesFor(asked int) map[int]bool {
	return map[int]bool{asked: true, 6: true, 7: true, (asked + 1) % len(told): true}
}

// FuzzReplay puts replies together from records that the zones did sign, each
// true where it belongs: no choice of them proves what is not so.
func FuzzReplay(f *testing.F) {
	type side struct {
		*world
		root  dns.RR
		pool  [][]dns.RR
		truth map[int][]string
	}
	asked := append(slices.Clone(told), []struct {
		name string
		kind uint16
	}{
		{"alias.example.test.", dns.TypeA}, {"ent.example.test.", dns.TypeA}, {"example.test.", dns.TypeA}, {"fixed.wild.example.test.", dns.TypeTXT},
		{"x.wild.example.test.", dns.TypeA}, {"a.fixed.wild.example.test.", dns.TypeTXT}, {"plain.test.", dns.TypeDS}, {"test.", dns.TypeDS}, {"old.example.test.", dns.TypeA},
	}...)
	var sides []side
	for _, w := range []*world{example(f), hashedExample(f)} {
		w.zone("test.").optOut = false
		truth := make(map[int][]string)
		for i, ask := range asked {
			answer, err := w.resolve(ask.name, ask.kind)
			if err != nil || answer.Security != resolver.Secure {
				f.Fatalf("%v: %v, %v", ask, answer, err)
			}
			truth[i] = content(answer)
		}
		sides = append(sides, side{w, w.zone(".").keys[0].record, w.pool(asked[0].name, asked[2].name, asked[3].name, asked[5].name, "fixed.wild.example.test."), truth})
	}
	for which := range sides {
		for i := range asked {
			f.Add(uint8(which), uint8(i), uint8(i), uint8(0), []byte{1, 2, 3, 4}, []byte{5, 6, 7})
			f.Add(uint8(which), uint8(i), uint8(6), uint8(3), []byte{}, []byte{20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30})
		}
	}
	f.Fuzz(func(t *testing.T, which, ask, change, rcode uint8, answers, authority []byte) {
		side := sides[int(which)%len(sides)]
		index := int(ask) % len(asked)
		changed := asked[int(change)%len(asked)]
		next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if query.Question.Name.FQDN() != changed.name || query.Question.Type != changed.kind {
				return side.Resolve(ctx, query)
			}
			message := query.Message()
			message.Rcode = []int{dns.RcodeSuccess, dns.RcodeNameError}[rcode%2]
			for _, choice := range answers[:min(len(answers), 8)] {
				message.Answer = append(message.Answer, side.pool[int(choice)%len(side.pool)]...)
			}
			for _, choice := range authority[:min(len(authority), 12)] {
				message.Ns = append(message.Ns, side.pool[int(choice)%len(side.pool)]...)
			}
			return resolver.NewAnswer(message, noon), nil
		})
		v, err := dnssec.New(dnssec.Config{Anchors: []dns.RR{side.root}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := v.Stage(next).Resolve(t.Context(), question(asked[index].name, asked[index].kind))
		if err == nil && answer.Security == resolver.Secure && slices.Equal(content(answer), side.truth[index]) {
			return
		}
		if err == nil {
			t.Fatalf("%v: security %d of %v, though the zones say %v", asked[index], answer.Security, content(answer), side.truth[index])
		}
	})
}

// pool lists all that the zones sign, wildcards also as expanded to some names.
func (w *world) pool(names ...string) [][]dns.RR {
	var pool [][]dns.RR
	for _, z := range w.zones {
		for _, owner := range z.owners() {
			for _, kind := range z.types(owner) {
				set := z.sign(z.set(owner, kind))
				if kind == dns.TypeDNSKEY && len(z.keys) > 0 {
					set = z.sign(z.keyset())
				}
				pool = append(pool, set)
				for _, name := range names {
					if owner[0] == '*' && dns.IsSubDomain(owner[2:], name) {
						pool = append(pool, z.expand(set, name))
					}
				}
			}
		}
		if len(z.keys) == 0 {
			continue
		}
		chain := z.chain()
		if z.hashed {
			chain = z.chain3()
		}
		for _, rr := range chain {
			pool = append(pool, z.sign([]dns.RR{rr}))
		}
	}
	return pool
}
