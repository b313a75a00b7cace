package recurse

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// follow looks the question up and goes on where aliases lead to other zones.
func (r *resolution) follow(ctx context.Context) (*resolver.Answer, error) {
	links := newChain(r.query.Question.Name)
	name := r.query.Question.Name
	var alias *outcome
	for {
		out, err := r.denied(name, r.query.Question.Type), error(nil)
		if out == nil {
			out, err = r.lookup(ctx, name, r.query.Question.Type)
		}
		if alias != nil && alias.isAll(ctx, out, err) {
			return links.answer(r.query, alias), nil
		}
		if err != nil {
			return nil, err
		}
		if err := links.append(out); err != nil {
			return nil, err
		}
		if out.next == "" {
			return links.answer(r.query, out), nil
		}
		name = out.next
		if r.query.Question.Type == dns.TypeCNAME {
			alias = out
		}
	}
}

// isAll says of the alias that was asked for whether it is the whole answer, whatever code
// came with it: its target was looked up, and it is not so that this does not exist.
func (o *outcome) isAll(ctx context.Context, target *outcome, err error) bool {
	return isUnanswered(ctx, err) || err == nil && (target.rcode != dns.RcodeNameError || len(target.records) > 0)
}

// Reduce makes an answer of one reply by a server that is asked for all zones,
// as a forwarder's upstream is: the alias chain, the denials, and where the answer is to
// be full NS records and addresses; nothing else.
func Reduce(query *resolver.Query, message *dns.Msg, full bool) (*resolver.Answer, error) {
	clean := newReply(message, wire.Root)
	clean.resolved, clean.full = true, full
	out, err := clean.walk(query.Question.Name, query.Question.Type)
	if err != nil {
		return nil, err
	}
	clean.accompany(out)
	links := newChain(query.Question.Name)
	if err := links.append(out); err != nil {
		return nil, err
	}
	answer := links.answer(query, out)
	answer.Zone = ""
	return answer, nil
}

// chain joins the outcomes of one question's aliases.
type chain struct {
	records []dns.RR
	proofs  []dns.RR
	seen    []wire.Name
}

func newChain(name wire.Name) *chain { return &chain{seen: []wire.Name{name}} }

// append adds an outcome, unless it leads back to a name or too far.
func (c *chain) append(out *outcome) error {
	for _, target := range out.targets {
		if slices.Contains(c.seen, target) {
			return resolver.Fail(resolver.OtherError, "aliases lead in a circle")
		}
		if c.seen = append(c.seen, target); len(c.seen) > maxLinks+1 {
			return resolver.Fail(resolver.OtherError, "more than %d aliases", maxLinks)
		}
	}
	c.records = append(c.records, out.records...)
	for _, proof := range out.proofs {
		if len(c.proofs) < maxRecords {
			c.proofs = add(c.proofs, proof)
		}
	}
	return nil
}

// answer ends the chain with its last outcome.
func (c *chain) answer(query *resolver.Query, last *outcome) *resolver.Answer {
	message := query.Message()
	message.Rcode = last.rcode
	message.Answer = c.records
	negative := boundSOA(last.soa)
	message.Ns = append(slices.Clone(last.soa), c.proofs...)
	last.fill(message)
	ttl := uint32(maxTTL)
	if last.negative {
		ttl = min(maxNegativeTTL, max(last.keep, negative))
	}
	for _, section := range [...][]dns.RR{message.Answer, message.Ns, message.Extra} {
		for _, rr := range section {
			ttl = min(ttl, rr.Header().Ttl)
		}
	}
	answer := resolver.NewAnswer(message, query.Now)
	answer.TTL, answer.Zone = time.Duration(ttl)*time.Second, last.zone
	return answer
}

// boundSOA lowers the SOA's TTL to its MINIMUM and says what it is (RFC 2308,
// section 5). A denial without SOA must not be kept: zero.
func boundSOA(soa []dns.RR) uint32 {
	ttl := uint32(0)
	for _, rr := range soa {
		if soa, ok := rr.(*dns.SOA); ok {
			soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl, maxNegativeTTL)
			ttl = soa.Hdr.Ttl
		}
	}
	return ttl
}
