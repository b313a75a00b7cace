package recurse_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// BenchmarkSteady resolves names in zones of their own below a known top level:
// the servers answer at once, so that what is measured is the resolver.
func BenchmarkSteady(b *testing.B) {
	reply := func(fill func(*dns.Msg)) []byte {
		message := new(dns.Msg)
		message.Response = true
		fill(message)
		packet, err := message.Pack()
		if err != nil {
			b.Fatal(err)
		}
		return packet
	}
	refer := func(zone, address string) []byte {
		return reply(func(m *dns.Msg) {
			m.SetQuestion(zone, dns.TypeNS).Response = true
			m.Ns = parse(b, ".", zone+" NS ns."+zone)
			m.Extra = parse(b, ".", "ns."+zone+" A "+address)
		})
	}
	const zones = 4096
	replies := make(map[string][]byte, 2*zones)
	key := func(name string, qtype uint16) string { return string(wire.MustName(name)) + string(rune(qtype)) }
	replies[key("top", dns.TypeNS)] = refer("top.", "198.51.100.2")
	for i := range zones {
		zone := fmt.Sprintf("z%d.top.", i)
		replies[key(zone, dns.TypeNS)] = refer(zone, "198.51.100.3")
		replies[key("www."+zone, dns.TypeA)] = reply(func(m *dns.Msg) {
			m.SetQuestion("www."+zone, dns.TypeA).Response = true
			m.Authoritative, m.Answer = true, parse(b, ".", "www."+zone+" A 203.0.113.9")
		})
	}
	exchanger := exchangerFunc(func(_ context.Context, _ resolver.Server, query []byte, accept func([]byte) bool) ([]byte, error) {
		var buffer [wire.MaxName]byte
		name, end, err := wire.ReadName(query, wire.HeaderSize, &buffer)
		if err != nil {
			return nil, err
		}
		packet := append([]byte{}, replies[string(name)+string(rune(query[end+1]))]...)
		copy(packet, query[:2])
		if !accept(packet) {
			return nil, fmt.Errorf("%s was refused", name)
		}
		return packet, nil
	})
	var r *recurse.Resolver
	questions := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%zones == 0 { // a cold start, once in so many
			var err error
			if r, err = recurse.New(recurse.Config{Hints: parse(b, ".", hints), IPv4: true}, exchanger, slog.New(slog.DiscardHandler)); err != nil {
				b.Fatal(err)
			}
		}
		q := query(fmt.Sprintf("www.z%d.top", i%zones), dns.TypeA)
		if _, err := r.Resolve(b.Context(), q); err != nil {
			b.Fatal(err)
		}
		questions += q.Work.Queries()
	}
	b.ReportMetric(float64(questions)/float64(b.N), "questions/op")
}
