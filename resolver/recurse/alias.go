package recurse

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// maxLinks is how many aliases are followed for one question.
	maxLinks = 11
	// maxRecords is how many records one set may have.
	maxRecords = 100
)

var errMalformed = errors.New("contradicts itself")

// outcome is what one reply gives for one question.
type outcome struct {
	zone    wire.Name
	rcode   int
	records []dns.RR    // of the alias chain in its order, with signatures
	targets []wire.Name // the names that the aliases lead to
	proofs  []dns.RR    // NSEC and NSEC3 of the authority section, with signatures
	// soa is set where the chain ends without data, and stands above its end.
	soa []dns.RR
	// next is where the chain goes on, for a lookup of its own; "" where it ends.
	next wire.Name
	// negative says that the chain ends without data.
	negative bool
	// keep is how long to keep a negative end that has no SOA; 0 is not at all.
	keep uint32
	// servers and beside are NS records and addresses that came with a positive answer.
	servers, beside []dns.RR
}

// walk follows the question through the answer section as far as the zone of
// the asked servers goes. What they say about names elsewhere is not read.
func (r *reply) walk(name wire.Name, qtype uint16) (*outcome, error) {
	out := &outcome{zone: r.zone, rcode: r.rcode, proofs: r.proofs()}
	if qtype == dns.TypeCNAME {
		return out, r.itself(out, name)
	}
	for range maxLinks + 1 {
		if found, err := set(r.answer, name, qtype); err != nil || len(found) > 0 {
			out.records = append(out.records, found...)
			return out, r.positive(err)
		}
		target, link, err := r.alias(name)
		if err != nil {
			return nil, err
		}
		if link == nil {
			break
		}
		out.records = append(out.records, link...)
		if target == "" { // the name that DNAME makes is too long
			out.rcode = dns.RcodeYXDomain
			return out, nil
		}
		out.targets = append(out.targets, target)
		name = target
		if !r.owns(name) {
			break
		}
	}
	return out, r.close(out, name)
}

// itself answers a question for the alias at a name. A CNAME that a DNAME makes is data
// too, and goes with the DNAME, which alone is signed (RFC 6672, section 5.3.1). NXDOMAIN
// beside it says of the target that it does not exist (RFC 2308, section 2.1).
func (r *reply) itself(out *outcome, name wire.Name) error {
	target, link, err := r.alias(name)
	if err != nil {
		return err
	}
	if link == nil {
		return r.close(out, name)
	}
	out.records = link
	if target == "" {
		out.rcode = dns.RcodeYXDomain
		return nil
	}
	if beyond, _ := set(r.answer, target, dns.TypeCNAME); r.rcode != dns.RcodeNameError || len(beyond) > 0 || r.dnameAbove(target) != "" {
		out.rcode = dns.RcodeSuccess
		return nil
	}
	out.targets = append(out.targets, target)
	return r.close(out, target)
}

// positive is the error of a reply that has the data and denies it too.
func (r *reply) positive(err error) error {
	if err == nil && r.rcode != dns.RcodeSuccess {
		return fmt.Errorf("%w: data with %s", errMalformed, dns.RcodeToString[r.rcode])
	}
	return err
}

// close ends a chain that the answer section has no data for. After an alias
// only an SOA above the last name makes the denial one of that name.
func (r *reply) close(out *outcome, name wire.Name) error {
	soa := r.soa(name)
	if len(out.targets) > 0 && (len(soa) == 0 || !r.owns(name) || r.mayErr(out)) {
		out.next, out.rcode = name, dns.RcodeSuccess
		return nil
	}
	if r.rcode == dns.RcodeYXDomain {
		return fmt.Errorf("%w: YXDOMAIN without DNAME", errMalformed)
	}
	out.soa, out.negative = soa, true
	return nil
}

// mayErr says of NXDOMAIN at the end of aliases that the name is better asked for by
// itself. The code is that of the last name (RFC 6604, section 3), but servers that
// make aliases on the way say so of names that they would answer. A proof cannot err,
// and who resolves for us asked himself.
func (r *reply) mayErr(out *outcome) bool {
	return r.rcode == dns.RcodeNameError && !r.resolved && len(out.proofs) == 0
}

// set collects what has this owner and type, and the signatures over it. Without
// the records themselves signatures are nothing.
func set(section []record, owner wire.Name, rtype uint16) ([]dns.RR, error) {
	var found []dns.RR
	present := false
	for _, candidate := range section {
		data := matches(candidate.RR, rtype)
		if candidate.owner != owner || !data && !signs(candidate.RR, rtype) {
			continue
		}
		if found = add(found, candidate.RR); len(found) > maxRecords {
			return nil, fmt.Errorf("%w: more than %d records", errMalformed, maxRecords)
		}
		present = present || data
	}
	if !present {
		return nil, nil
	}
	return found, nil
}

