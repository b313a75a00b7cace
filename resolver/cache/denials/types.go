package denials

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// lacks says whether a list of types proves that there is none of a kind at the
// name, nor an alias. A parent's list at a delegation speaks for DS only, and the
// child's own never does (RFC 6840, section 4.1; RFC 4035, section 5.2).
func lacks(types []uint16, kind uint16, name wire.Name) bool {
	if slices.Contains(types, kind) || slices.Contains(types, dns.TypeCNAME) || slices.Contains(types, dns.TypeNXNAME) {
		return false
	}
	apex := slices.Contains(types, dns.TypeSOA)
	if kind == dns.TypeDS {
		return !apex || name == wire.Root
	}
	return apex || !slices.Contains(types, dns.TypeNS)
}

// opaque says whether a list of types marks a name below which the zone does not
// speak: a delegation, or the owner of a DNAME (RFC 6840, section 4.1).
func opaque(types []uint16) bool {
	if slices.Contains(types, dns.TypeDNAME) {
		return true
	}
	return slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeSOA)
}

// deniable leaves out types whose absence no list of types proves: those that
// belong to denial itself, and what is no type of data (RFC 6895, section 3.1).
func deniable(kind uint16) bool {
	switch kind {
	case 0, dns.TypeOPT, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		return false
	}
	return kind < 128 || kind > dns.TypeANY
}
