package policy

import (
	"context"
	"errors"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// StandIns are the zones, by list, in which what the list blocks is answered with what the
// configuration has there, local records or servers of a zone, and not as the list says.
type StandIns map[blocklists.ListID][]wire.Name

// zone is where an entry of a list is answered for a name that it covers; "" where it is
// not.
func (s StandIns) zone(list blocklists.ListID, name wire.Name) wire.Name {
	zones := s[list]
	if at := slices.IndexFunc(zones, name.IsBelow); at >= 0 {
		return zones[at]
	}
	return ""
}

// standIn is the zone that answers in the place of a match that blocks; "" for none.
func (s *Snapshot) standIn(match *Match) wire.Name {
	if s.StandIns == nil || match.Link.Kind != resolver.Asked && match.Link.Kind != resolver.Alias {
		return ""
	}
	switch match.Action {
	case blocklists.Block, blocklists.BlockNXDomain, blocklists.BlockNoData:
	default:
		return ""
	}
	return s.StandIns.zone(match.Entry.List, match.Link.Name)
}

// stoodIn answers with what the configuration has in the place of what a list blocks, as
// the block that it is. Where there is nothing, or it cannot be had, the name is blocked
// as the list says.
func (s *stage) stoodIn(ctx context.Context, snapshot *Snapshot, query *resolver.Query, match *Match, at stead) (*resolver.Answer, error) {
	handler := s.standIns[match.Entry.List]
	if handler == nil { // a list that got its zones since the start
		return snapshot.blocked(query, match, at)
	}
	sub := query.Sub(at.owner, query.Question.Type)
	sub.Client, sub.Inline, sub.EDNS.DO = query.Client, query.Inline, false
	answer, err := handler.Resolve(ctx, sub)
	var failure *resolver.Failure
	if errors.As(err, &failure) {
		return snapshot.blocked(query, match, at)
	}
	if err != nil {
		return nil, err
	}
	message, err := answer.Unpack()
	if err != nil {
		return nil, err
	}
	reply := query.Message()
	reply.Rcode, reply.Answer, reply.Ns = message.Rcode, message.Answer, message.Ns
	for _, section := range [...][]dns.RR{reply.Answer, reply.Ns} {
		for _, record := range section {
			record.Header().Ttl = min(record.Header().Ttl, blockTTL)
		}
	}
	at.complete(reply, query, match)
	return snapshot.explained(reply, query, match)
}
