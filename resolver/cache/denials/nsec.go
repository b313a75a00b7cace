package denials

import (
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// finding is what records prove of a question: a response code, those records and, if
// a wildcard stands in, its set. No records: nothing.
type finding struct {
	rcode  int
	proofs []*proof
	data   *proof
}

func proves(rcode int, proofs ...*proof) finding {
	return finding{rcode: rcode, proofs: proofs}
}

// byNSEC is RFC 8198, section 5.1: a name in a gap, with a gap or a record for the
// wildcard that could stand in for it, or (section 5.3) that wildcard's set; or a
// record at the name itself.
func (z *zone) byNSEC(name wire.Name, kind uint16, now int64) finding {
	if own := z.plain.at(order(name), now); own != nil {
		if lacks(own.types, kind, name) {
			return proves(dns.RcodeSuccess, own)
		}
		return finding{}
	}
	gap := z.gap(name, now)
	if gap == nil {
		return finding{}
	}
	if gap.after.IsBelow(name) { // an empty non-terminal
		return proves(dns.RcodeSuccess, gap)
	}
	wildcard, err := gap.encloser(name).Child("*")
	if err != nil {
		return finding{}
	}
	if source := z.plain.at(order(wildcard), now); source != nil {
		if kind != dns.TypeDS && lacks(source.types, kind, wildcard) {
			return proves(dns.RcodeSuccess, gap, source)
		}
		return z.stands(wildcard, kind, gap, now)
	}
	if other := z.gap(wildcard, now); other != nil && !other.after.IsBelow(wildcard) {
		return proves(dns.RcodeNameError, gap, other)
	}
	return z.stands(wildcard, kind, gap, now)
}

// gap is the record whose gap a name falls into.
func (z *zone) gap(name wire.Name, now int64) *proof {
	key := order(name)
	nearest := z.plain.before(key, now)
	if nearest == nil || !nearest.covers(name, key, z.name) {
		return nil
	}
	return nearest
}

// covers says whether a name falls into the gap behind the owner. Only the zone's
// last record, whose next is the apex, may reach around the end.
func (p *proof) covers(name wire.Name, key string, apex wire.Name) bool {
	if p.key >= key || name.IsBelow(p.owner) && opaque(p.types) {
		return false
	}
	return p.after == apex || key < p.next
}

// encloser is the longest existing name above one that the record covers.
func (p *proof) encloser(name wire.Name) wire.Name {
	left, right := common(name, p.owner), common(name, p.after)
	if len(left) > len(right) {
		return left
	}
	return right
}
