package dnssec

import (
	"encoding/base64"
	"encoding/binary"
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
)

// key is a DNSKEY with its tag, which is computed once.
type key struct {
	record *dns.DNSKEY
	tag    uint16
}

func readKeys(set *rrset) []key {
	var keys []key
	for _, record := range set.records {
		if record, ok := record.(*dns.DNSKEY); ok && len(keys) < maxKeys {
			keys = append(keys, key{record: record, tag: record.KeyTag()})
		}
	}
	return keys
}

// supported lists the algorithms that are verified. RSASHA512 is among them
// because RFC 8624, section 3.1, demands it of validators; those with SHA-1 are not.
func supported(algorithm uint8) bool {
	switch algorithm {
	case dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

// usable says whether a key may sign zone data at all (RFC 4034, section 2.1;
// RFC 5011, section 2.1).
func usable(record *dns.DNSKEY) bool {
	return record.Flags&dns.ZONE != 0 && record.Flags&dns.REVOKE == 0 && record.Protocol == 3
}

// verifiable says whether the key has a size that the crypto library takes: RSA
// from 1024 to 4096 bits. A zone with none but other keys is treated as one with
// an unsupported algorithm.
func verifiable(record *dns.DNSKEY) bool {
	if record.Algorithm != dns.RSASHA256 && record.Algorithm != dns.RSASHA512 {
		return true
	}
	octets, err := base64.StdEncoding.DecodeString(record.PublicKey)
	if err != nil || len(octets) < 3 {
		return true // malformed, not small: it fails by itself
	}
	exponent := 1 + int(octets[0])
	if octets[0] == 0 {
		exponent = 3 + int(binary.BigEndian.Uint16(octets[1:]))
	}
	bits := (len(octets) - exponent) * 8
	return bits >= 1024 && bits <= 4096
}

// Why no signature held, the later the nearer to having one.
const (
	noneUsable = iota
	unknownKey
	noZoneKey
	notYetValid
	expired
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
		if sig.signer != zone || !supported(sig.record.Algorithm) {
			continue
		}
		if early, late := outside(sig.record, v.now); late || early {
			reason = max(reason, timely(late))
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
	return set.unproved(reason)
}

func (v *validation) attempt(set *rrset, sig signature, candidates []*dns.DNSKEY) (bool, error) {
	for _, candidate := range candidates {
		if !v.query.Work.Signature() {
			return false, exhausted("signatures")
		}
		if sig.record.Verify(candidate, set.records) == nil {
			set.proof, set.prover = sig.record, sig.signer
			return true, nil
		}
	}
	return false, nil
}

func timely(late bool) int {
	if late {
		return expired
	}
	return notYetValid
}

// outside compares by serial arithmetic (RFC 4034, section 3.1.5).
func outside(sig *dns.RRSIG, now time.Time) (early, late bool) {
	at := uint32(now.Unix())
	return int32(at-sig.Inception) < 0, int32(sig.Expiration-at) < 0
}

// matching gives the keys that a signature may be verified with, and where there
// is none, why.
func matching(keys []key, sig *dns.RRSIG) ([]*dns.DNSKEY, int) {
	reason := unknownKey
	var found []*dns.DNSKEY
	for _, key := range keys {
		if key.tag != sig.KeyTag || key.record.Algorithm != sig.Algorithm {
			continue
		}
		if key.record.Flags&dns.ZONE == 0 {
			reason = noZoneKey
		}
		if usable(key.record) && verifiable(key.record) && len(found) < maxColliding {
			found = append(found, key.record)
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
	case reason == expired:
		return flawed(resolver.SignatureExpired, "signature of %s %s has expired", s.name, kind)
	case reason == notYetValid:
		return flawed(resolver.SignatureNotYetValid, "signature of %s %s is not valid yet", s.name, kind)
	case reason == noZoneKey:
		return flawed(resolver.NoZoneKey, "key of %s %s is no zone key", s.name, kind)
	case reason == unknownKey:
		return flawed(resolver.Bogus, "signature of %s %s is by an unknown key", s.name, kind)
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
