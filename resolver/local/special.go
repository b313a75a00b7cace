package local

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// kind is how a zone is answered.
type kind uint8

const (
	world    kind = iota // not here
	empty                // the apex exists, nothing below it does
	noData               // every name exists, without data
	loopback             // every name is this machine
	pointer              // the reverse name of a loopback address
	ipv4only             // the name by which clients find the NAT64 prefix
	ipv4back             // the reverse name of one of its addresses
)

// emptyZones are special-use domain names that exist nowhere, and the reverse
// zones of addresses that are nobody's or everybody's.
var emptyZones = []string{
	"test", "invalid", // RFC 6761, sections 6.2 and 6.4
	"local",        // RFC 6762, section 22.1: asked by multicast alone
	"onion",        // RFC 7686, section 2
	"home.arpa",    // RFC 8375, section 4
	"service.arpa", // RFC 9665, section 10
	// RFC 6303, sections 4.1 to 4.6, in the order of the addresses.
	"0.in-addr.arpa", "10.in-addr.arpa", "127.in-addr.arpa", "254.169.in-addr.arpa", "2.0.192.in-addr.arpa",
	"168.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
	"d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
	reverseOf("::"),
}

// arpa is the domain whose special zones are delegated there without DS, so that a
// validating client may be shown our unsigned answers.
var arpa = wire.MustName("arpa")

// specialZones is every zone that is answered here unless it is served elsewhere.
func specialZones() map[wire.Name]kind {
	zones := map[wire.Name]kind{
		wire.MustName("localhost"): loopback, // RFC 6761, section 6.3
		// RFC 9462, section 6.4: locally served, and NODATA where nothing is designated.
		resolverArpa:                          noData,
		wire.MustName(reverseOf("::1")):       pointer,
		wire.MustName(reverseOf("127.0.0.1")): pointer,
	}
	for _, zone := range emptyZones {
		zones[wire.MustName(zone)] = empty
	}
	for i := 16; i < 32; i++ { // 172.16.0.0/12 (RFC 6303, section 4.1)
		zones[wire.MustName(fmt.Sprintf("%d.172.in-addr.arpa", i))] = empty
	}
	for i := 64; i < 128; i++ { // 100.64.0.0/10 (RFC 7793, section 2)
		zones[wire.MustName(fmt.Sprintf("%d.100.in-addr.arpa", i))] = empty
	}
	return zones
}

// servedZones is every zone of which it is decided here who answers.
func servedZones(config Config) map[wire.Name]kind {
	zones := map[wire.Name]kind{}
	if config.Zones {
		zones = specialZones()
	}
	// RFC 8880, section 7.1: special for a resolver that does DNS64, and for no other,
	// since a NAT64 may stand upstream of it.
	if config.DNS64.IsValid() {
		zones[wire.MustName("ipv4only.arpa")] = ipv4only
		for _, addr := range ipv4onlyAddresses {
			zones[wire.MustName(reverseOf(addr))] = ipv4back
		}
	}
	for _, zone := range config.Served {
		zones[zone] = world
	}
	if len(config.Discovery.Doors)+len(config.Discovery.Information) > 0 {
		zones[resolverArpa] = noData
	}
	return zones
}

// ipv4onlyAddresses are those of ipv4only.arpa (RFC 7050, section 8.2).
var ipv4onlyAddresses = [...]string{"192.0.0.170", "192.0.0.171"}

// reverseOf is the name below in-addr.arpa or ip6.arpa of an address spelt out here.
func reverseOf(addr string) string { return reverse(netip.MustParseAddr(addr)).String() }

// isDelegation says that the question is about the delegation of a zone below arpa,
// which is asked of the world: a validating client needs the proof that the zone
// is insecure (RFC 8375, section 4; RFC 8880, section 7.1; RFC 6303, section 6).
func isDelegation(question wire.Question, zone wire.Name, how kind) bool {
	return question.Type == dns.TypeDS && question.Name == zone && zone.IsBelow(arpa) && how != pointer
}

func (s *stage) special(query *resolver.Query, zone wire.Name, how kind) (*resolver.Answer, error) {
	reply := query.Message()
	name, kind := query.Question.Name, query.Question.Type
	header := dns.RR_Header{Name: reply.Question[0].Name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
	switch {
	case kind == dns.TypeSOA && name == zone:
		reply.Answer = []dns.RR{soa(zone, ttl)}
	case kind == dns.TypeNS && name == zone:
		reply.Answer = []dns.RR{&dns.NS{Hdr: header, Ns: zone.FQDN()}}
	default:
		reply.Answer = s.data(header, name == zone, how)
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{soa(zone, ttl)}
		if name != zone && how != noData && how != loopback && !s.records.isAbove(name) {
			reply.Rcode = dns.RcodeNameError
		}
	}
	return finish(query, reply)
}

// data is what a special name has of the type that the header says.
func (s *stage) data(header dns.RR_Header, apex bool, how kind) []dns.RR {
	switch {
	case how == loopback && header.Rrtype == dns.TypeA:
		return []dns.RR{&dns.A{Hdr: header, A: []byte{127, 0, 0, 1}}}
	case how == loopback && header.Rrtype == dns.TypeAAAA:
		return []dns.RR{&dns.AAAA{Hdr: header, AAAA: []byte{15: 1}}}
	case !apex:
		return nil
	case how == pointer && header.Rrtype == dns.TypePTR:
		return []dns.RR{&dns.PTR{Hdr: header, Ptr: "localhost."}}
	case how == ipv4back && header.Rrtype == dns.TypePTR:
		return []dns.RR{&dns.PTR{Hdr: header, Ptr: "ipv4only.arpa."}}
	case how == ipv4only:
		return s.ipv4only(header)
	}
	return nil
}

// ipv4only is the well-known addresses, and what they are behind the NAT64.
func (s *stage) ipv4only(header dns.RR_Header) []dns.RR {
	var records []dns.RR
	for _, text := range ipv4onlyAddresses {
		addr := netip.MustParseAddr(text)
		switch header.Rrtype {
		case dns.TypeA:
			records = append(records, &dns.A{Hdr: header, A: addr.AsSlice()})
		case dns.TypeAAAA:
			records = append(records, &dns.AAAA{Hdr: header, AAAA: s.nat.embed(addr).AsSlice()})
		}
	}
	return records
}
