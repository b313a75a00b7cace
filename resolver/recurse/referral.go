package recurse

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds on what one referral may bring (NXNSAttack and its kin).
const (
	maxNameservers = 13
	maxAddresses   = 6 // of one name server
	maxProofs      = 32
	maxProofOctets = 4096
	// minCut is how long a delegation is kept at least, in seconds: a TTL of zero
	// would have each name of the zone cost its parents a question.
	minCut = 5
)

// errEmpty is that of a reply with nothing in it. Broken servers send such ones;
// a denial has an SOA (RFC 2308, section 2.2).
var errEmpty = errors.New("an empty reply")

// read makes sense of a reply: an outcome, or a delegation to go on with. The
// error says why another server should be asked; an outcome beside it is better
// than none.
func (r *reply) read(name wire.Name, qtype uint16, from *delegation, now time.Time) (*outcome, *delegation, error) {
	switch r.rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
	case dns.RcodeRefused, dns.RcodeNotAuth:
		return nil, nil, fmt.Errorf("%w: %s", ErrLame, dns.RcodeToString[r.rcode])
	default:
		return nil, nil, fmt.Errorf("rcode %s", rcodeName(r.rcode))
	}
	out, err := r.walk(name, qtype)
	if err != nil {
		return nil, nil, err
	}
	if len(out.records) > 0 || len(out.soa) > 0 {
		r.accompany(out)
		return out, nil, r.resolverlike()
	}
	if r.rcode == dns.RcodeSuccess {
		if cut := r.referral(name, from, now); cut != nil {
			return nil, cut, nil
		}
	}
	return r.nothing(out)
}

// resolverlike is the error of what a resolver says that was named as an authority:
// it comes from its cache, or from whatever forged data it took in. Others are asked
// first.
func (r *reply) resolverlike() error {
	if !r.authoritative && r.recursive {
		return fmt.Errorf("%w: answers as a resolver", ErrLame)
	}
	return nil
}

// nothing judges a reply without data, SOA and referral. Where it is no honest
// denial but says NXDOMAIN, or speaks with authority, it is still better than none.
func (r *reply) nothing(out *outcome) (*outcome, *delegation, error) {
	err := r.resolverlike()
	if err == nil {
		err = r.denial()
	}
	if err == nil && len(r.answer)+len(r.authority) == 0 && r.rcode == dns.RcodeSuccess {
		err = errEmpty
	}
	if err != nil && !r.authoritative && r.rcode != dns.RcodeNameError {
		out = nil
	}
	return out, nil, err
}

// denial is the error of an empty reply that is no honest denial: the SOA or NS
// of some other zone, a referral upwards or sideways, or nobody's authority. A
// denial record of the zone speaks with its authority, whatever the AA flag says.
func (r *reply) denial() error {
	lost, denies := r.strays, r.authoritative
	for _, candidate := range r.authority {
		rtype := candidate.Header().Rrtype
		lost = lost || rtype == dns.TypeSOA || rtype == dns.TypeNS
		denies = denies || rtype == dns.TypeNSEC || rtype == dns.TypeNSEC3
	}
	if lost || !denies {
		return fmt.Errorf("%w: neither answer nor referral downwards", ErrLame)
	}
	return nil
}

func rcodeName(rcode int) string {
	if name, known := dns.RcodeToString[rcode]; known {
		return name
	}
	return fmt.Sprint(rcode)
}

// referral reads the delegation that the authority section gives: strictly below
// the zone asked, at or above the name. The first such cut counts.
func (r *reply) referral(name wire.Name, from *delegation, now time.Time) *delegation {
	var cut *delegation
	ttl := uint32(maxTTL)
	for _, candidate := range r.authority {
		ns, ok := candidate.RR.(*dns.NS)
		if !ok || candidate.owner == r.zone || !name.IsBelow(candidate.owner) {
			continue
		}
		if cut == nil {
			cut = &delegation{zone: candidate.owner, parent: r.zone, stored: now, signedParent: from.isSigned()}
		}
		if candidate.owner != cut.zone || len(cut.nameservers) >= maxNameservers {
			continue
		}
		host, err := wire.ParseName(ns.Ns)
		if err != nil {
			continue
		}
		addresses, glueTTL := r.glue(host)
		ttl = min(ttl, ns.Hdr.Ttl, glueTTL)
		cut.nameservers = append(cut.nameservers, nameserver{host, addresses})
	}
	if cut == nil || len(cut.nameservers) == 0 {
		return nil
	}
	cut.expires = now.Add(seconds(max(ttl, minCut)))
	r.readDS(cut)
	return cut
}

// nameservers reads the NS set of a zone out of a section, with their addresses.
func (r *reply) nameservers(section []record, zone wire.Name) []nameserver {
	var found []nameserver
	for _, candidate := range section {
		ns, ok := candidate.RR.(*dns.NS)
		if !ok || candidate.owner != zone || len(found) >= maxNameservers {
			continue
		}
		if host, err := wire.ParseName(ns.Ns); err == nil {
			addresses, _ := r.glue(host)
			found = append(found, nameserver{host, addresses})
		}
	}
	return found
}

// glue gives the addresses that the additional section has for a name server.
// The reply holds only names below the zone asked, whose servers could delegate
// these names anyway; so they are believed, for this one delegation.
func (r *reply) glue(host wire.Name) (addresses []netip.Addr, ttl uint32) {
	ttl = maxTTL
	for _, candidate := range r.additional {
		if candidate.owner != host || len(addresses) >= maxAddresses {
			continue
		}
		if addr := address(candidate.RR); addr.IsValid() {
			addresses = append(addresses, addr)
			ttl = min(ttl, candidate.Header().Ttl)
		}
	}
	return addresses, ttl
}

// address is what an A or AAAA record says; invalid for all others.
func address(rr dns.RR) netip.Addr {
	var addr netip.Addr
	switch rr := rr.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(rr.AAAA)
	}
	return addr.Unmap()
}

// readDS keeps what the referral says about the zone's keys: DS, or the proof
// that there is none. What is too large to keep is asked for when it is needed.
func (r *reply) readDS(cut *delegation) {
	ds, err := set(r.authority, cut.zone, dns.TypeDS)
	if err != nil {
		return
	}
	proof := ds
	if len(ds) == 0 {
		proof = r.proofs()
	}
	octets, ttl := 0, uint32(maxTTL)
	for _, rr := range proof {
		octets += dns.Len(rr)
		ttl = min(ttl, rr.Header().Ttl)
	}
	if octets > maxProofOctets {
		return
	}
	cut.proof, cut.hasDS = proof, len(ds) > 0
	cut.proofExpires = cut.stored.Add(seconds(ttl))
}

func seconds(ttl uint32) time.Duration { return time.Duration(ttl) * time.Second }
