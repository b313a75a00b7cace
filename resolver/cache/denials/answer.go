package denials

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Answer proves from what is kept that a name, or its data, does not exist, or which
// data a wildcard gives it. It gives nil where that cannot be told. It never waits for anything but a short lock.
func (s *Store) Answer(query *resolver.Query) *resolver.Answer {
	question := &query.Question
	if s.known.Load() == 0 {
		return nil
	}
	if question.Class != wire.ClassIN || !deniable(question.Type) {
		return nil
	}
	found, soa, zone, until := s.find(question, query.Worker, query.Now.UnixNano())
	if len(found.proofs) == 0 {
		return nil
	}
	ttl := time.Duration(until - query.Now.UnixNano()).Truncate(time.Second)
	if ttl <= 0 {
		return nil
	}
	message := query.Message()
	message.Rcode = found.rcode
	if found.data != nil {
		message.Answer = expand(found.data.records, question.Name, ttl)
	} else {
		message.Ns = counted(nil, soa, ttl)
	}
	for i, one := range found.proofs {
		if !slices.Contains(found.proofs[:i], one) {
			message.Ns = counted(message.Ns, one.records, ttl)
		}
	}
	answer := resolver.NewAnswer(message, query.Now)
	answer.TTL, answer.Zone, answer.Security, answer.Origin = ttl, zone, resolver.Secure, resolver.Cached
	answer.Extended = []resolver.Extended{{Code: resolver.Synthesised}}
	packed, err := answer.Pack()
	if err != nil {
		return nil // asking the zone is always possible
	}
	return packed
}

// counted appends copies of records with another TTL.
func counted(to, records []dns.RR, ttl time.Duration) []dns.RR {
	for _, record := range records {
		record = dns.Copy(record)
		record.Header().Ttl = uint32(ttl / time.Second)
		to = append(to, record)
	}
	return to
}

// find looks in the nearest zone that is known above the name. Records of DS stand
// above the cut (RFC 4035, section 3.1.4.1).
func (s *Store) find(question *wire.Question, worker uint32, now int64) (found finding, soa []dns.RR, name wire.Name, until int64) {
	mine := s.mu.of(worker)
	mine.RLock()
	defer mine.RUnlock()
	if len(s.zones) == 0 {
		return finding{}, nil, "", 0
	}
	z := s.nearest(question)
	if z == nil {
		return finding{}, nil, "", 0
	}
	found = z.find(question.Name, question.Type, now)
	if len(found.proofs) == 0 || found.data == nil && !z.soaLife.holds(now) {
		return finding{}, nil, "", 0
	}
	z.Touch()
	until = found.ends(z)
	return found, z.soa, z.name, until
}

// nearest is the zone to look in; nil where none is known, or where a zone that
// stands apart lies between.
func (s *Store) nearest(question *wire.Question) *zone {
	at := question.Name
	if question.Type == dns.TypeDS {
		if s.apart[at] {
			return nil
		}
		at = at.Parent()
	}
	for ; at != ""; at = at.Parent() {
		if place := s.zones[at]; place != nil {
			return place
		}
		if s.apart[at] {
			return nil
		}
	}
	return nil
}

// ends is when the first part of a finding ends, all of which it marks as used. Who
// denies needs the SOA, whose MINIMUM holds for records that came before it, too.
func (f *finding) ends(z *zone) int64 {
	until := z.soaLife.until
	if f.data != nil {
		f.data.Touch()
		until = f.data.life.until
	}
	for _, one := range f.proofs {
		one.Touch()
		until = min(until, one.life.until)
		until = min(until, one.life.from+int64(z.limit(one.life.length())))
	}
	return until
}

func (z *zone) find(name wire.Name, kind uint16, now int64) finding {
	for above := name; above != z.name && len(z.absent) > 0; above = above.Parent() {
		if gone := z.absent[above]; gone != nil && gone.life.holds(now) {
			return proves(dns.RcodeNameError, gone)
		}
	}
	if found := z.byNSEC(name, kind, now); len(found.proofs) > 0 {
		return found
	}
	return z.byNSEC3(name, kind, now)
}
