package cache

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// join makes one answer of aliases and what is at their end. It is as secure as its
// weakest part, and lives as long as its shortest TTL.
func join(query *resolver.Query, links []link, rest *resolver.Answer) (*resolver.Answer, bool) {
	if refused(rest) {
		return nil, false
	}
	message := query.Message()
	message.Rcode = rest.Rcode()
	joined := resolver.NewAnswer(message, query.Now)
	joined.Zone, joined.Security, joined.Extended = rest.Zone, rest.Security, slices.Clip(rest.Extended)
	joined.TTL = rest.TTL - time.Duration(rest.Age(query.Now))*time.Second
	for _, link := range links {
		joined.Cuts = append(joined.Cuts, link.answer.Cuts...)
		records, ok := link.records(query.Now)
		if !ok {
			return nil, false
		}
		message.Answer = append(message.Answer, records...)
		joined.Security = min(joined.Security, link.answer.Security)
		joined.Extended = append(joined.Extended, link.answer.Extended...)
		joined.TTL = min(joined.TTL, time.Duration(link.expires-query.Now.UnixNano()).Truncate(time.Second))
	}
	records, ok := aged(rest, query.Now)
	if !ok {
		return nil, false
	}
	message.Answer = append(message.Answer, records.Answer...)
	message.Ns, message.Extra = records.Ns, records.Extra
	joined.Cuts = append(joined.Cuts, rest.Cuts...)
	return joined, aliases(message) <= maxLinks
}

// aliases counts the links of a whole answer: the end of kept ones may lead on.
func aliases(message *dns.Msg) int {
	count := 0
	for _, record := range message.Answer {
		if record.Header().Rrtype == dns.TypeCNAME {
			count++
		}
	}
	return count
}

// records are the alias's own, with signatures. A DNAME's come with the CNAME that it
// makes, unsigned and with the DNAME's TTL (RFC 6672, section 3.1).
func (l *link) records(now time.Time) ([]dns.RR, bool) {
	message, ok := aged(&l.answer, now)
	if !ok {
		return nil, false
	}
	if l.key.qtype != dns.TypeDNAME || l.to == "" {
		return message.Answer, true
	}
	ttl := uint32(1<<31 - 1)
	for _, record := range message.Answer {
		ttl = min(ttl, record.Header().Ttl)
	}
	header := dns.RR_Header{Name: l.from.FQDN(), Rrtype: dns.TypeCNAME, Class: l.key.class, Ttl: ttl}
	return append(message.Answer, &dns.CNAME{Hdr: header, Target: l.to.FQDN()}), true
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
