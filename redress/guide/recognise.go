package guide

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// patience is how long the look for a name's hosts may take: a page waits for it.
const patience = 3 * time.Second

// maxRecords bounds what is looked at of one answer.
const maxRecords = 64

// Place is where a name's DNS and its site are.
type Place struct {
	// Zone is the name at which the DNS is kept, as far as it shows.
	Zone string
	// DNS and Site are nil where we do not know the host.
	DNS  *Host
	Site *Host
}

// Recognise finds out where a name's DNS and site are, by the handler, which must lie below
// policy. What cannot be found in time is not known.
func (h Hosts) Recognise(ctx context.Context, handler resolver.Handler, name wire.Name) Place {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	place := Place{Zone: name.String()}
	if above, err := publicsuffix.EffectiveTLDPlusOne(place.Zone); err == nil {
		place.Zone = above
	}
	if zone, err := wire.ParseName(place.Zone); err == nil {
		var servers []string
		for _, record := range ask(ctx, handler, zone, dns.TypeNS) {
			if server, is := record.(*dns.NS); is {
				servers = append(servers, server.Ns)
			}
		}
		place.DNS = h.ofServers(servers)
	}
	var targets []string
	var addrs []netip.Addr
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for _, record := range ask(ctx, handler, name, kind) {
			targets, addrs = gather(record, targets, addrs)
		}
	}
	place.Site = h.ofSite(targets, addrs)
	return place
}

func gather(record dns.RR, targets []string, addrs []netip.Addr) ([]string, []netip.Addr) {
	switch typed := record.(type) {
	case *dns.CNAME:
		targets = append(targets, typed.Target)
	case *dns.A:
		if addr, ok := netip.AddrFromSlice(typed.A); ok {
			addrs = append(addrs, addr.Unmap())
		}
	case *dns.AAAA:
		if addr, ok := netip.AddrFromSlice(typed.AAAA); ok {
			addrs = append(addrs, addr)
		}
	}
	return targets, addrs
}

func ask(ctx context.Context, handler resolver.Handler, name wire.Name, kind uint16) []dns.RR {
	answer, err := handler.Resolve(ctx, resolver.NewQuery(name, kind, resolver.NewWork()))
	if err != nil || answer == nil {
		return nil
	}
	message, err := answer.Unpack()
	if err != nil || message.Rcode != dns.RcodeSuccess {
		return nil
	}
	return message.Answer[:min(len(message.Answer), maxRecords)]
}

// label is a record's name below the zone, as forms that add the zone want it.
func (p *Place) label(owner string) string {
	return strings.TrimSuffix(strings.TrimSuffix(owner, p.Zone), ".")
}
