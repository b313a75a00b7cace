package local

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config says which names are local.
type Config struct {
	// Zones answers the special-use names and reverse zones here; false asks the world.
	Zones bool
}

// Stage answers local questions and passes all others on. It never waits.
func Stage(config Config) resolver.Stage {
	zones := map[wire.Name]kind{}
	if config.Zones {
		zones = specialZones()
	}
	return func(next resolver.Handler) resolver.Handler {
		return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
			if answer, err := answerLocally(zones, query); answer != nil || err != nil {
				return answer, err
			}
			return next.Resolve(ctx, query)
		})
	}
}

// TTL of local answers, in seconds; long enough to spare a repeat, short enough to mend.
const ttl = 3600

func answerLocally(zones map[wire.Name]kind, query *resolver.Query) (*resolver.Answer, error) {
	switch {
	case query.Question.Class != wire.ClassIN:
		return refuse(query, resolver.NotSupported, "only class IN is served")
	case query.Question.Type == wire.TypeAXFR || query.Question.Type == wire.TypeIXFR:
		return refuse(query, resolver.NotSupported, "no zone is transferred here")
	}
	if zone, how := find(zones, query.Question.Name); how != none {
		return special(query, zone, how)
	}
	if !query.RecursionDesired() {
		return refuse(query, resolver.NotAuthoritative, "recursion was not desired")
	}
	return nil, nil
}

// find looks for the closest local zone at or above the name, without allocating.
func find(zones map[wire.Name]kind, name wire.Name) (wire.Name, kind) {
	if len(zones) == 0 {
		return "", none
	}
	for zone := name; zone != ""; zone = zone.Parent() {
		if how, found := zones[zone]; found {
			return zone, how
		}
	}
	return "", none
}

func refuse(query *resolver.Query, code uint16, text string) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Rcode = dns.RcodeRefused
	return finish(query, reply, resolver.Extended{Code: code, Text: text})
}

func special(query *resolver.Query, zone wire.Name, how kind) (*resolver.Answer, error) {
	reply := query.Message()
	owner := reply.Question[0].Name
	header := dns.RR_Header{Name: owner, Rrtype: query.Question.Type, Class: dns.ClassINET, Ttl: ttl}
	switch {
	case how == loopback && query.Question.Type == dns.TypeA:
		reply.Answer = []dns.RR{&dns.A{Hdr: header, A: []byte{127, 0, 0, 1}}}
	case how == loopback && query.Question.Type == dns.TypeAAAA:
		reply.Answer = []dns.RR{&dns.AAAA{Hdr: header, AAAA: []byte{15: 1}}}
	case query.Question.Name == zone && query.Question.Type == dns.TypeSOA:
		reply.Answer = []dns.RR{soa(zone)}
	case query.Question.Name == zone && query.Question.Type == dns.TypeNS:
		reply.Answer = []dns.RR{&dns.NS{Hdr: header, Ns: "localhost."}}
	default:
		reply.Ns = []dns.RR{soa(zone)}
		if how == empty && query.Question.Name != zone {
			reply.Rcode = dns.RcodeNameError
		}
	}
	return finish(query, reply)
}

func soa(zone wire.Name) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: zone.FQDN(), Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:  "localhost.", Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: ttl,
	}
}

func finish(query *resolver.Query, reply *dns.Msg, extended ...resolver.Extended) (*resolver.Answer, error) {
	answer := resolver.NewAnswer(reply, query.Now)
	answer.Origin, answer.Security, answer.TTL, answer.Extended = resolver.Local, resolver.Insecure, ttl*time.Second, extended
	return answer.Pack()
}
