package dnssec

import (
	"encoding/binary"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// rrset is all records of one name and type in one section, without doubles.
type rrset struct {
	name       wire.Name
	kind       uint16
	records    []dns.RR
	signatures []signature
	// all are the RRSIG records as they came, those that cannot count among them.
	all       []dns.RR
	canonical []string // see canonicalRdata

	// What validation found: proof is the signature that held, nil until then, and
	// prover the zone that made it; kept says that the set belongs to the answer.
	proof  *dns.RRSIG
	prover wire.Name
	kept   bool
}

// signature is an RRSIG whose form fits its RRset.
type signature struct {
	record *dns.RRSIG
	signer wire.Name
}

// reply is what came from below, sorted.
type reply struct {
	message   *dns.Msg
	answer    []*rrset
	authority []*rrset
	zone      wire.Name // resolver.Answer.Zone: a hint
	proofs    map[wire.Name]*denial
}

func readReply(answer *resolver.Answer) (*reply, error) {
	message := answer.Message()
	if message == nil {
		var err error
		if message, err = answer.Unpack(); err != nil {
			return nil, err
		}
	}
	return &reply{
		message:   message,
		answer:    group(message.Answer),
		authority: group(message.Ns),
		zone:      answer.Zone,
		proofs:    make(map[wire.Name]*denial),
	}, nil
}

type rrsetKey struct {
	name wire.Name
	kind uint16
}

// group sorts records into RRsets in order of appearance. What is not of class
// IN or owned by no name is left out, and so is left without proof.
func group(records []dns.RR) []*rrset {
	var sets []*rrset
	index := make(map[rrsetKey]*rrset)
	find := func(name wire.Name, kind uint16) *rrset {
		key := rrsetKey{name, kind}
		if index[key] == nil {
			index[key] = &rrset{name: name, kind: kind}
			sets = append(sets, index[key])
		}
		return index[key]
	}
	for _, record := range distinct(records) {
		header := record.Header()
		name, err := wire.ParseName(header.Name)
		if err != nil || header.Class != dns.ClassINET || header.Rrtype == dns.TypeOPT {
			continue
		}
		if sig, ok := record.(*dns.RRSIG); ok {
			set := find(name, sig.TypeCovered)
			set.all = append(set.all, sig)
			set.sign(sig)
			continue
		}
		set := find(name, header.Rrtype)
		set.records = append(set.records, set.spelt(record))
	}
	return slices.DeleteFunc(sets, func(set *rrset) bool { return len(set.records) == 0 })
}

// spelt gives the record with its owner spelt as the first one's: servers may
// mix cases within an RRset, and a signature is checked over one spelling.
func (s *rrset) spelt(record dns.RR) dns.RR {
	if len(s.records) == 0 || s.records[0].Header().Name == record.Header().Name {
		return record
	}
	record = dns.Copy(record)
	record.Header().Name = s.records[0].Header().Name
	return record
}

// sign takes a signature if its form allows that it covers the RRset: who may
// sign what (RFC 4035, section 5.3.1) is decided here, before any key is asked for.
func (s *rrset) sign(sig *dns.RRSIG) {
	signer, err := wire.ParseName(sig.SignerName)
	if err != nil || !s.name.IsBelow(signer) {
		return
	}
	if labels := int(sig.Labels); labels > signedLabels(s.name) || labels < signer.Labels() {
		return
	}
	expanded := int(sig.Labels) < signedLabels(s.name)
	switch s.kind {
	case dns.TypeSOA, dns.TypeDNSKEY: // they stand at the apex only
		if signer != s.name || expanded {
			return
		}
	case dns.TypeNSEC3: // RFC 5155, section 3: directly below the apex
		if signer != s.name.Parent() || expanded {
			return
		}
	case dns.TypeDS: // it cannot come from a wildcard
		if expanded {
			return
		}
	}
	s.signatures = append(s.signatures, signature{record: sig, signer: signer})
}

// expanded says whether the proved RRset came from a wildcard.
func (s *rrset) expanded() bool {
	return s.proof != nil && int(s.proof.Labels) < signedLabels(s.name)
}

func find(sets []*rrset, name wire.Name, kind uint16) *rrset {
	for _, set := range sets {
		if set.kind == kind && set.name == name {
			return set
		}
	}
	return nil
}

// distinct drops records that came twice, TTL aside. Packed data is compared, for
// comparing all pairs of a large message would cost more than a reply is worth.
func distinct(records []dns.RR) []dns.RR {
	seen := make(map[string]bool, len(records))
	kept := make([]dns.RR, 0, len(records))
	for _, record := range records {
		if record == nil {
			continue
		}
		packed := packedForm(record)
		if packed == "" || seen[packed] {
			continue
		}
		seen[packed] = true
		kept = append(kept, record)
	}
	return kept
}

// packedForm is the record in wire form with its TTL left out; empty for one
// that no message could carry.
func packedForm(record dns.RR) string {
	buffer := make([]byte, dns.Len(record)+1)
	end, err := dns.PackRR(record, buffer, 0, nil, false)
	if err != nil {
		return ""
	}
	var name [wire.MaxName]byte
	owner, start, err := wire.ReadName(buffer[:end], 0, &name)
	if err != nil || start+8 > end {
		return ""
	}
	binary.BigEndian.PutUint32(buffer[start+4:], 0)
	return string(owner) + string(buffer[start:end])
}
