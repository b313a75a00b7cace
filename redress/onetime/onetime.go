package onetime

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// LookUp asks for a host of the pages in the place of a query, as its client would.
func LookUp(ctx context.Context, next resolver.Handler, query *resolver.Query, host wire.Name) ([]netip.Addr, error) {
	further := *query
	further.Question.Name = host
	answer, err := next.Resolve(ctx, &further)
	if err != nil {
		return nil, err
	}
	message, err := answer.Unpack()
	if err != nil {
		return nil, err
	}
	var found []netip.Addr
	for _, record := range message.Answer {
		var octets []byte
		switch data := record.(type) {
		case *dns.A:
			octets = data.A.To4()
		case *dns.AAAA:
			octets = data.AAAA.To16()
		}
		if addr, ok := netip.AddrFromSlice(octets); ok {
			found = append(found, addr)
		}
	}
	return found, nil
}

// Lead puts those of the addresses into a reply that are of the family that it was asked for.
func Lead(reply *dns.Msg, addresses []netip.Addr) {
	question := reply.Question[0]
	for _, addr := range addresses {
		header := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET}
		switch {
		case question.Qtype == dns.TypeA && addr.Is4():
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: addr.AsSlice()})
		case question.Qtype == dns.TypeAAAA && addr.Is6():
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
		}
	}
}

// Finish makes the answer of a reply. Nothing of it may be kept: each name must be asked for here.
func Finish(zone wire.Name, query *resolver.Query, reply *dns.Msg) (*resolver.Answer, error) {
	if len(reply.Answer) == 0 {
		apex := zone.FQDN()
		reply.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeSOA, Class: dns.ClassINET},
			Ns:  apex, Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800,
		}}
	}
	answer := resolver.NewAnswer(reply, query.Now)
	answer.Origin, answer.Security, answer.TTL = resolver.Local, resolver.Insecure, 0
	return answer.Pack()
}
