package local

import (
	"net/netip"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Portal is the name of this machine's own pages, where nobody else answers for it.
type Portal struct {
	Name wire.Name // "" for none; [MayHold] must hold for it
	// Toward gives the addresses of the pages that a client can reach.
	Toward func(client netip.Addr) []netip.Addr
}

// portalTTL is short, for the machine's addresses change with its leases.
const portalTTL = 60

// answer gives the addresses of the pages.
func (p *Portal) answer(query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	qtype := query.Question.Type
	for _, addr := range p.Toward(query.Client.Addr) {
		header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: qtype, Class: dns.ClassINET, Ttl: portalTTL}
		switch {
		case qtype == wire.TypeA && addr.Is4():
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: addr.AsSlice()})
		case qtype == wire.TypeAAAA && addr.Is6():
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
		}
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{soa(p.Name, portalTTL)}
	}
	return finish(query, reply)
}
