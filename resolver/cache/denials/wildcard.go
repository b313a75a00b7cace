package denials

import (
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxRecords bounds the records of one wildcard's set, signatures among them.
const maxRecords = 128

// source is which set a wildcard stands in with.
type source struct {
	wildcard wire.Name
	kind     uint16
}

// expandable leaves out the types that no wildcard gives: those that belong to a zone
// cut, its apex or a redirection (RFC 4592, section 4), and those of denial itself.
func expandable(kind uint16) bool {
	switch kind {
	case dns.TypeDS, dns.TypeNS, dns.TypeSOA, dns.TypeDNAME, dns.TypeDNSKEY:
		return false
	}
	return deniable(kind)
}

// expansion reads the set of a positive answer that a wildcard gave, nil for any other.
// An answer that leads over aliases holds the proofs of several names: it is not read.
func expansion(question wire.Question, message *dns.Msg) *set {
	if message.Rcode != dns.RcodeSuccess || !expandable(question.Type) || len(message.Answer) > maxRecords {
		return nil
	}
	found := &set{owner: question.Name, kind: question.Type, ttl: 1<<31 - 1}
	for _, record := range message.Answer {
		kind := record.Header().Rrtype
		signature, signs := record.(*dns.RRSIG)
		if signs {
			kind = signature.TypeCovered
		}
		if owner, err := wire.ParseName(record.Header().Name); err != nil || owner != question.Name || kind != question.Type {
			return nil
		}
		found.add(record, signature)
	}
	if len(found.data) == 0 || !found.expanded() {
		return nil
	}
	return found
}

// expanded says whether one zone made all signatures for one wildcard in it, whose name
// takes the owner's place.
func (s *set) expanded() bool {
	for _, signature := range s.proofs {
		signer, err := wire.ParseName(signature.SignerName)
		if err != nil || s.signer != "" && signer != s.signer || signature.Labels != s.proofs[0].Labels {
			return false
		}
		s.signer = signer
	}
	if len(s.proofs) == 0 || int(s.proofs[0].Labels) >= signedLabels(s.owner) {
		return false
	}
	encloser := s.owner
	for range s.owner.Labels() - int(s.proofs[0].Labels) {
		encloser = encloser.Parent()
	}
	wildcard, err := encloser.Child("*")
	s.owner = wildcard
	return err == nil && encloser.IsBelow(s.signer)
}

// learnWildcard keeps the set, for the names of which a record proves that nothing
// stands nearer (RFC 8198, section 5.3).
func (s *Store) learnWildcard(found *set, at time.Time) {
	ttl := min(time.Duration(found.ttl)*time.Second, s.config.MaxTTL)
	if ttl <= 0 {
		return
	}
	one := &proof{owner: found.owner, kind: found.kind, records: found.records(), life: lived(at, ttl)}
	one.size = octets(one.records) + recordOverhead
	place := s.zone(found.signer)
	before, from := place.size, source{wildcard: found.owner, kind: found.kind}
	if old := place.wildcards[from]; old != nil {
		place.discard(old)
	}
	place.wildcards[from] = one
	place.queue.Add(one)
	place.size += one.size
	s.trim(place, before)
}

// stands is what a wildcard gives for a name that a gap holds; nothing where its set is
// not known, or its time over.
func (z *zone) stands(wildcard wire.Name, kind uint16, gap *proof, now int64) finding {
	data := z.wildcards[source{wildcard: wildcard, kind: kind}]
	if data == nil || !data.life.holds(now) {
		return finding{}
	}
	return finding{rcode: dns.RcodeSuccess, data: data, proofs: []*proof{gap}}
}

// byHashedWildcard looks for the nearest wildcard whose set is known. That the set was
// there proves its encloser, so a gap for the next name towards the question is enough
// (RFC 5155, section 8.8). Where that is missing no wildcard further up can stand in.
func (z *zone) byHashedWildcard(h *hashing, name wire.Name, kind uint16, now int64) finding {
	for next := name; len(z.wildcards) > 0 && next != z.name; next = next.Parent() {
		wildcard, err := next.Parent().Child("*")
		if err != nil {
			return finding{}
		}
		if data := z.wildcards[source{wildcard: wildcard, kind: kind}]; data == nil || !data.life.holds(now) {
			continue
		}
		hash, ok := h.hash(next)
		if !ok {
			return finding{}
		}
		if gap := z.hashedGap(hash, now); gap != nil {
			return z.stands(wildcard, kind, gap, now)
		}
		return finding{}
	}
	return finding{}
}

// expand gives a wildcard's records the name that was asked for (RFC 4592, section 3.3.3).
func expand(records []dns.RR, name wire.Name, ttl time.Duration) []dns.RR {
	expanded := counted(nil, records, ttl)
	owner := name.FQDN()
	for _, record := range expanded {
		record.Header().Name = owner
	}
	return expanded
}
