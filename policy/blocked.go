package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// blockTTL is how long a blocked answer may be kept, in seconds: as long as a lifted
// block may still be felt behind somebody else's cache.
const blockTTL = 60

// BlockTTL is for how long somebody may keep a blocked answer after the block was lifted.
const BlockTTL = blockTTL * time.Second

// blocked answers a question that a match blocks, explained within the query's budget.
func (s *Snapshot) blocked(query *resolver.Query, match *Match, at stead) (*resolver.Answer, error) {
	reply := query.Message()
	reply.AuthenticatedData, reply.Authoritative = false, false
	switch form := replyOf(match); {
	case form == blocklists.Refused:
		reply.Rcode = dns.RcodeRefused
	case form == blocklists.NXDomain, form == blocklists.Page && len(s.Operator.BlockPage) == 0:
		reply.Rcode = dns.RcodeNameError
	case form == blocklists.Page:
		reply.Answer = addresses(query, at.owner, s.Operator.BlockPage)
	case form == blocklists.Zero:
		reply.Answer = addresses(query, at.owner, []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()})
	}
	if reply.Rcode != dns.RcodeRefused {
		at.complete(reply, query, match)
	}
	return s.explained(reply, query, match)
}

// explained makes an answer of a reply that is not the real one, and says why it is not.
func (s *Snapshot) explained(reply *dns.Msg, query *resolver.Query, match *Match) (*resolver.Answer, error) {
	answer, err := packed(reply, query.Now)
	if err != nil {
		return nil, fmt.Errorf("blocked answer: %w", err)
	}
	answer.Origin = resolver.Policy
	if match.Role == SafeSearch {
		answer.Extended = []resolver.Extended{s.searchedBy(match, query)}
		return answer, nil
	}
	answer.Extended = []resolver.Extended{s.explanation(match, query)}
	if len(reply.Answer) > 0 && (match.Action == blocklists.LocalData || match.StandIn != "") {
		answer.Extended = append(answer.Extended, resolver.Extended{Code: resolver.ForgedAnswer})
	}
	return answer, nil
}

func packed(reply *dns.Msg, now time.Time) (*resolver.Answer, error) {
	answer, err := resolver.NewAnswer(reply, now).Pack()
	if err != nil {
		return nil, err
	}
	answer.TTL, answer.Security = blockTTL*time.Second, resolver.Insecure
	return answer, nil
}

// replyOf is how the match's entry or else its list wants to be answered; own names get
// NXDOMAIN.
func replyOf(match *Match) blocklists.Reply {
	switch match.Action {
	case blocklists.BlockNXDomain:
		return blocklists.NXDomain
	case blocklists.BlockNoData:
		return blocklists.NoData
	}
	if match.Manifest == nil {
		return blocklists.NXDomain
	}
	return match.Manifest.Answer
}

// addresses are those of the question's type; none for other types than A and AAAA.
func addresses(query *resolver.Query, owner wire.Name, all []netip.Addr) []dns.RR {
	if query.Question.Class != wire.ClassIN {
		return nil
	}
	header := dns.RR_Header{Name: owner.FQDN(), Rrtype: query.Question.Type, Class: dns.ClassINET, Ttl: blockTTL}
	var records []dns.RR
	for _, addr := range all {
		switch {
		case query.Question.Type == wire.TypeA && addr.Is4():
			records = append(records, &dns.A{Hdr: header, A: addr.AsSlice()})
		case query.Question.Type == wire.TypeAAAA && addr.Is6():
			records = append(records, &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()})
		}
	}
	return records
}

// complete puts the aliases before what stands at their end or, where that is nothing,
// an SOA record beside them.
func (p *stead) complete(reply *dns.Msg, query *resolver.Query, match *Match) {
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{p.startOf(query, match)}
	}
	reply.Answer = slices.Concat(p.aliases, reply.Answer)
}

// startOf is the SOA record that lets a negative answer be cached (RFC 2308, section
// 3), made up as RFC 6303, section 3, does. It is at the entry's name, which lies at or
// above the place; where the entry is no such name, or must not be shown, it is at
// the place itself, since the SOA of a negative answer is that of a zone that holds it.
func (p *stead) startOf(query *resolver.Query, match *Match) dns.RR {
	owner := p.owner
	hidden := match.Manifest != nil && match.Manifest.Disclosure != blocklists.Full
	if !hidden && match.Entry.Trigger == blocklists.OnName && owner.IsBelow(match.Entry.Name) {
		owner = match.Entry.Name
	}
	name := strings.Clone(owner.FQDN())
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSOA, Class: query.Question.Class, Ttl: blockTTL},
		Ns:  name, Mbox: "nobody.invalid.", Serial: 1,
		Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: blockTTL,
	}
}

// refused answers a client that no row admits.
func refused(query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Rcode, reply.RecursionAvailable = dns.RcodeRefused, false
	answer, err := packed(reply, query.Now)
	if err != nil {
		return nil, fmt.Errorf("refused answer: %w", err)
	}
	answer.Origin = resolver.Local
	answer.Extended = []resolver.Extended{{Code: resolver.Prohibited}}
	return answer, nil
}
