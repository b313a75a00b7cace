package proof

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Exchanger asks one server one question, as the resolver's does.
type Exchanger interface {
	Exchange(ctx context.Context, server resolver.Server, query []byte, accept func(reply []byte) bool) ([]byte, error)
}

// Bounds of asking a zone's own servers.
const (
	maxServers     = 8
	maxZoneLabels  = 4
	serverPatience = 2 * time.Second
	dnsPort        = 53
)

// servers asks each server of a zone by itself, to see whether the record is at some of them
// only. It is for the explanation alone: it proves nothing, as nothing is validated.
type servers struct {
	handler   resolver.Handler
	exchanger Exchanger
	may       func(netip.Addr) bool
}

// NewTXTAt is NewTXT that also sees when a record is not at all servers of the zone yet. May
// says which addresses of servers may be asked; nil: those of the Internet.
func NewTXTAt(handler resolver.Handler, exchanger Exchanger, may func(netip.Addr) bool) *TXT {
	if may == nil {
		may = resolver.IsPublic
	}
	return &TXT{handler: handler, servers: &servers{handler: handler, exchanger: exchanger, may: may}}
}

// without gives the servers that lack the value while others have it; none where all agree.
func (s *servers) without(ctx context.Context, owner wire.Name, value string) []string {
	names := s.of(ctx, owner)
	answers := make([]answered, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() { answers[i] = s.has(ctx, name, owner, value) })
	}
	group.Wait()
	var lacking []string
	some := false
	for i, answer := range answers {
		switch answer {
		case hasValue:
			some = true
		case lacksValue:
			lacking = append(lacking, strings.TrimSuffix(names[i], "."))
		}
	}
	if !some {
		return nil
	}
	return lacking
}

// of are the names of the servers of the zone that the owner is in.
func (s *servers) of(ctx context.Context, owner wire.Name) []string {
	labels := dns.SplitDomainName(owner.FQDN())
	for i := 1; i < len(labels) && i <= maxZoneLabels; i++ {
		zone, err := wire.ParseName(strings.Join(labels[i:], "."))
		if err != nil {
			return nil
		}
		var names []string
		for _, record := range s.ask(ctx, zone, dns.TypeNS) {
			if server, is := record.(*dns.NS); is && !slices.Contains(names, server.Ns) && len(names) < maxServers {
				names = append(names, server.Ns)
			}
		}
		if len(names) > 0 {
			return names
		}
	}
	return nil
}

func (s *servers) ask(ctx context.Context, name wire.Name, kind uint16) []dns.RR {
	query := resolver.NewQuery(name, kind, resolver.NewWork())
	query.Fresh = kind == dns.TypeNS
	answer, err := s.handler.Resolve(ctx, query)
	if err != nil || answer == nil {
		return nil
	}
	message, err := answer.Unpack()
	if err != nil {
		return nil
	}
	return message.Answer
}

// answered is what a server said.
type answered int

const (
	noAnswer answered = iota
	hasValue
	lacksValue
)

func (s *servers) has(ctx context.Context, server string, owner wire.Name, value string) answered {
	ctx, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	name, err := wire.ParseName(server)
	if err != nil {
		return noAnswer
	}
	for _, record := range s.ask(ctx, name, dns.TypeA) {
		typed, is := record.(*dns.A)
		if !is {
			continue
		}
		addr, ok := netip.AddrFromSlice(typed.A)
		if !ok || !s.may(addr.Unmap()) {
			continue
		}
		return s.texts(ctx, netip.AddrPortFrom(addr.Unmap(), dnsPort), owner, value)
	}
	return noAnswer
}

// texts asks one address for the record, without recursion.
func (s *servers) texts(ctx context.Context, at netip.AddrPort, owner wire.Name, value string) answered {
	query := new(dns.Msg).SetQuestion(owner.FQDN(), dns.TypeTXT)
	query.RecursionDesired = false
	packed, err := query.Pack()
	if err != nil {
		return noAnswer
	}
	reply := new(dns.Msg)
	accept := func(packet []byte) bool {
		read := new(dns.Msg)
		if read.Unpack(packet) != nil || !read.Response || read.Id != query.Id || len(read.Question) != 1 || !strings.EqualFold(read.Question[0].Name, owner.FQDN()) {
			return false
		}
		reply = read
		return true
	}
	if _, err := s.exchanger.Exchange(ctx, resolver.Server{Addr: at}, packed, accept); err != nil {
		return noAnswer
	}
	switch {
	case reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError || reply.Truncated || !reply.Authoritative:
		return noAnswer
	case slices.Contains(textsAt(reply.Answer, owner.FQDN()), value):
		return hasValue
	}
	return lacksValue
}
