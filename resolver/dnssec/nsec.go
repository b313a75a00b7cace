package dnssec

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// nsec is one verified NSEC record (RFC 4034, section 4).
type nsec struct {
	owner, next wire.Name
	apex        wire.Name
	types       []uint16
}

// readNSEC refuses a next name outside the zone: such a record would deny names
// that are not its signer's.
func readNSEC(owner wire.Name, record *dns.NSEC, zone wire.Name) (nsec, bool) {
	next, err := wire.ParseName(record.NextDomain)
	if err != nil || !next.IsBelow(zone) {
		return nsec{}, false
	}
	return nsec{owner: owner, next: next, apex: zone, types: record.TypeBitMap}, true
}

// covers says whether a name falls into the gap behind the owner. Only the zone's
// last record, whose next is the apex, may reach around the end.
func (n nsec) covers(name wire.Name) bool {
	if !name.IsBelow(n.apex) || compare(n.owner, name) >= 0 {
		return false
	}
	if name.IsBelow(n.owner) && opaque(n.types) {
		return false
	}
	return n.next == n.apex || compare(name, n.next) < 0
}

// denies is covers without the empty non-terminal: a name that the next one lies
// below exists, though it has no records.
func (n nsec) denies(name wire.Name) bool {
	return n.covers(name) && !n.next.IsBelow(name)
}

// encloser is the longest existing name above one that the record covers.
func (n nsec) encloser(name wire.Name) wire.Name {
	left, right := common(name, n.owner), common(name, n.next)
	if len(left) > len(right) {
		return left
	}
	return right
}

func at(records []nsec, name wire.Name) (nsec, bool) {
	i := slices.IndexFunc(records, func(n nsec) bool { return n.owner == name })
	if i < 0 {
		return nsec{}, false
	}
	return records[i], true
}

func denying(records []nsec, name wire.Name) (nsec, bool) {
	i := slices.IndexFunc(records, func(n nsec) bool { return n.denies(name) })
	if i < 0 {
		return nsec{}, false
	}
	return records[i], true
}

// noNameByNSEC is RFC 4035, section 5.4: neither the name nor a wildcard that
// could stand in for it. A record at the name with NXNAME says so at once
// (compact denial, RFC 9824).
func noNameByNSEC(records []nsec, name wire.Name) bool {
	if own, found := at(records, name); found {
		return slices.Contains(own.types, dns.TypeNXNAME)
	}
	gap, found := denying(records, name)
	if !found {
		return false
	}
	wildcard, err := gap.encloser(name).Child("*")
	if err != nil {
		return true // too long to exist
	}
	_, found = denying(records, wildcard)
	return found
}

// noDataByNSEC knows three forms: the name without the type, an empty
// non-terminal, and a wildcard without the type.
func noDataByNSEC(records []nsec, name wire.Name, kind uint16) bool {
	if own, found := at(records, name); found {
		return lacks(own.types, kind, name)
	}
	if slices.ContainsFunc(records, func(n nsec) bool { return n.covers(name) && n.next.IsBelow(name) }) {
		return true
	}
	gap, found := denying(records, name)
	if !found {
		return false
	}
	wildcard, err := gap.encloser(name).Child("*")
	if err != nil {
		return false
	}
	source, found := at(records, wildcard)
	return found && lacks(source.types, kind, wildcard)
}

// noCloserByNSEC is RFC 4035, section 5.3.4.
func noCloserByNSEC(records []nsec, name wire.Name, labels int) bool {
	return slices.ContainsFunc(records, func(n nsec) bool {
		return n.denies(name) && n.encloser(name).Labels() == labels
	})
}

// cutByNSEC reads the parent's side of a zone cut. No wildcard matters here: it
// cannot make a delegation.
func cutByNSEC(records []nsec, name wire.Name) *zone {
	if own, found := at(records, name); found {
		return cutByTypes(name, own.types)
	}
	if _, found := denying(records, name); found {
		return &zone{name: name, trust: inside, barren: true}
	}
	if slices.ContainsFunc(records, func(n nsec) bool { return n.covers(name) }) {
		return &zone{name: name, trust: inside}
	}
	return nil
}
