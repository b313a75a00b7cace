package denials

import (
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxSets bounds the sets that are read of one answer.
const maxSets = 32

// set is the records of one owner and type in the authority section, with their
// signatures, and who signed them.
type set struct {
	owner   wire.Name
	kind    uint16
	data    []dns.RR
	proofs  []*dns.RRSIG
	signer  wire.Name
	ttl     uint32
	sound   bool // one signer, above the owner, and no wildcard between
	learned *proof
}

// Learn takes in what a secure answer proves. It must be a message still, not packed.
func (s *Store) Learn(question wire.Question, answer *resolver.Answer) {
	message := answer.Message()
	if !s.config.Spans && !s.config.Below || message == nil || answer.Security != resolver.Secure || question.Class != wire.ClassIN {
		return
	}
	sets := authority(message)
	if len(sets) == 0 {
		return
	}
	var expanded *set
	if s.config.Spans {
		expanded = expansion(question, message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, soa := range sets {
		if soa.kind == dns.TypeSOA && soa.sound && soa.owner == soa.signer {
			s.learnSOA(soa, answer.Stored)
		}
	}
	if expanded != nil {
		s.learnWildcard(expanded, answer.Stored)
	}
	for _, one := range sets {
		if one.kind != dns.TypeSOA && one.sound {
			s.learnProof(one, answer.Stored)
		}
	}
	if s.config.Below && message.Rcode == dns.RcodeNameError && len(message.Answer) == 0 {
		s.learnAbsence(question.Name, sets, answer.Stored)
	}
}

// authority reads the sets that take part in a denial.
func authority(message *dns.Msg) []*set {
	var sets []*set
	at := func(owner string, kind uint16) *set {
		name, err := wire.ParseName(owner)
		if err != nil {
			return nil
		}
		i := slices.IndexFunc(sets, func(s *set) bool { return s.owner == name && s.kind == kind })
		if i >= 0 {
			return sets[i]
		}
		if len(sets) == maxSets {
			return nil
		}
		sets = append(sets, &set{owner: name, kind: kind, ttl: 1<<31 - 1})
		return sets[len(sets)-1]
	}
	for _, record := range message.Ns {
		kind := record.Header().Rrtype
		signature, signs := record.(*dns.RRSIG)
		if signs {
			kind = signature.TypeCovered
		}
		if kind != dns.TypeNSEC && kind != dns.TypeNSEC3 && kind != dns.TypeSOA {
			continue
		}
		if into := at(record.Header().Name, kind); into != nil {
			into.add(record, signature)
		}
	}
	for _, one := range sets {
		one.check()
	}
	return sets
}

func (s *set) add(record dns.RR, signature *dns.RRSIG) {
	s.ttl = min(s.ttl, record.Header().Ttl)
	if signature != nil {
		s.proofs = append(s.proofs, signature)
	} else {
		s.data = append(s.data, record)
	}
}

// check wants one record, signed by one zone at or above it, and not made of a
// wildcard (RFC 4034, section 3.1.3): such an owner need not exist.
func (s *set) check() {
	if len(s.data) != 1 || len(s.proofs) == 0 {
		return
	}
	for _, signature := range s.proofs {
		signer, err := wire.ParseName(signature.SignerName)
		if err != nil || s.signer != "" && signer != s.signer || !s.owner.IsBelow(signer) || int(signature.Labels) != signedLabels(s.owner) {
			return
		}
		s.signer = signer
	}
	s.sound = true
}

func (s *set) records() []dns.RR {
	records := slices.Clone(s.data)
	for _, signature := range s.proofs {
		records = append(records, signature)
	}
	return records
}

// lived is the time in which something with a TTL may be used.
func lived(from time.Time, ttl time.Duration) span {
	return span{from: from.UnixNano(), until: from.Add(ttl).UnixNano()}
}

// learnSOA keeps the record that every denial of the zone carries. A denial lives no
// longer than the SOA's TTL and MINIMUM (RFC 2308, section 5).
func (s *Store) learnSOA(found *set, at time.Time) {
	soa, ok := found.data[0].(*dns.SOA)
	if !ok {
		return
	}
	ttl := min(time.Duration(min(found.ttl, soa.Minttl))*time.Second, s.config.MaxTTL)
	if ttl <= 0 {
		return
	}
	place := s.zone(found.signer)
	before := place.size
	place.apply(found.records(), ttl, lived(at, ttl))
	s.trim(place, before)
}

// learnProof keeps an NSEC or NSEC3 record of a zone whose SOA, or a wildcard of which,
// is known. Its TTL is held to the SOA's (RFC 9077, section 3) where that is known.
func (s *Store) learnProof(found *set, at time.Time) {
	place := s.zones[found.signer]
	if place == nil || !place.soaLife.holds(at.UnixNano()) && len(place.wildcards) == 0 {
		return
	}
	one := &proof{owner: found.owner, records: found.records()}
	one.life = lived(at, place.limit(min(time.Duration(found.ttl)*time.Second, s.config.MaxTTL)))
	one.size = octets(one.records) + recordOverhead
	before := place.size
	switch record := found.data[0].(type) {
	case *dns.NSEC:
		if !one.readNSEC(record, found.signer) {
			return
		}
		found.learned = one
		if s.config.Spans && one.after != successor(one.owner) {
			place.put(&place.plain, one)
		}
	case *dns.NSEC3:
		salt, ok := one.readNSEC3(record, found)
		if !ok {
			return
		}
		found.learned = one
		if s.config.Spans && int(record.Iterations) < maxHashes/3 {
			place.rehash(salt, record.Iterations)
			place.put(&place.hashed, one)
		}
	}
	s.trim(place, before)
}

// readNSEC refuses a next name outside the zone: such a record would deny names
// that are not its signer's.
func (p *proof) readNSEC(record *dns.NSEC, signer wire.Name) bool {
	next, err := wire.ParseName(record.NextDomain)
	if err != nil || !next.IsBelow(signer) {
		return false
	}
	p.key, p.next, p.after, p.types = order(p.owner), order(next), next, record.TypeBitMap
	return true
}

// readNSEC3 refuses unknown algorithms and flags (RFC 5155, sections 8.1 and 8.2)
// and owners that are not one label below the zone.
func (p *proof) readNSEC3(record *dns.NSEC3, found *set) (salt string, ok bool) {
	if record.Hash != dns.SHA1 || record.Flags&^1 != 0 || found.owner.Parent() != found.signer {
		return "", false
	}
	octets, err := hex.DecodeString(strings.TrimSuffix(record.Salt, "-"))
	if err != nil {
		return "", false
	}
	p.key = decodeHash(string(found.owner[1 : 1+int(found.owner[0])]))
	p.next = decodeHash(record.NextDomain)
	p.types, p.optOut = record.TypeBitMap, record.Flags&1 != 0
	return string(octets), p.key != "" && p.next != ""
}

const hashSize = 20

func decodeHash(text string) string {
	octets, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
	if err != nil || len(octets) != hashSize {
		return ""
	}
	return string(octets)
}

// learnAbsence keeps that a name does not exist, for the names below it. The proof
// must hold for those as well, since a client may check it: a gap that ends inside
// the name's own subtree does not.
func (s *Store) learnAbsence(name wire.Name, sets []*set, at time.Time) {
	var gone *proof
	var place *zone
	broad := false
	for _, one := range sets {
		if one.learned == nil {
			continue
		}
		if gone == nil {
			place = s.zones[one.signer]
			gone = &proof{owner: name, life: span{from: at.UnixNano(), until: 1<<63 - 1}}
		}
		if place == nil || place.name != one.signer || one.learned.optOut {
			return
		}
		gone.records = append(gone.records, one.learned.records...)
		gone.life.until = min(gone.life.until, one.learned.life.until)
		broad = broad || one.kind == dns.TypeNSEC3 || one.learned.covers(name, order(name), one.signer) && !one.learned.after.IsBelow(name)
	}
	if gone == nil || !broad || !name.IsBelow(place.name) || name == place.name {
		return
	}
	before := place.size
	if old := place.absent[name]; old != nil {
		place.discard(old)
	}
	gone.size = octets(gone.records) + recordOverhead
	place.absent[name] = gone
	place.queue.Add(gone)
	place.size += gone.size
	s.trim(place, before)
}
