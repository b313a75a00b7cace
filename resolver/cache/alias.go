package cache

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxLinks is how many kept aliases are followed for one question.
const maxLinks = 11

// keepLinks keeps each alias of an answer as the answer to a question for the alias
// itself. A later question for another type of the same name goes on from its end.
func (c *Cache) keepLinks(query *resolver.Query, answer *resolver.Answer) {
	if query.CheckingDisabled() || !aliasable(query.Question) {
		return
	}
	records := answer.Message()
	if records == nil || slices.ContainsFunc(records.Answer, isDNAME) {
		return
	}
	for _, record := range records.Answer[:min(len(records.Answer), 4*maxLinks)] {
		if link, ok := record.(*dns.CNAME); ok {
			c.keepLink(query, answer, link)
		}
	}
}

func isDNAME(record dns.RR) bool { return record.Header().Rrtype == dns.TypeDNAME }

// keepLink keeps one alias whose standing is known: signed in a secure answer, or not
// signed at all in an insecure one. What a wildcard or a DNAME made needs proofs that
// are told from others only with effort: it is not kept.
func (c *Cache) keepLink(query *resolver.Query, answer *resolver.Answer, link *dns.CNAME) {
	name, err := wire.ParseName(link.Hdr.Name)
	if err != nil {
		return
	}
	records, ttl := []dns.RR{link}, link.Hdr.Ttl
	for _, record := range answer.Message().Answer {
		signature, ok := record.(*dns.RRSIG)
		if !ok || signature.TypeCovered != dns.TypeCNAME || signature.Hdr.Name != link.Hdr.Name {
			continue
		}
		if int(signature.Labels) != name.Labels() {
			return
		}
		records, ttl = append(records, signature), min(ttl, signature.Hdr.Ttl)
	}
	if (answer.Security == resolver.Secure) != (len(records) > 1) {
		return
	}
	own := question(key{name: name, qtype: wire.TypeCNAME, class: query.Question.Class})
	message := own.Message()
	message.Answer = records
	alone := resolver.NewAnswer(message, answer.Stored)
	alone.TTL, alone.Security, alone.Origin = time.Duration(ttl)*time.Second, answer.Security, resolver.Cached
	packed, err := alone.Pack()
	if err != nil {
		return
	}
	if packed.TTL = c.clamp(packed); packed.TTL > 0 {
		c.insert(keyOf(own), &node{answer: *packed}, packed.TTL, query.Now)
	}
}

// aliasable leaves out the types that an alias does not stand in for: those that may
// stand beside it (RFC 4034, section 2; RFC 4035, section 2.5) or mean all of them.
func aliasable(question wire.Question) bool {
	switch question.Type {
	case dns.TypeCNAME, dns.TypeANY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeKEY, dns.TypeDS, dns.TypeNSEC3:
		return false
	}
	return question.Class == wire.ClassIN
}

// ask resolves, where it may from the end of the name's kept aliases, which it puts
// in front of what comes.
func (f *flights) ask(ctx context.Context, query *resolver.Query, anew bool, flushes uint64) (*resolver.Answer, error) {
	if anew || query.CheckingDisabled() || !aliasable(query.Question) {
		return f.whole(ctx, query, flushes)
	}
	links, end := f.links(query)
	if len(links) == 0 {
		return f.whole(ctx, query, flushes)
	}
	rest, err := f.end(ctx, query.Sub(end, query.Question.Type), flushes)
	if err != nil {
		return nil, err
	}
	if joined, ok := join(query, links, rest); ok {
		f.stats.Aliased.Add(1)
		return joined, nil
	}
	return f.whole(ctx, query, flushes)
}

// whole asks the question as it is, and keeps the aliases that it meets.
func (f *flights) whole(ctx context.Context, query *resolver.Query, flushes uint64) (*resolver.Answer, error) {
	answer, err := f.next.Resolve(ctx, query)
	if err == nil && !query.Fresh && f.flushes.Load() == flushes {
		f.keepLinks(query, answer)
	}
	return answer, err
}

