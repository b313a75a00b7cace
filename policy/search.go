package policy

import (
	"context"
	"net"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// isSearched says whether safe search answers for records of a type: for what leads to a
// page. 0 stands for an address.
func isSearched(qtype uint16) bool {
	switch qtype {
	case 0, wire.TypeA, wire.TypeAAAA, wire.TypeHTTPS, wire.TypeSVCB:
		return true
	}
	return false
}

// searched answers with the safe form of a search engine's host. Where that is an alias its end
// is resolved through the whole chain, this stage included: what the law or the client's other
// filters withhold of it stays withheld.
func (s *stage) searched(ctx context.Context, snapshot *Snapshot, query *resolver.Query, match *Match) (*resolver.Answer, error) {
	reply := searchReply(query, match)
	if match.Target.Alias == "" {
		return snapshot.explained(reply, query, match)
	}
	sub := query.Sub(match.Target.Alias, query.Question.Type)
	sub.Client, sub.Inline, sub.Budget, sub.EDNS.DO = query.Client, query.Inline, query.Budget, false
	answer, err := s.Resolve(ctx, sub)
	if err != nil {
		return nil, err
	}
	if err := copyAnswer(reply, answer); err != nil {
		return nil, err
	}
	made, err := snapshot.explained(reply, query, match)
	if err == nil && answer.Origin == resolver.Policy {
		made.Extended = answer.Extended
	}
	return made, err
}

// searchReply is what is answered before anything is resolved: the alias, or all that there is
// where the engine names an address.
func searchReply(query *resolver.Query, match *Match) *dns.Msg {
	reply := query.Message()
	header := dns.RR_Header{Name: query.Question.Name.FQDN(), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: blockTTL}
	switch {
	case match.Target.Alias != "":
		reply.Answer = []dns.RR{&dns.CNAME{Hdr: header, Target: match.Target.Alias.FQDN()}}
		return reply
	case query.Question.Type == wire.TypeA:
		header.Rrtype = dns.TypeA
		reply.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IP(match.Target.Addr.AsSlice())}}
	}
	at := stead{owner: query.Question.Name}
	at.complete(reply, query, match)
	return reply
}
