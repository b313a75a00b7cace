package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// fault is what is wrong with signatures, of some types or of all.
type fault struct {
	kind   string // expired, early, reversed, bad, missing, labels, signer, tag, algorithm; "" for none
	types  []uint16
	number int
	signer wire.Name
}

// readFault reads "expired", "bad/A,AAAA", "labels=1/A", "signer=other.example." and
// such: what is wrong, and for which types, none for all.
func readFault(word string) (fault, error) {
	text, types, typed := strings.Cut(word, "/")
	var read fault
	if typed {
		for name := range strings.SplitSeq(types, ",") {
			kind, err := typeOf(name)
			if err != nil {
				return fault{}, err
			}
			read.types = append(read.types, kind)
		}
	}
	name, value, _ := strings.Cut(text, "=")
	read.kind = name
	var err error
	switch name {
	case "expired", "early", "reversed", "bad", "missing", "sound":
	case "signer":
		read.signer, err = wire.ParseName(value)
	case "labels", "tag", "algorithm", "ttl", "lasts":
		read.number, err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("%q is no fault", word)
	}
	return read, err
}

func (f fault) concerns(kind uint16) bool {
	return f.kind != "" && (len(f.types) == 0 || slices.Contains(f.types, kind))
}

// faultOf is the first fault that concerns a type: "bad/A" signs A records badly and
// all others well.
func faultOf(faults []fault, kind uint16) fault {
	for _, one := range faults {
		if one.concerns(kind) {
			return one
		}
	}
	return fault{}
}

// bend changes what is signed, before it is.
func (f fault) bend(sig *dns.RRSIG, now int64) {
	const day = 24 * 60 * 60
	switch f.kind {
	case "expired":
		sig.Inception, sig.Expiration = uint32(now-30*day), uint32(now-day)
	case "early":
		sig.Inception, sig.Expiration = uint32(now+day), uint32(now+30*day)
	case "reversed":
		sig.Inception, sig.Expiration = uint32(now+day), uint32(now-day)
	case "lasts":
		sig.Expiration = uint32(now + int64(f.number))
	case "labels":
		sig.Labels = uint8(f.number)
	case "signer":
		sig.SignerName = f.signer.FQDN()
	case "tag":
		sig.KeyTag += uint16(f.number)
	case "ttl":
		sig.OrigTtl = uint32(f.number)
	}
}

// spoil changes a signature that was made. The number tells several apart.
func (f fault) spoil(sig *dns.RRSIG, octets []byte, number int) {
	switch f.kind {
	case "bad":
		octets[len(octets)/2] ^= byte(1 + number)
		octets[len(octets)/3] ^= byte(number >> 7)
	case "algorithm":
		sig.Algorithm = uint8(f.number)
	}
}
