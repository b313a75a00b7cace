package dnssec

import (
	"encoding/hex"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxHashChains is how many chains of one zone are tried: a zone that changes its salt
// has the old one and the new one for a while.
const maxHashChains = 2

// hashChains are a zone's NSEC3 records, those of one salt and iteration count together.
// A denial may need several proofs, and each must be whole within one chain: what one
// lacks another cannot make up for, since their records say nothing of each other's gaps
// (RFC 5155, section 8.2).
type hashChains []*hashes

// hash adds a record to its chain. It leaves out what must be ignored: unknown hash
// algorithms and flags (RFC 5155, sections 8.1 and 8.2), and hashes that are none.
func (d *denial) hash(owner wire.Name, record *dns.NSEC3) {
	if record.Hash != dns.SHA1 || record.Flags&^1 != 0 {
		return
	}
	salt, err := hex.DecodeString(strings.TrimSuffix(record.Salt, "-"))
	if err != nil {
		return
	}
	first, rest := string(owner[1:1+int(owner[0])]), record.NextDomain
	ownerHash, next := decodeHash(first), decodeHash(rest)
	if ownerHash == "" || next == "" {
		return
	}
	if chain := d.chain(record.Iterations, string(salt)); chain != nil {
		chain.records = append(chain.records, nsec3{owner: ownerHash, next: next, optOut: record.Flags&1 != 0, types: record.TypeBitMap})
	}
}

// chain is the one of these parameters; nil where there are too many others.
func (d *denial) chain(iterations uint16, salt string) *hashes {
	for _, known := range d.hashed {
		if known.iterations == iterations && known.salt == salt {
			return known
		}
	}
	if len(d.hashed) == maxHashChains {
		return nil
	}
	chain := &hashes{validation: d.validation, zone: d.zone.name, iterations: iterations, salt: salt, computed: make(map[wire.Name]string)}
	d.hashed = append(d.hashed, chain)
	return chain
}

// enclosed tries the closest encloser proof of each chain until the claim that rests on
// it holds.
func (c hashChains) enclosed(name wire.Name, claim func(encloser wire.Name, gap *nsec3) (outcome, error)) (outcome, error) {
	for _, chain := range c {
		encloser, gap, err := chain.enclosing(name)
		if err != nil {
			return nothing, err
		}
		if gap == nil {
			continue
		}
		if found, err := claim(encloser, gap); err != nil || found != nothing {
			return found, err
		}
	}
	return nothing, nil
}

// first finds what any chain has of a name; nil where none has it.
func (c hashChains) first(name wire.Name, look func(*hashes, wire.Name) (*nsec3, error)) (*nsec3, error) {
	for _, chain := range c {
		if found, err := look(chain, name); err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// noName is RFC 5155, section 8.4. The wildcard's absence is a proof of its own.
func (c hashChains) noName(name wire.Name) (outcome, error) {
	if own, err := c.first(name, (*hashes).at); err != nil || own != nil {
		return nothing, err
	}
	return c.enclosed(name, func(encloser wire.Name, gap *nsec3) (outcome, error) {
		wildcard, err := encloser.Child("*")
		if err != nil {
			return provedBy(gap), nil
		}
		covering, err := c.first(wildcard, (*hashes).gap)
		return when(covering != nil, provedBy(gap)), err
	})
}

// noData is RFC 5155, sections 8.5 to 8.7. An opt-out gap serves for every type,
// because an empty non-terminal above unsigned delegations may have no record.
func (c hashChains) noData(name wire.Name, kind uint16) (outcome, error) {
	if own, err := c.first(name, (*hashes).at); err != nil || own != nil {
		return when(own != nil && lacks(own.types, kind, name), proved), err
	}
	return c.enclosed(name, func(encloser wire.Name, gap *nsec3) (outcome, error) {
		wildcard, err := encloser.Child("*")
		if err != nil {
			return when(gap.optOut, provedOptOut), nil
		}
		source, err := c.first(wildcard, (*hashes).at)
		switch {
		case err != nil:
			return nothing, err
		case source != nil:
			return when(lacks(source.types, kind, wildcard), provedBy(gap)), nil
		}
		return when(gap.optOut, provedOptOut), nil
	})
}

// noCloser is RFC 5155, section 8.8: the wildcard itself shows that its parent
// exists, so the gap alone is needed.
func (c hashChains) noCloser(name wire.Name, labels int) (outcome, error) {
	gap, err := c.first(ancestor(name, labels+1), (*hashes).gap)
	if err != nil || gap == nil {
		return nothing, err
	}
	return provedBy(gap), nil
}
