package local

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxMade bounds the addresses that are made of one answer: each is larger than what
// it is made of, and all must fit a message.
const maxMade = 100

// unknownTTL bounds a synthesised record where the denial of AAAA came without SOA
// (RFC 6147, section 5.1.7).
const unknownTTL = 600

// DNS64 is the stage that gives IPv6-only clients an address below the prefix of
// their NAT64 for every name that has only IPv4 addresses (RFC 6147). It stands
// below the cache, which keeps what it makes, and above validation. Through is the
// stages that its own questions go through first: local names and the cache.
func DNS64(prefix netip.Prefix, through resolver.Stage) resolver.Stage {
	return func(next resolver.Handler) resolver.Handler {
		return &dns64{nat: prefix64{prefix}, next: next, asking: through(next)}
	}
}

type dns64 struct {
	nat    prefix64
	next   resolver.Handler // for the client's own question
	asking resolver.Handler // for ours
}

// Resolve synthesises for AAAA and for the reverse names of the prefix. With CD set
// the client validates and synthesises for itself (RFC 6147, section 5.5).
func (d *dns64) Resolve(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	if query.Inline || query.CheckingDisabled() || query.Question.Class != wire.ClassIN {
		return d.next.Resolve(ctx, query)
	}
	if query.Question.Type == wire.TypeAAAA {
		return d.addresses(ctx, query)
	}
	if addr, ok := addressOf(query.Question.Name); ok && query.Question.Type != dns.TypeDS {
		if embedded, ok := d.nat.extract(addr); ok {
			return d.pointer(ctx, query, reverse(embedded))
		}
	}
	return d.next.Resolve(ctx, query)
}

// addresses answers AAAA.
func (d *dns64) addresses(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
	answer, err := d.next.Resolve(ctx, query)
	if err != nil && !mayHaveIPv4(err) {
		return nil, err
	}
	limit := uint32(unknownTTL)
	if err == nil {
		found, err := sift(query, answer)
		if err != nil || found.final {
			return found.answer, err
		}
		answer, limit = found.answer, found.limit
	}
	four, fourErr := d.asking.Resolve(ctx, query.Sub(query.Question.Name, wire.TypeA))
	switch {
	case fourErr != nil && err == nil: // section 5.1.6: the error is the answer
		return nil, fourErr
	case fourErr != nil:
		return nil, err
	}
	made, madeErr := d.synthesise(query, four, limit)
	if made != nil || madeErr != nil {
		return made, madeErr
	}
	return answer, err
}

// mayHaveIPv4 says whether a failed question for AAAA counts as one without data:
// servers that cannot answer it are many (RFC 6147, section 5.1.2; RFC 4074). What
// did not validate, or is withheld, stays so (section 5.5).
func mayHaveIPv4(err error) bool {
	var failure *resolver.Failure
	if !errors.As(err, &failure) || isWithheld(failure.Extended) {
		return false
	}
	return !slices.ContainsFunc(failure.Extended, func(extended resolver.Extended) bool {
		return extended.Code >= resolver.Indeterminate && extended.Code <= resolver.DenialMissing || extended.Code == resolver.ExpiredBeforeValid
	})
}

// isWithheld says that an upstream withholds the name: its block is not gone around.
func isWithheld(extended []resolver.Extended) bool {
	return slices.ContainsFunc(extended, func(one resolver.Extended) bool {
		return one.Code >= resolver.Blocked && one.Code <= resolver.Prohibited
	})
}

// sifted is what an answer for AAAA is good for.
type sifted struct {
	answer *resolver.Answer
	final  bool   // nothing is to be synthesised
	limit  uint32 // the longest TTL of what is
}

