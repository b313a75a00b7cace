package local

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxLinks bounds the aliases of local records that lead to further ones.
const maxLinks = 8

// own answers with local records. A name that has some, but none of the type, has
// no data of that type: nothing of the world shines through.
func (s *stage) own(ctx context.Context, query *resolver.Query, own *node, zone wire.Name, how kind, links int) (*resolver.Answer, error) {
	reply := query.Message()
	if target := own.alias(query.Question.Type); target != "" {
		reply.Answer = own.of(dns.TypeCNAME, reply.Question[0].Name)
		return s.follow(ctx, query, reply, target, links)
	}
	if reply.Answer = own.of(query.Question.Type, reply.Question[0].Name); len(reply.Answer) == 0 {
		if how == world {
			zone = query.Question.Name
		}
		reply.Ns = []dns.RR{soa(zone, ttl)}
	}
	return finish(query, reply)
}

// follow adds to a reply what its alias leads to, here or in the world.
func (s *stage) follow(ctx context.Context, query *resolver.Query, reply *dns.Msg, target wire.Name, links int) (*resolver.Answer, error) {
	if links == maxLinks {
		return nil, resolver.Fail(other, "more than %d local aliases", maxLinks)
	}
	further := *query
	further.Question.Name = target
	answer, err := s.resolve(ctx, &further, links+1)
	if err != nil {
		return nil, err
	}
	return prepend(query, reply, answer)
}

// other is RFC 8914's code for what has no code; the text tells.
const other uint16 = 0

// prepend joins the alias in a reply with the answer for its target. What was made
// here bears no signature, so the whole is insecure.
func prepend(query *resolver.Query, reply *dns.Msg, answer *resolver.Answer) (*resolver.Answer, error) {
	message, err := aged(answer, query.Now)
	if err != nil {
		return nil, err
	}
	reply.Rcode = message.Rcode
	reply.Answer = slices.Concat(reply.Answer, message.Answer)
	reply.Ns = message.Ns
	joined := resolver.NewAnswer(reply, query.Now)
	joined.Cuts, joined.Origin, joined.Security, joined.Extended = answer.Cuts, answer.Origin, resolver.Insecure, answer.Extended
	if left := answer.TTL - query.Now.Sub(answer.Stored); left > 0 {
		joined.TTL = min(left, time.Duration(lowest(reply, ttl))*time.Second)
	}
	return pack(joined)
}

// aged is the answer as a message whose TTLs count from now.
func aged(answer *resolver.Answer, now time.Time) (*dns.Msg, error) {
	message, err := answer.Unpack()
	if err != nil {
		return nil, err
	}
	age := answer.Age(now)
	for _, section := range [...][]dns.RR{message.Answer, message.Ns, message.Extra} {
		for _, record := range section {
			header := record.Header()
			header.Ttl -= min(age, header.Ttl)
		}
	}
	return message, nil
}