// links follows kept aliases. Where they lead in a circle, or too far, they are not
// used: what the zones say now will tell. No flight waits for another on this path, so
// that no two can wait for each other.
func (f *flights) links(query *resolver.Query) ([]*node, wire.Name) {
	var links []*node
	name := query.Question.Name
	seen := []wire.Name{name}
	for {
		kept := f.find(key{name: name, qtype: wire.TypeCNAME, class: query.Question.Class})
		if kept == nil || kept.failure != nil || !kept.lasting(query.Now.UnixNano()) {
			return links, name
		}
		target := kept.target()
		if target == "" {
			return links, name
		}
		if slices.Contains(seen, target) || len(links) == maxLinks {
			return nil, ""
		}
		links, seen, name = append(links, kept), append(seen, target), target
	}
}

// lasting says whether more than a tenth of the TTL is left: a link near its end
// would give all that is joined to it a short life.
func (n *node) lasting(now int64) bool { return n.fresh(now) && n.expires-now > n.ttl/10 }

// target is where a kept alias leads; "" where the answer has none.
func (n *node) target() wire.Name {
	for record, err := range wire.Records(n.answer.Signed.Wire) {
		if err != nil || record.Section != wire.AnswerSection {
			return ""
		}
		if record.Type != wire.TypeCNAME {
			continue
		}
		var buffer [wire.MaxName]byte
		target, _, err := wire.ReadName(n.answer.Signed.Wire, record.DataOffset, &buffer)
		if err != nil {
			return ""
		}
		return target
	}
	return ""
}

// end answers the question at the end of the aliases: kept, proved, or resolved and kept.
func (f *flights) end(ctx context.Context, query *resolver.Query, flushes uint64) (*resolver.Answer, error) {
	if kept := f.find(keyOf(query)); kept != nil && kept.fresh(query.Now.UnixNano()) {
		return kept.result()
	}
	if answer := f.denials.Answer(query); answer != nil {
		return answer, nil
	}
	answer, err := f.whole(ctx, query, flushes)
	if err != nil || refused(answer) {
		return answer, err
	}
	return f.keep(query, answer, flushes)
}

// join makes one answer of aliases and what is at their end. It is as secure as its
// weakest part, and lives as long as its shortest TTL.
func join(query *resolver.Query, links []*node, rest *resolver.Answer) (*resolver.Answer, bool) {
	if refused(rest) {
		return nil, false
	}
	message := query.Message()
	message.Rcode = rest.Rcode()
	joined := resolver.NewAnswer(message, query.Now)
	joined.Zone, joined.Security, joined.Extended = rest.Zone, rest.Security, rest.Extended
	joined.TTL = rest.TTL - time.Duration(rest.Age(query.Now))*time.Second
	for _, link := range links {
		records, ok := aged(&link.answer, query.Now)
		if !ok {
			return nil, false
		}
		message.Answer = append(message.Answer, records.Answer...)
		joined.Security = min(joined.Security, link.answer.Security)
		joined.TTL = min(joined.TTL, time.Duration(link.expires-query.Now.UnixNano()).Truncate(time.Second))
	}
	records, ok := aged(rest, query.Now)
	if !ok {
		return nil, false
	}
	message.Answer = append(message.Answer, records.Answer...)
	message.Ns, message.Extra = records.Ns, records.Extra
	return joined, true
}

// aged is an answer's message, for the caller alone, with TTLs counted down.
func aged(answer *resolver.Answer, now time.Time) (*dns.Msg, bool) {
	message, err := answer.Unpack()
	if err != nil {
		return nil, false
	}
	age := answer.Age(now)
	for _, section := range [...][]dns.RR{message.Answer, message.Ns, message.Extra} {
		for _, record := range section {
			header := record.Header()
			if header.Rrtype != dns.TypeOPT {
				header.Ttl -= min(header.Ttl, age)
			}
		}
	}
	return message, true
}
