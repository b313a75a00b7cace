package lab_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// What follows checks replies by miekg/dns and by rules written down here a
// second time, in another way than the lab's: NSEC by packed names, NSEC3 by Match and Cover.

func supported(signers []*dns.DS) bool {
	return slices.ContainsFunc(signers, func(signer *dns.DS) bool {
		known := []uint8{dns.RSASHA256, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519}
		return slices.Contains(known, signer.Algorithm) && (signer.DigestType == dns.SHA256 || signer.DigestType == dns.SHA384)
	})
}

// verifyKeys checks that the DNSKEY set is signed by a key that a DS is of.
func verifyKeys(reply *dns.Msg, cut zoneCut) ([]*dns.DNSKEY, error) {
	var keys, trusted []*dns.DNSKEY
	for _, rr := range reply.Answer {
		key, is := rr.(*dns.DNSKEY)
		if !is || key.Flags&dns.ZONE == 0 {
			continue
		}
		keys = append(keys, key)
		if slices.ContainsFunc(cut.signers, func(signer *dns.DS) bool { return dns.IsDuplicate(signer, key.ToDS(signer.DigestType)) }) {
			trusted = append(trusted, key)
		}
	}
	return keys, verifySet(reply.Answer, cut.name, dns.TypeDNSKEY, zoneCut{name: cut.name, keys: trusted})
}