func sift(query *resolver.Query, answer *resolver.Answer) (sifted, error) {
	if answer.Rcode() != dns.RcodeSuccess || isWithheld(answer.Extended) {
		return sifted{answer: answer, final: true}, nil
	}
	message, err := aged(answer, query.Now)
	if err != nil {
		return sifted{}, err
	}
	all := message.Answer
	message.Answer = slices.DeleteFunc(slices.Clone(all), isMapped)
	usable := slices.ContainsFunc(message.Answer, func(record dns.RR) bool { return record.Header().Rrtype == wire.TypeAAAA })
	if len(message.Answer) < len(all) {
		message.Answer = withoutSignatures(message.Answer, wire.TypeAAAA)
		message.AuthenticatedData = false
		answer = remade(query, answer, message)
	}
	return sifted{answer: answer, final: usable, limit: denialTTL(message)}, nil
}

// isMapped finds addresses in ::ffff:0:0/96, which no client can use: a AAAA record
// with one counts as none (RFC 6147, section 5.1.4).
func isMapped(record dns.RR) bool {
	aaaa, is := record.(*dns.AAAA)
	return is && aaaa.AAAA.To4() != nil
}

// denialTTL is how long the absence of AAAA is known to hold.
func denialTTL(message *dns.Msg) uint32 {
	for _, record := range message.Ns {
		if soa, is := record.(*dns.SOA); is {
			return min(soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return unknownTTL
}

// synthesise makes the answer of that for A, aliases included (RFC 6147, section
// 5.1.5); nil where it has no addresses. It is never secure: nobody signed it.
func (d *dns64) synthesise(query *resolver.Query, four *resolver.Answer, limit uint32) (*resolver.Answer, error) {
	if four.Rcode() != dns.RcodeSuccess || isWithheld(four.Extended) {
		return nil, nil
	}
	message, err := aged(four, query.Now)
	if err != nil {
		return nil, err
	}
	reply, made := query.Message(), 0
	for _, record := range withoutSignatures(message.Answer, wire.TypeA) {
		if a, is := record.(*dns.A); is {
			addr, ok := netip.AddrFromSlice(a.A.To4())
			if made++; !ok || made > maxMade {
				continue
			}
			header := dns.RR_Header{Name: a.Hdr.Name, Rrtype: wire.TypeAAAA, Class: dns.ClassINET, Ttl: min(a.Hdr.Ttl, limit)}
			record = &dns.AAAA{Hdr: header, AAAA: d.nat.embed(addr).AsSlice()}
		}
		reply.Answer = append(reply.Answer, record)
	}
	if made == 0 {
		return nil, nil
	}
	return remade(query, four, reply), nil
}

// pointer leads a reverse name of the prefix to that of the IPv4 address in it
// (RFC 6147, section 5.3.1, the second way).
func (d *dns64) pointer(ctx context.Context, query *resolver.Query, target wire.Name) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Answer = []dns.RR{&dns.CNAME{
		Hdr:    dns.RR_Header{Name: reply.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: unknownTTL},
		Target: target.FQDN(),
	}}
	if query.Question.Type == dns.TypeCNAME {
		return finish(query, reply)
	}
	answer, err := d.asking.Resolve(ctx, query.Sub(target, query.Question.Type))
	if err != nil {
		return nil, err
	}
	return prepend(query, reply, answer)
}

// remade is an answer with another content, whose TTLs count from now, and which
// is no longer what somebody signed.
func remade(query *resolver.Query, from *resolver.Answer, message *dns.Msg) *resolver.Answer {
	answer := resolver.NewAnswer(message, query.Now)
	answer.Zone, answer.Cuts, answer.Origin, answer.Extended, answer.Security = from.Zone, from.Cuts, resolver.Resolved, from.Extended, resolver.Insecure
	left := max(0, from.TTL-query.Now.Sub(from.Stored))
	answer.TTL = min(left, time.Duration(lowest(message, 1<<31-1))*time.Second)
	return answer
}

// withoutSignatures leaves out the signatures over one type.
func withoutSignatures(records []dns.RR, kind uint16) []dns.RR {
	return slices.DeleteFunc(slices.Clone(records), func(record dns.RR) bool {
		signature, is := record.(*dns.RRSIG)
		return is && signature.TypeCovered == kind
	})
}
