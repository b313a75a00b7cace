package lab

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Fault is what is wrong with how a zone is signed. The zero value is nothing.
type Fault uint8

// The faults, one a zone. Each is worth one Extended DNS Error (RFC 8914).
const (
	Sound             Fault = iota
	Expired                 // signatures ended yesterday: 7
	NotYetValid             // signatures begin in two days: 8
	Corrupt                 // signatures but those over keys have a wrong bit: 6
	WrongDS                 // the parent's DS matches no key: 9
	SignaturesMissing       // only the keys are signed: 10
	NotZoneKey              // the keys lack the zone key flag: 11
	DenialMissing           // no NSEC or NSEC3 in any answer: 12
	UnknownAlgorithm        // all is labelled algorithm 250: insecure, 1
	UnknownDigest           // the DS is labelled digest 250: insecure, 2
)

// unassigned is a number that IANA has given to no algorithm and no digest.
const unassigned = 250

// period is how long a signature made now holds.
func (f Fault) period(now time.Time) (from, until time.Time) {
	const day = 24 * time.Hour
	switch f {
	case Expired:
		return now.Add(-30 * day), now.Add(-day)
	case NotYetValid:
		return now.Add(2 * day), now.Add(16 * day)
	}
	return now.Add(-leeway), now.Add(validity)
}

// leavesUnsigned says which sets get no signature.
func (f Fault) leavesUnsigned(kind uint16) bool {
	return f == SignaturesMissing && kind != dns.TypeDNSKEY
}

// spoilKey changes a key that was made well.
func (f Fault) spoilKey(record *dns.DNSKEY) {
	switch f {
	case NotZoneKey:
		record.Flags &^= dns.ZONE
	case UnknownAlgorithm:
		record.Algorithm = unassigned
	}
}

// spoil changes a signature that was made well.
func (f Fault) spoil(signature *dns.RRSIG) {
	switch {
	case f == UnknownAlgorithm:
		signature.Algorithm = unassigned
	case f == Corrupt && signature.TypeCovered != dns.TypeDNSKEY:
		signature.Signature = differ(signature.Signature, 'A', 'B')
	}
}

// spoilDS changes a DS that was made well.
func (f Fault) spoilDS(signer *dns.DS) {
	switch f {
	case WrongDS:
		signer.KeyTag ^= 1
		signer.Digest = differ(strings.ToUpper(signer.Digest), '0', '1')
	case UnknownDigest:
		signer.DigestType = unassigned
	}
}

// differ gives the text with another character in its middle: a, or b where a
// was there already.
func differ(text string, a, b byte) string {
	changed := []byte(text)
	middle := len(changed) / 2
	if changed[middle] == a {
		a = b
	}
	changed[middle] = a
	return string(changed)
}

// Conduct is how the server at one address behaves, for all its zones.
type Conduct uint8

// The conducts. The zero value is a server as it should be.
const (
	Proper     Conduct = iota
	Silent             // takes questions and never answers
	Nobody             // nothing listens at the address
	Refusing           // REFUSED: lame
	Upward             // refers to the root instead of answering: lame
	Failing            // SERVFAIL
	Truncating         // TC in every reply over UDP
	NoEDNS             // FORMERR to whatever has an OPT record
)
