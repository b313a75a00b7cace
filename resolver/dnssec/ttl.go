package dnssec

import (
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// bounder lists the proved records of an answer with TTLs that their signatures
// allow, and holds the answer's own TTL to them.
type bounder struct {
	now    time.Time
	answer *resolver.Answer
}

func (b bounder) kept(sets []*rrset) []dns.RR {
	var records []dns.RR
	for _, set := range sets {
		if !set.kept {
			continue
		}
		// TTLs count from Stored, the time left of a signature from now.
		ttl := set.ttl(b.now)
		b.answer.TTL = min(b.answer.TTL, time.Duration(ttl)*time.Second)
		for _, record := range set.records {
			records = append(records, bounded(record, ttl))
		}
		for _, sig := range set.all {
			records = append(records, bounded(sig, ttl))
		}
	}
	return records
}

// bounded copies a record only to lower its TTL: messages are shared.
func bounded(record dns.RR, ttl uint32) dns.RR {
	if record.Header().Ttl <= ttl {
		return record
	}
	record = dns.Copy(record)
	record.Header().Ttl = ttl
	return record
}
