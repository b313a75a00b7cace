package dnssec

import (
	"errors"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// How many records of denial one zone may send in one reply. A chain of aliases
// needs an NSEC for each wildcard that it passed; no honest proof needs more NSEC3.
const (
	maxNSEC  = 16
	maxNSEC3 = 8
)

// denial is what one secure zone proves not to exist, in one reply.
type denial struct {
	validation *validation
	zone       *zone
	plain      []nsec
	hashed     hashChains
	// overworked says that the zone has NSEC3 records of too many iterations.
	overworked bool
	// flaw is why a record could not be used.
	flaw error
	ttl  uint32
}

// denials are the sets of the authority section that take part in a denial.
func (r *reply) denials() []*rrset {
	var sets []*rrset
	for _, set := range r.authority {
		switch set.kind {
		case dns.TypeNSEC, dns.TypeNSEC3, dns.TypeSOA:
			sets = append(sets, set)
		}
	}
	return sets
}

// lacksSignatures says that a proof is missing because a record of it came without
// signatures, as where one server strips them.
func (r *reply) lacksSignatures(flaw error) bool {
	var found *bogus
	return errors.As(flaw, &found) && found.code == resolver.DenialMissing && slices.ContainsFunc(r.denials(), isBare)
}

func isBare(set *rrset) bool { return len(set.all) == 0 }

// unproven is the flaw of an expanded wildcard without its proof. The code for a
// missing denial is about data that is not there (RFC 8914, section 4.13).
func (r *reply) unproven(err error) error {
	var flaw *bogus
	switch {
	case !errors.As(err, &flaw) || flaw.code != resolver.DenialMissing:
		return err
	case slices.ContainsFunc(r.denials(), isBare):
		return flawed(resolver.SignaturesMissing, "no signatures on the %s", strings.TrimPrefix(flaw.text, "no "))
	}
	return flawed(resolver.Bogus, "%s", flaw.text)
}

// unproved tells missing signatures from missing records.
func (r *reply) unproved(what string, name wire.Name) error {
	if slices.ContainsFunc(r.denials(), isBare) {
		return flawed(resolver.SignaturesMissing, "no signatures on the proof of %s %s", what, name)
	}
	return flawed(resolver.DenialMissing, "no proof of %s %s", what, name)
}

// denial verifies the zone's records of denial in a reply, once. A record that
// does not hold is left out; what remains may be proof enough. The error is never
// bogus.
func (v *validation) denial(reply *reply, zone *zone) (*denial, error) {
	if known := reply.proofs[zone.name]; known != nil {
		return known, nil
	}
	proof := &denial{validation: v, zone: zone, ttl: unbounded}
	plain, hashed := 0, 0
	for _, set := range reply.denials() {
		if set.kind == dns.TypeSOA || !set.signedBy(zone.name) {
			continue
		}
		if set.kind == dns.TypeNSEC {
			plain++
		} else {
			hashed++
		}
		if plain > maxNSEC || hashed > maxNSEC3 {
			break
		}
		if err := proof.take(set); err != nil {
			return nil, err
		}
	}
	reply.proofs[zone.name] = proof
	return proof, nil
}

func (s *rrset) signedBy(zone wire.Name) bool {
	return slices.ContainsFunc(s.signatures, func(sig signature) bool { return sig.signer == zone })
}

func (d *denial) take(set *rrset) error {
	if err := d.validation.verify(set, d.zone.name, d.zone.keys); err != nil {
		if !isBogus(err) {
			return err
		}
		d.flaw = firstOf(d.flaw, err)
		return nil
	}
	// A wildcard's own NSEC answers whoever asks for NSEC below it (RFC 4592, section
	// 4.7), but it denies nothing around the name that it was expanded to.
	if set.kind == dns.TypeNSEC && set.expanded() {
		return nil
	}
	d.ttl = min(d.ttl, set.ttl(d.validation.now))
	for _, record := range set.records {
		switch record := record.(type) {
		case *dns.NSEC:
			if read, ok := readNSEC(set.name, record, d.zone.name); ok {
				d.plain = append(d.plain, read)
			}
		case *dns.NSEC3:
			if record.Iterations > maxIterations {
				d.overworked = true
				continue
			}
			d.hash(set.name, record)
		}
	}
	return nil
}

// missing is the verdict when neither kind of record proves what it should. A
// zone that asks for too much hashing counts as insecure (RFC 9276, section 3.2).
func (d *denial) missing(what string, name wire.Name) (standing, error) {
	if d.overworked {
		return d.tooMany(), nil
	}
	if d.flaw != nil {
		return standing{}, d.flaw
	}
	return standing{}, flawed(resolver.DenialMissing, "no proof of %s %s", what, name)
}

func (d *denial) tooMany() standing {
	text := "NSEC3 of " + d.zone.name.String()
	return standing{security: resolver.Insecure, extended: []resolver.Extended{{Code: resolver.UnsupportedIterations, Text: text}}}
}

// answered is the standing of a proof. One that leans on opt-out leaves room for
// unsigned names, so it is not secure (RFC 5155, section 9.2).
func (d *denial) answered(optOut bool) (standing, error) {
	if optOut {
		return standing{security: resolver.Insecure}, nil
	}
	return d.zone.standing(), nil
}

// outcome is what a set of records proves of a claim.
type outcome uint8

const (
	nothing outcome = iota
	proved
	provedOptOut
)

// prove is the common course: plain records first, then hashed ones.
func (d *denial) prove(what string, name wire.Name, plain func() bool, hashed func() (outcome, error)) (standing, error) {
	if len(d.plain) > 0 && plain() {
		return d.answered(false)
	}
	found, err := hashed()
	if err != nil {
		return standing{}, err
	}
	if found != nothing {
		return d.answered(found == provedOptOut)
	}
	return d.missing(what, name)
}

// noName proves NXDOMAIN.
func (d *denial) noName(name wire.Name) (standing, error) {
	return d.prove("the absence of", name,
		func() bool { return noNameByNSEC(d.plain, name) },
		func() (outcome, error) { return d.hashed.noName(name) })
}

// noData proves that a name has no records of a type. ANY may be left unanswered
// (RFC 8482), so silence about a name with data is no lie; nor is it proved.
func (d *denial) noData(name wire.Name, kind uint16) (standing, error) {
	found, err := d.prove("no "+dns.Type(kind).String()+" at", name,
		func() bool { return noDataByNSEC(d.plain, name, kind) },
		func() (outcome, error) { return d.hashed.noData(name, kind) })
	if kind != dns.TypeANY || !isBogus(err) {
		return found, err
	}
	types, failed := d.typesAt(name)
	switch {
	case failed != nil:
		return standing{}, failed
	case types == nil:
		return standing{}, err
	}
	return standing{security: resolver.Insecure}, nil
}

// noCloser proves that no name stands nearer to this one than the wildcard that
// it was expanded from, whose parent has so many labels.
func (d *denial) noCloser(name wire.Name, labels int) (standing, error) {
	return d.prove("nothing nearer than the wildcard to", name,
		func() bool { return noCloserByNSEC(d.plain, name, labels) },
		func() (outcome, error) { return d.hashed.noCloser(name, labels) })
}

// cut reads from the denial of DS whether a name is an insecure zone or none.
func (d *denial) cut(name wire.Name) (*zone, error) {
	found := cutByNSEC(d.plain, name)
	for i := 0; found == nil && i < len(d.hashed); i++ {
		var err error
		if found, err = d.hashed[i].cut(name); err != nil {
			return nil, err
		}
	}
	if found != nil {
		return found, nil
	}
	verdict, err := d.missing("a delegation without DS for", name)
	if err != nil {
		return nil, err
	}
	return &zone{name: name, trust: insecure, extended: verdict.extended}, nil
}

// typesAt is the list of types at a name, where a record of it is at hand.
func (d *denial) typesAt(name wire.Name) ([]uint16, error) {
	if own, found := at(d.plain, name); found {
		return own.types, nil
	}
	own, err := d.hashed.first(name, (*hashes).at)
	if err != nil || own == nil {
		return nil, err
	}
	return own.types, nil
}

// cutByTypes reads a zone cut from the types at a name, as the parent lists them;
// nil where they prove none, be it that DS exists or that the list is the child's own.
func cutByTypes(name wire.Name, types []uint16) *zone {
	switch {
	case slices.Contains(types, dns.TypeDS), slices.Contains(types, dns.TypeSOA):
		return nil
	case slices.Contains(types, dns.TypeNS):
		return &zone{name: name, trust: insecure}
	}
	return &zone{name: name, trust: inside}
}

// lacks says whether a list of types proves that there is none of a kind at the
// name, nor an alias. A parent's list at a delegation speaks for DS only, and the
// child's own never does (RFC 6840, section 4.1; RFC 4035, section 5.2).
func lacks(types []uint16, kind uint16, name wire.Name) bool {
	if slices.Contains(types, kind) || slices.Contains(types, dns.TypeCNAME) {
		return false
	}
	if kind == dns.TypeANY {
		return !slices.ContainsFunc(types, isData)
	}
	apex := slices.Contains(types, dns.TypeSOA)
	if kind == dns.TypeDS {
		return !apex || name == wire.Root
	}
	return apex || !slices.Contains(types, dns.TypeNS)
}

// isData tells the types of data from those that every signed name has.
func isData(kind uint16) bool {
	switch kind {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNXNAME:
		return false
	}
	return true
}

// opaque says whether a list of types marks a name below which the zone does not
// speak: a delegation, or the owner of a DNAME (RFC 6840, section 4.1).
func opaque(types []uint16) bool {
	if slices.Contains(types, dns.TypeDNAME) {
		return true
	}
	return slices.Contains(types, dns.TypeNS) && !slices.Contains(types, dns.TypeSOA)
}
