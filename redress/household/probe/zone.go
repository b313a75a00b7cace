package probe

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress/onetime"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Zone is where the showings have their names, and where those lead: to the pages.
type Zone struct {
	Name wire.Name
	// Toward gives the addresses of the pages that a client can reach; nil: Host is looked up for them.
	Toward func(client netip.Addr) []netip.Addr
	Host   wire.Name
}

// Stage answers for the zone, and notes who looks a showing up. All else goes on.
func (p *Probes) Stage(zone Zone) resolver.Stage {
	return func(next resolver.Handler) resolver.Handler { return &stage{probes: p, zone: zone, next: next} }
}

type stage struct {
	probes *Probes
	zone   Zone
	next   resolver.Handler
}

// Resolve answers names at and below the zone. It waits only for the addresses of the pages.
func (s *stage) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	name := query.Question.Name
	if !name.IsBelow(s.zone.Name) || query.Question.Class != wire.ClassIN {
		return s.next.Resolve(ctx, query)
	}
	if name == s.zone.Name || name.Parent() == s.zone.Name {
		return s.finish(query, query.Message())
	}
	label := name.Parent()
	if label.Parent() != s.zone.Name || !s.probes.look(first(name), first(label), query.Client) {
		reply := query.Message()
		reply.Rcode = dns.RcodeNameError
		return s.finish(query, reply)
	}
	return s.lead(ctx, query, first(name))
}

func first(name wire.Name) string { return string(name[1 : 1+name[0]]) }

// lead answers with the addresses of the pages.
func (s *stage) lead(ctx context.Context, query *resolver.Query, name string) (*resolver.Answer, error) {
	reply := query.Message()
	qtype := query.Question.Type
	if qtype != wire.TypeA && qtype != wire.TypeAAAA || qtype == wire.TypeA && name == Only6 || qtype == wire.TypeAAAA && name == Only4 {
		return s.finish(query, reply)
	}
	addresses, err := s.addresses(ctx, query)
	if err != nil {
		return nil, err
	}
	onetime.Lead(reply, addresses)
	return s.finish(query, reply)
}

func (s *stage) addresses(ctx context.Context, query *resolver.Query) ([]netip.Addr, error) {
	if s.zone.Toward != nil {
		return s.zone.Toward(query.Client.Addr), nil
	}
	return onetime.LookUp(ctx, s.next, query, s.zone.Host)
}

func (s *stage) finish(query *resolver.Query, reply *dns.Msg) (*resolver.Answer, error) {
	return onetime.Finish(s.zone.Name, query, reply)
}

// LabelOf is the label that a host below a zone is of; false for another host.
func LabelOf(host, zone string) (label string, is bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	rest, below := strings.CutSuffix(strings.TrimSuffix(strings.ToLower(host), "."), "."+strings.ToLower(zone))
	_, label, found := strings.Cut(rest, ".")
	return label, below && found
}
