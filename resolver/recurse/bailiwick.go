package recurse

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// How long data may be kept, whatever its TTL says (RFC 8767, section 4; RFC 2308, section 5).
const (
	maxTTL         = 24 * 60 * 60
	maxNegativeTTL = 60 * 60
)

// record is a resource record with its owner as a name that compares.
type record struct {
	owner wire.Name
	dns.RR
}

// reply is what one server said, cut down to what it may speak of: records of
// class IN at or below the zone that it was asked for.
type reply struct {
	zone                          wire.Name
	rcode                         int
	authoritative, recursive      bool
	answer, authority, additional []record
	strays                        bool // NS or SOA records from elsewhere were among the authority
	resolved                      bool // by somebody who follows aliases, not by an authority
	full                          bool // what is beside a positive answer goes with it
	// isElsewhere tells the names below the zone that configuration gives to others;
	// nil where there are none.
	isElsewhere func(wire.Name) bool
}

// owns says whether the servers asked may speak of a name that an alias leads to.
func (r *reply) owns(name wire.Name) bool {
	return name.IsBelow(r.zone) && (r.isElsewhere == nil || !r.isElsewhere(name))
}

func newReply(message *dns.Msg, zone wire.Name) *reply {
	clean := &reply{
		zone:          zone,
		rcode:         message.Rcode,
		authoritative: message.Authoritative,
		recursive:     message.RecursionAvailable,
	}
	clean.answer, _ = within(message.Answer, zone)
	clean.authority, clean.strays = within(message.Ns, zone)
	clean.additional, _ = within(message.Extra, zone)
	clean.answer = append(clean.answer, signaturesFor(clean.answer, clean.additional)...)
	return clean
}

// loosen takes glue for names outside the zone as well. Nothing but glue is read of the
// additional section from here on.
func (r *reply) loosen(message *dns.Msg) {
	r.additional, _ = within(message.Extra, wire.Root)
}

// signaturesFor are the signatures in a section that belong to sets of another: a
// server that ran out of room for them there may have put them here.
func signaturesFor(sets, section []record) []record {
	var found []record
	for _, candidate := range section {
		signature, ok := candidate.RR.(*dns.RRSIG)
		if !ok {
			continue
		}
		covers := func(r record) bool { return r.owner == candidate.owner && r.Header().Rrtype == signature.TypeCovered }
		signs := func(r record) bool {
			other, ok := r.RR.(*dns.RRSIG)
			return ok && r.owner == candidate.owner && other.TypeCovered == signature.TypeCovered
		}
		if slices.ContainsFunc(sets, covers) && !slices.ContainsFunc(sets, signs) {
			found = append(found, candidate)
		}
	}
	return found
}

// within keeps the records of the zone and bounds their TTLs. Strays says that
// an NS or SOA record was among those dropped.
func within(records []dns.RR, zone wire.Name) (kept []record, strays bool) {
	for _, rr := range records {
		header := rr.Header()
		owner, err := wire.ParseName(header.Name)
		if err != nil || header.Class != dns.ClassINET || header.Rrtype == dns.TypeOPT {
			continue
		}
		if !owner.IsBelow(zone) {
			strays = strays || header.Rrtype == dns.TypeNS || header.Rrtype == dns.TypeSOA
			continue
		}
		header.Ttl = boundedTTL(header.Ttl)
		kept = append(kept, record{owner, rr})
	}
	return kept, strays
}

// boundedTTL reads a TTL with its top bit set as zero (RFC 2181, section 8).
func boundedTTL(ttl uint32) uint32 {
	if ttl > 1<<31-1 {
		return 0
	}
	return min(ttl, maxTTL)
}

// isQueryable says whether a server at this address may be asked. Addresses that
// mean nobody are never asked; addresses of this machine, of a private network
// or of one link only where the configuration allows it, since a stranger's
// delegation would else have us query hosts that he cannot reach himself. A zone
// below a configured stub is no stranger's: its servers may be private.
func isQueryable(addr netip.Addr, localhost, trusted bool) bool {
	switch {
	case !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast():
		return false
	case localhost:
		return true
	case addr.IsLoopback() || isNowhere(addr):
		return false
	}
	return trusted || !addr.IsPrivate() && !addr.IsLinkLocalUnicast() && !isShared(addr)
}

// isNowhere are "this network" and the reserved class E (RFC 6890).
func isNowhere(addr netip.Addr) bool {
	return addr.Is4() && (addr.As4()[0] == 0 || addr.As4()[0] >= 240)
}

// isShared is a carrier's own address space (RFC 6598).
func isShared(addr netip.Addr) bool {
	return addr.Is4() && addr.As4()[0] == 100 && addr.As4()[1]&0xc0 == 64
}
