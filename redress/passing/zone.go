package passing

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Zone is where the tickets have their names, and where those lead: to the portal.
type Zone struct {
	Name wire.Name
	// Addresses are the portal's; where there are none, Host is looked up for them.
	Addresses []netip.Addr
	Host      wire.Name
}

// ticketTTL keeps a ticket's name out of every cache: each must be asked for here.
const ticketTTL = 0

// Stage answers for the zone, and notes who looks a ticket up. All else goes on.
func (t *Tickets) Stage(zone Zone) resolver.Stage {
	return func(next resolver.Handler) resolver.Handler { return &stage{tickets: t, zone: zone, next: next} }
}

type stage struct {
	tickets *Tickets
	zone    Zone
	next    resolver.Handler
}

// Resolve answers names at and below the zone. It waits only for the portal's addresses.
func (s *stage) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	name := query.Question.Name
	if !name.IsBelow(s.zone.Name) || query.Question.Class != wire.ClassIN {
		return s.next.Resolve(ctx, query)
	}
	if name == s.zone.Name {
		return s.finish(query, query.Message())
	}
	if name.Parent() != s.zone.Name || !s.tickets.look(string(name[1:1+name[0]]), query.Client) {
		reply := query.Message()
		reply.Rcode = dns.RcodeNameError
		return s.finish(query, reply)
	}
	return s.lead(ctx, query)
}

// lead answers with the portal's addresses of the family by which the client asked, so that the
// browser comes by the same. Who asks over IPv6 may also have those of IPv4, where there are no others.
func (s *stage) lead(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	qtype := query.Question.Type
	if qtype != wire.TypeA && qtype != wire.TypeAAAA {
		return s.finish(query, reply)
	}
	addresses, err := s.addresses(ctx, query)
	if err != nil {
		return nil, err
	}
	for _, addr := range addresses {
		header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: qtype, Class: dns.ClassINET, Ttl: ticketTTL}
		switch {
		case qtype == wire.TypeA && addr.Is4():
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: addr.AsSlice()})
		case qtype == wire.TypeAAAA && addr.Is6():
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
		}
	}
	return s.finish(query, reply)
}

// addresses are the portal's that the client may have.
func (s *stage) addresses(ctx context.Context, query *resolver.Query) ([]netip.Addr, error) {
	known := s.zone.Addresses
	if len(known) == 0 {
		if query.Question.Type == wire.TypeAAAA && query.Client.Addr.Is4() {
			return nil, nil
		}
		return s.lookUp(ctx, query)
	}
	var same []netip.Addr
	for _, addr := range known {
		if addr.Is4() == query.Client.Addr.Is4() {
			same = append(same, addr)
		}
	}
	if len(same) > 0 {
		return same, nil
	}
	return known, nil
}

// lookUp asks for the portal's own name, as the client would.
func (s *stage) lookUp(ctx context.Context, query *resolver.Query) ([]netip.Addr, error) {
	further := *query
	further.Question.Name = s.zone.Host
	answer, err := s.next.Resolve(ctx, &further)
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

// finish makes the answer of a reply; with nothing in it, an SOA record that lets nobody keep that.
func (s *stage) finish(query *resolver.Query, reply *dns.Msg) (*resolver.Answer, error) {
	if len(reply.Answer) == 0 {
		zone := s.zone.Name.FQDN()
		reply.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ticketTTL},
			Ns:  zone, Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: ticketTTL,
		}}
	}
	answer := resolver.NewAnswer(reply, query.Now)
	answer.Origin, answer.Security, answer.TTL = resolver.Local, resolver.Insecure, time.Duration(ticketTTL)
	return answer.Pack()
}
