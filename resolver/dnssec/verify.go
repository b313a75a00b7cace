package dnssec

import (
	"crypto"
	"encoding/base64"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// How much one RRset may cost (KeyTrap, CVE-2023-50387), beside resolver.Work.
const (
	maxTried     = 4 // signatures of one RRset that are verified
	maxColliding = 2 // keys of one tag and algorithm that one signature is verified with
	maxKeys      = 24
	// slowCost is the share of resolver.MaxSignatures of a verification that takes
	// several times as long as one with P-256 or a usual RSA key.
	slowCost = 2
	// mismatchCost is how many more times a signature that does not hold is paid for.
	// Honest zones have few of them, and KeyTrap has nothing else.
	mismatchCost = 3
)

// key is a DNSKEY with its tag and its decoded form, which are computed once. The
// public key is nil where it can verify nothing.
type key struct {
	record *dns.DNSKEY
	tag    uint16
	public publicKey
}

func readKey(record *dns.DNSKEY) key {
	return key{record: record, tag: record.KeyTag(), public: publicKeyOf(record)}
}

func readKeys(set *rrset) []key {
	var keys []key
	for _, record := range set.records {
		if record, ok := record.(*dns.DNSKEY); ok && len(keys) < maxKeys {
			keys = append(keys, readKey(record))
		}
	}
	return keys
}

// algorithms are those that are verified: all that RFC 8624, section 3.1, and its
// successors want validators to know.
type algorithms struct{ refuseSHA1 bool }

func (a algorithms) supported(algorithm uint8) bool {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1: // RFC 9905 leaves them to local policy
		return !a.refuseSHA1
	case dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519, dns.ED448:
		return true
	}
	return false
}

// usable says whether a key may sign zone data at all (RFC 4034, section 2.1;
// RFC 5011, section 2.1).
func usable(record *dns.DNSKEY) bool {
	return record.Flags&dns.ZONE != 0 && record.Flags&dns.REVOKE == 0 && record.Protocol == 3
}

// Why no signature held, the later the nearer to having one.
const (
	noneUsable = iota
	unknownKey
	noZoneKey
	notYetValid
	expired
	reversed
	mismatch
)

// verify looks for one signature of the zone over the set that holds now. The
// set keeps it as its proof.
func (v *validation) verify(set *rrset, zone wire.Name, keys []key) error {
	if set.proof != nil && set.prover == zone {
		return nil
	}
	reason, tried := noneUsable, 0
	for _, sig := range set.signatures {
		if sig.signer != zone || !v.validator.algorithms.supported(sig.record.Algorithm) {
			continue
		}
		if why := outside(sig.record, v.now); why != noneUsable {
			reason = max(reason, why)
			continue
		}
		candidates, why := matching(keys, sig.record)
		reason = max(reason, why)
		if len(candidates) == 0 {
			continue
		}
		if tried++; tried > maxTried {
			break
		}
		held, err := v.attempt(set, sig, candidates)
		if err != nil || held {
			return err
		}
		reason = mismatch
	}
	v.suspects[zone] = true
	return set.unproved(reason)
}

// attempt verifies with each candidate. What cannot even be computed is paid for
// too (CVE-2025-8677).
func (v *validation) attempt(set *rrset, sig signature, candidates []key) (bool, error) {
	octets, err := base64.StdEncoding.DecodeString(sig.record.Signature)
	if err != nil {
		return false, nil
	}
	for _, candidate := range candidates {
		cost := candidate.cost()
		if !v.query.Work.Signature(cost) {
			return false, exhausted("signatures")
		}
		if candidate.public == nil {
			continue
		}
		if data := set.signedData(sig); data != nil && v.validator.tables.verify(candidate.public, data, octets) {
			set.proof, set.prover = sig.record, sig.signer
			return true, nil
		}
		v.query.Work.Signature(mismatchCost * cost) // the next one finds out whether that was too much
	}
	return false, nil
}

// cost is what one verification with the key takes of resolver.MaxSignatures.
func (k key) cost() int {
	switch public := k.public.(type) {
	case *rsaKey:
		if public.modulus.BitLen() > usualModulus {
			return slowCost
		}
	case *ecdsaKey:
		if public.hash == crypto.SHA384 {
			return slowCost
		}
	case ed448Key:
		return slowCost
	}
	return 1
}

// outside compares by serial arithmetic (RFC 4034, section 3.1.5). A signature
// that ends before it begins is told apart, for it never was valid.
func outside(sig *dns.RRSIG, now time.Time) int {
	at := uint32(now.Unix())
	switch {
	case int32(sig.Expiration-sig.Inception) < 0:
		return reversed
	case int32(sig.Expiration-at) < 0:
		return expired
	case int32(at-sig.Inception) < 0:
		return notYetValid
	}
	return noneUsable
}

// matching gives the keys that a signature may be verified with, and where there
// is none, why.
func matching(keys []key, sig *dns.RRSIG) ([]key, int) {
	reason := unknownKey
	var found []key
	for _, key := range keys {
		if key.tag != sig.KeyTag || key.record.Algorithm != sig.Algorithm {
			continue
		}
		if key.record.Flags&dns.ZONE == 0 {
			reason = noZoneKey
		}
		if usable(key.record) && !outsized(key.record) && len(found) < maxColliding {
			found = append(found, key)
		}
	}
	return found, reason
}

func (s *rrset) unproved(reason int) error {
	kind := dns.Type(s.kind)
	switch {
	case len(s.all) == 0:
		return flawed(resolver.SignaturesMissing, "no signature of %s %s", s.name, kind)
	case reason == mismatch:
		return flawed(resolver.Bogus, "signature of %s %s does not match", s.name, kind)
	case reason == reversed:
		return flawed(resolver.ExpiredBeforeValid, "signature of %s %s ends before it begins", s.name, kind)
	case reason == expired:
		return flawed(resolver.SignatureExpired, "signature of %s %s has expired", s.name, kind)
	case reason == notYetValid:
		return flawed(resolver.SignatureNotYetValid, "signature of %s %s is not valid yet", s.name, kind)
	case reason == noZoneKey:
		return flawed(resolver.NoZoneKey, "key of %s %s is no zone key", s.name, kind)
	case reason == unknownKey:
		return flawed(resolver.KeyMissing, "signature of %s %s is by an unknown key", s.name, kind)
	}
	return flawed(resolver.Bogus, "no signature of %s %s can be used", s.name, kind)
}

// ttl is how long the set may be kept, from now (RFC 4035, section 5.3.3).
func (s *rrset) ttl(now time.Time) uint32 {
	shortest := uint32(1<<31 - 1)
	for _, record := range s.records {
		shortest = min(shortest, record.Header().Ttl)
	}
	if s.proof != nil {
		left := int32(s.proof.Expiration - uint32(now.Unix()))
		shortest = min(shortest, s.proof.OrigTtl, uint32(max(left, 0)))
	}
	return shortest
}
