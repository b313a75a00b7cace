package passing

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/onetime"
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

// Stage answers for the zone, and notes who looks a ticket up. All else goes on.
func (t *Tickets) Stage(zone Zone) resolver.Stage {
	return func(next resolver.Handler) resolver.Handler { return &stage{tickets: t, zone: zone, next: next} }
}

type stage struct {
	tickets *Tickets
	zone    Zone
	next    resolver.Handler
}

// Resolve answers names at and below the zone. It waits for the portal's addresses,
// and for the desk to know who looks a ticket up.
func (s *stage) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	name := query.Question.Name
	if !name.IsBelow(s.zone.Name) || query.Question.Class != wire.ClassIN {
		return s.next.Resolve(ctx, query)
	}
	if name == s.zone.Name {
		return s.finish(query, query.Message())
	}
	label := string(name[1 : 1+name[0]])
	one, good := s.tickets.keys.open(label, time.Now())
	if name.Parent() != s.zone.Name || !good {
		reply := query.Message()
		reply.Rcode = dns.RcodeNameError
		return s.finish(query, reply)
	}
	if query.Inline {
		return nil, resolver.ErrWouldBlock // its entry may be on the disk, and who has to know elsewhere
	}
	if err := s.tickets.look(ctx, label, one, query.Client); err != nil {
		return nil, err
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
	onetime.Lead(reply, addresses)
	return s.finish(query, reply)
}

// addresses are the portal's that the client may have.
func (s *stage) addresses(ctx context.Context, query *resolver.Query) ([]netip.Addr, error) {
	known := s.zone.Addresses
	if len(known) == 0 {
		if query.Question.Type == wire.TypeAAAA && query.Client.Addr.Is4() {
			return nil, nil
		}
		return onetime.LookUp(ctx, s.next, query, s.zone.Host)
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

func (s *stage) finish(query *resolver.Query, reply *dns.Msg) (*resolver.Answer, error) {
	return onetime.Finish(s.zone.Name, query, reply)
}