// verifySet checks the signature over one set of a section.
func verifySet(section []dns.RR, owner string, kind uint16, cut zoneCut) error {
	set := slices.DeleteFunc(slices.Clone(section), func(rr dns.RR) bool { return !is(rr, owner, kind) })
	for _, rr := range section {
		signature, isSignature := rr.(*dns.RRSIG)
		if !isSignature || !is(signature, owner, dns.TypeRRSIG) || signature.TypeCovered != kind {
			continue
		}
		for _, key := range cut.keys {
			if key.KeyTag() == signature.KeyTag && signature.Verify(key, set) == nil && signature.ValidityPeriod(time.Now()) && signature.SignerName == cut.name {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: %s %s not signed by %s", errBogus, owner, dns.TypeToString[kind], cut.name)
}

func is(rr dns.RR, owner string, kind uint16) bool {
	return rr.Header().Rrtype == kind && dns.CanonicalName(rr.Header().Name) == dns.CanonicalName(owner)
}

// verifyDelegation gives the DS of a referral, or nothing where it is proven that there is none.
func verifyDelegation(reply *dns.Msg, down string, above zoneCut) ([]*dns.DS, error) {
	var signers []*dns.DS
	for _, rr := range reply.Ns {
		if signer, isSigner := rr.(*dns.DS); isSigner {
			signers = append(signers, signer)
		}
	}
	if len(signers) > 0 {
		return signers, verifySet(reply.Ns, down, dns.TypeDS, above)
	}
	proof, err := readProof(reply, above)
	if err != nil {
		return nil, err
	}
	if proof.lacksType(down, dns.TypeDS) || proof.optsOut(down) {
		return nil, nil
	}
	return nil, fmt.Errorf("%w: %s: no proof that there is no DS", errBogus, down)
}

// verifyReply checks the first link of an answer, or its denial. Secure is false
// where the proof opted out or iterates too much.
func verifyReply(reply *dns.Msg, name string, kind uint16, cut zoneCut) (bool, error) {
	proof, err := readProof(reply, cut)
	if err != nil {
		return false, err
	}
	for _, rr := range reply.Answer {
		header := rr.Header()
		answers := is(rr, name, kind) || is(rr, name, dns.TypeCNAME)
		renames := header.Rrtype == dns.TypeDNAME && dns.IsSubDomain(header.Name, name) && header.Name != name
		if !answers && !renames {
			continue
		}
		if err := verifySet(reply.Answer, header.Name, header.Rrtype, cut); err != nil {
			return false, err
		}
		return true, proof.checkExpansion(reply, name, header.Rrtype)
	}
	return proof.checkDenial(reply, name, kind)
}

// proof is the verified denial records of a reply.
type proof struct {
	zone   string
	nsec   []*dns.NSEC
	nsec3  []*dns.NSEC3
	optOut bool
	costly bool
}

func readProof(reply *dns.Msg, cut zoneCut) (*proof, error) {
	p := &proof{zone: cut.name}
	for _, rr := range reply.Ns {
		kind := rr.Header().Rrtype
		if kind != dns.TypeNSEC && kind != dns.TypeNSEC3 || !dns.IsSubDomain(cut.name, rr.Header().Name) {
			continue
		}
		if err := verifySet(reply.Ns, rr.Header().Name, kind, cut); err != nil {
			return nil, err
		}
		switch record := rr.(type) {
		case *dns.NSEC:
			p.nsec = append(p.nsec, record)
		case *dns.NSEC3:
			p.nsec3 = append(p.nsec3, record)
			p.optOut = p.optOut || record.Flags&1 != 0
			p.costly = p.costly || record.Iterations > 50
		}
	}
	return p, nil
}

func (p *proof) checkExpansion(reply *dns.Msg, name string, kind uint16) error {
	for _, rr := range reply.Answer {
		signature, isSignature := rr.(*dns.RRSIG)
		if !isSignature || signature.TypeCovered != kind || !is(signature, name, dns.TypeRRSIG) || int(signature.Labels) == dns.CountLabel(name) {
			continue
		}
		labels := dns.SplitDomainName(name)
		next := dns.Fqdn(strings.Join(labels[len(labels)-int(signature.Labels)-1:], "."))
		if !p.covers(name) && !p.covers(next) {
			return fmt.Errorf("%w: %s: by a wildcard, without proof", errBogus, name)
		}
	}
	return nil
}

func (p *proof) checkDenial(reply *dns.Msg, name string, kind uint16) (bool, error) {
	encloser := p.encloser(name)
	star := "*." + encloser
	if encloser == "." {
		star = "*."
	}
	denied := p.covers(p.nextCloser(name, encloser)) || len(p.nsec) > 0 && p.covers(name)
	var holds bool
	switch reply.Rcode {
	case dns.RcodeNameError:
		holds = encloser != "" && denied && p.covers(star)
	case dns.RcodeSuccess:
		holds = p.lacksType(name, kind) || denied && p.lacksType(star, kind)
	}
	if !holds {
		return false, fmt.Errorf("%w: %s: denial not proven by %v %v", errBogus, name, p.nsec, p.nsec3)
	}
	return !p.optOut && !p.costly, nil
}

// encloser is the closest name above that the proof shows to be there.
func (p *proof) encloser(name string) string {
	for above := range parents(name) {
		for _, record := range p.nsec3 {
			if record.Match(above) {
				return above
			}
		}
		for _, record := range p.nsec {
			if dns.IsSubDomain(above, record.Hdr.Name) || dns.IsSubDomain(above, record.NextDomain) {
				return above
			}
		}
	}
	return ""
}

func parents(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		labels := dns.SplitDomainName(name)
		for i := 1; i <= len(labels); i++ {
			if !yield(dns.Fqdn(strings.Join(labels[i:], "."))) {
				return
			}
		}
	}
}

func (p *proof) nextCloser(name, encloser string) string {
	labels := dns.SplitDomainName(name)
	from := len(labels) - dns.CountLabel(encloser) - 1
	if from < 0 {
		return name
	}
	return dns.Fqdn(strings.Join(labels[from:], "."))
}

func (p *proof) optsOut(name string) bool {
	return p.optOut && p.encloser(name) != "" && p.covers(p.nextCloser(name, p.encloser(name)))
}

func (p *proof) covers(name string) bool {
	for _, record := range p.nsec3 {
		if record.Cover(name) && !record.Match(name) {
			return true
		}
	}
	for _, record := range p.nsec {
		after := canonical(record.Hdr.Name) < canonical(name)
		before := canonical(name) < canonical(record.NextDomain) || record.NextDomain == p.zone
		if after && before && !dns.IsSubDomain(name, record.NextDomain) {
			return true
		}
	}
	return false
}

// lacksType is true where the name is there and its bitmap has neither the type
// nor an alias, and for an empty non-terminal.
func (p *proof) lacksType(name string, kind uint16) bool {
	for _, record := range p.nsec3 {
		if record.Match(name) {
			return !slices.Contains(record.TypeBitMap, kind) && !slices.Contains(record.TypeBitMap, dns.TypeCNAME)
		}
	}
	for _, record := range p.nsec {
		if dns.CanonicalName(record.Hdr.Name) == dns.CanonicalName(name) {
			return !slices.Contains(record.TypeBitMap, kind) && !slices.Contains(record.TypeBitMap, dns.TypeCNAME)
		}
		if canonical(record.Hdr.Name) < canonical(name) && dns.IsSubDomain(name, record.NextDomain) {
			return true
		}
	}
	return false
}

// canonical turns a name into a text that sorts in canonical order.
func canonical(name string) string {
	wireForm := make([]byte, 255)
	length, err := dns.PackDomainName(dns.CanonicalName(name), wireForm, 0, nil, false)
	if err != nil {
		return ""
	}
	var labels [][]byte
	for i := 0; i < length && wireForm[i] != 0; i += 1 + int(wireForm[i]) {
		labels = append(labels, append(wireForm[i+1:i+1+int(wireForm[i]):i+1+int(wireForm[i])], 0))
	}
	slices.Reverse(labels)
	return string(bytes.Join(labels, nil))
}
