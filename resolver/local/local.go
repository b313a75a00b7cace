package local

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config says what is answered here.
type Config struct {
	// Zones answers the special-use names and reverse zones here; false asks the world.
	Zones bool
	// Served are zones whose servers are configured: they are asked, also where the
	// zone is a special one (RFC 6303, section 3; RFC 8375, section 4).
	Served []wire.Name
	// Records are the operator's own data; nil for none.
	Records *Records
	// Snoop are the networks that may ask the cache without recursion (RD=0).
	Snoop []netip.Prefix
	// DNS64 is the prefix of the network's NAT64; invalid where it has none.
	// ipv4only.arpa is then answered here (RFC 8880, section 7.1).
	DNS64 netip.Prefix
	// Discovery is what is told of this resolver. Where it tells anything resolver.arpa
	// is answered here even without Zones (RFC 9462, section 6.4).
	Discovery Discovery
	// Portal is the name of this machine's own pages. The operator's records go before it.
	Portal Portal
}

// Stage answers local questions and passes all others on. It never waits.
func Stage(config Config) resolver.Stage {
	zones, told := newZones(servedZones(config)), newDiscovery(config.Discovery)
	return func(next resolver.Handler) resolver.Handler {
		return &stage{zones: zones, records: config.Records, snoop: slices.Clone(config.Snoop), nat: prefix64{config.DNS64}, discovery: told, portal: config.Portal, next: next}
	}
}

type stage struct {
	zones   zones
	records *Records
	snoop   []netip.Prefix
	nat     prefix64

	discovery *discovery // nil where nothing is told
	portal    Portal
	next      resolver.Handler
}

// TTL of local answers, in seconds; long enough to spare a repeat, short enough to mend.
const ttl = 3600

// Resolve answers what is local.
func (s *stage) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	return s.resolve(ctx, query, 0)
}

// resolve is Resolve behind that many aliases of local records.
func (s *stage) resolve(ctx context.Context, query *resolver.Query, links int) (*resolver.Answer, error) {
	if answer, err := unanswerable(query); answer != nil || err != nil {
		return answer, err
	}
	if s.discovery != nil {
		if answer, err := s.discovery.answer(query); answer != nil || err != nil {
			return answer, err
		}
	}
	zone, how := s.zones.find(query.Question.Name)
	if own := s.records.find(query.Question.Name); own != nil {
		if answer, err := s.own(ctx, query, own, zone, how, links); answer != nil || err != nil {
			return answer, err
		}
	} else if s.portal.Name != "" && query.Question.Name == s.portal.Name {
		return s.portal.answer(query)
	}
	if how != world && !isDelegation(query.Question, zone, how) && !s.isSynthetic(query.Question.Name, zone) {
		return s.special(query, zone, how)
	}
	if !query.RecursionDesired() && !s.maySnoop(query.Client.Addr) {
		return notDesired(query)
	}
	return s.next.Resolve(ctx, query)
}

// isSynthetic says that DNS64 answers for a reverse name further down the chain: the
// prefix may well be of private addresses.
func (s *stage) isSynthetic(name, zone wire.Name) bool {
	if !s.nat.IsValid() || !zone.IsBelow(ip6Arpa) {
		return false
	}
	addr, whole := addressOf(name)
	_, found := s.nat.extract(addr)
	return whole && found
}

func (s *stage) maySnoop(client netip.Addr) bool {
	return slices.ContainsFunc(s.snoop, func(network netip.Prefix) bool { return network.Contains(client) })
}

func notDesired(query *resolver.Query) (*resolver.Answer, error) {
	return refuse(query, dns.RcodeRefused, resolver.NotAuthoritative, "recursion was not desired")
}

// zones is who answers in which zone.
type zones struct {
	kinds map[wire.Name]kind
	// tops says under which places of last labels any of them lies: nearly no name that is
	// asked for lies under one, and is looked up no further.
	tops [256]bool
}

func newZones(kinds map[wire.Name]kind) zones {
	made := zones{kinds: kinds}
	for zone := range kinds {
		if zone == wire.Root {
			for i := range made.tops {
				made.tops[i] = true
			}
		}
		made.tops[topOf(zone)] = true
	}
	return made
}

// topOf is the place of a name's last label. Different labels may have the same.
func topOf(name wire.Name) byte {
	at := 0
	for next := 0; next < len(name)-1; next += 1 + int(name[next]) {
		at = next
	}
	if at+1 >= len(name) {
		return 0
	}
	return name[at]*31 ^ name[at+1]
}

// find looks for the closest zone at or above the name, without allocating.
func (z *zones) find(name wire.Name) (wire.Name, kind) {
	if !z.tops[topOf(name)] {
		return "", world
	}
	for zone := name; zone != ""; zone = zone.Parent() {
		if how, found := z.kinds[zone]; found {
			return zone, how
		}
	}
	return "", world
}

func soa(zone wire.Name, ttl uint32) dns.RR {
	// RFC 6303, section 3: the zone is its own server, so that updates lead nowhere.
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: zone.FQDN(), Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:  zone.FQDN(), Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: ttl,
	}
}

// finish makes the answer of a reply. Its TTLs say how long it holds.
func finish(query *resolver.Query, reply *dns.Msg, extended ...resolver.Extended) (*resolver.Answer, error) {
	answer := resolver.NewAnswer(reply, query.Now)
	answer.Origin, answer.Security, answer.Extended = resolver.Local, resolver.Insecure, extended
	answer.TTL = time.Duration(lowest(reply, ttl)) * time.Second
	return pack(answer)
}

// pack makes the wire form, of what fits a message.
func pack(answer *resolver.Answer) (*resolver.Answer, error) {
	size := *answer.Message()
	if size.Compress = true; size.Len() > dns.MaxMsgSize {
		return nil, resolver.Fail(other, "the answer does not fit a message")
	}
	return answer.Pack()
}

// lowest is the shortest TTL of answer and authority, at most limit.
func lowest(reply *dns.Msg, limit uint32) uint32 {
	for _, section := range [...][]dns.RR{reply.Answer, reply.Ns} {
		for _, record := range section {
			limit = min(limit, record.Header().Ttl)
		}
	}
	return limit
}