func matches(rr dns.RR, rtype uint16) bool {
	return rr.Header().Rrtype == rtype || rtype == dns.TypeANY
}

// signs says whether the record is a signature over records of one of the types.
func signs(rr dns.RR, types ...uint16) bool {
	signature, ok := rr.(*dns.RRSIG)
	if !ok {
		return false
	}
	for _, rtype := range types {
		if signature.TypeCovered == rtype {
			return true
		}
	}
	return false
}

// add appends a record that is not there yet (RFC 2181, section 5).
func add(records []dns.RR, rr dns.RR) []dns.RR {
	for _, present := range records {
		if dns.IsDuplicate(present, rr) {
			return records
		}
	}
	return append(records, rr)
}

// alias finds the CNAME at the name or the DNAME above it. The link holds the
// records, nil where there are none; the target is "" where it would be too long.
func (r *reply) alias(name wire.Name) (target wire.Name, link []dns.RR, err error) {
	if owner := r.dnameAbove(name); owner != "" {
		return r.redirect(name, owner)
	}
	link, err = set(r.answer, name, dns.TypeCNAME)
	if err != nil || link == nil {
		return "", nil, err
	}
	link = sole(link)
	first := slices.IndexFunc(link, func(rr dns.RR) bool { return matches(rr, dns.TypeCNAME) })
	cname, ok := link[first].(*dns.CNAME)
	if !ok {
		return "", nil, fmt.Errorf("%w: no name in a CNAME", errMalformed)
	}
	if target, err = wire.ParseName(cname.Target); err != nil {
		return "", nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return target, link, nil
}

// sole leaves the first of several CNAMEs. A name has one (RFC 2181, section 10.1), but
// servers that spread load make more of them. Signed ones stay together: a signature is
// one over all.
func sole(link []dns.RR) []dns.RR {
	if slices.ContainsFunc(link, func(rr dns.RR) bool { return signs(rr, dns.TypeCNAME) }) {
		return link
	}
	return link[:1]
}

// dnameAbove is the owner of a DNAME of the answer section that the name lies
// below; "" where there is none.
func (r *reply) dnameAbove(name wire.Name) wire.Name {
	for _, candidate := range r.answer {
		if candidate.Header().Rrtype == dns.TypeDNAME && name != candidate.owner && name.IsBelow(candidate.owner) {
			return candidate.owner
		}
	}
	return ""
}

// redirect applies the DNAME at owner. The CNAME is made here, whether or not
// the server sent one: it carries no signature, so that only what follows from
// the DNAME itself can be true (RFC 6672, section 3.1).
func (r *reply) redirect(name, owner wire.Name) (wire.Name, []dns.RR, error) {
	link, err := set(r.answer, owner, dns.TypeDNAME)
	if err != nil {
		return "", nil, err
	}
	var dname *dns.DNAME
	for _, rr := range link {
		found, ok := rr.(*dns.DNAME)
		if ok && dname != nil {
			return "", nil, fmt.Errorf("%w: two DNAMEs at one name", errMalformed)
		}
		if ok {
			dname = found
		}
	}
	suffix, err := wire.ParseName(dname.Target)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	target := name[:len(name)-len(owner)] + suffix
	if len(target) > wire.MaxName {
		return "", link, nil
	}
	header := dns.RR_Header{Name: name.FQDN(), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: dname.Hdr.Ttl}
	return target, append(link, &dns.CNAME{Hdr: header, Target: target.FQDN()}), nil
}

// soa is the SOA of the authority section that stands above the name.
func (r *reply) soa(name wire.Name) []dns.RR {
	for _, candidate := range r.authority {
		if candidate.Header().Rrtype == dns.TypeSOA && name.IsBelow(candidate.owner) {
			found, _ := set(r.authority, candidate.owner, dns.TypeSOA)
			return found
		}
	}
	return nil
}

// proofs are the denials of the authority section, in any number up to a bound:
// a validator needs those of a wildcard even where the answer is positive.
func (r *reply) proofs() []dns.RR {
	var found []dns.RR
	for _, candidate := range r.authority {
		rtype := candidate.Header().Rrtype
		if rtype != dns.TypeNSEC && rtype != dns.TypeNSEC3 && !signs(candidate.RR, dns.TypeNSEC, dns.TypeNSEC3) {
			continue
		}
		if found = add(found, candidate.RR); len(found) >= maxProofs {
			break
		}
	}
	return found
}
