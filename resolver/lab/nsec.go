package lab

import (
	"cmp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// denial makes the records that prove what a zone does not have.
type denial interface {
	// missingType proves that a name that is there lacks the type asked for.
	missingType(name wire.Name) []dns.RR
	// missingName proves that neither the name nor a wildcard for it is there.
	missingName(name, encloser wire.Name) []dns.RR
	// expanded proves that the name itself is not there, so that the wildcard
	// below encloser stands for it; and, unless typed, that this lacks the type.
	expanded(name, encloser wire.Name, typed bool) []dns.RR
}

func newDenial(c *contents) denial {
	signing, fault := c.zone.source.Signing, c.zone.source.Fault
	switch {
	case !signing.signs() || fault == DenialMissing:
		return nil
	case signing.NSEC3:
		return newHashChain(c)
	}
	return newNSECChain(c)
}

// nsecChain denies by NSEC records (RFC 4034, section 4; RFC 4035, section 3.1.3).
type nsecChain struct {
	contents *contents
	names    []wire.Name // in canonical order; empty non-terminals and glue left out
}

func newNSECChain(c *contents) *nsecChain {
	chain := &nsecChain{contents: c}
	for name, at := range c.nodes {
		if len(at.sets) > 0 && !at.hidden {
			chain.names = append(chain.names, name)
		}
	}
	slices.SortFunc(chain.names, compareNames)
	return chain
}

// at gives the NSEC of a name in the chain, or the one that covers it.
func (n *nsecChain) at(name wire.Name) []dns.RR {
	place, there := slices.BinarySearchFunc(n.names, name, compareNames)
	if !there {
		place-- // never below zero: the apex sorts before all other names of the zone
	}
	owner, next := n.names[place], n.names[(place+1)%len(n.names)]
	types := append(n.contents.types(n.contents.nodes[owner]), dns.TypeRRSIG, dns.TypeNSEC)
	slices.Sort(types)
	return []dns.RR{&dns.NSEC{
		Hdr:        dns.RR_Header{Name: owner.FQDN(), Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: n.contents.negativeTTL()},
		NextDomain: next.FQDN(), TypeBitMap: types,
	}}
}

func (n *nsecChain) missingType(name wire.Name) []dns.RR { return n.at(name) }

func (n *nsecChain) missingName(name, encloser wire.Name) []dns.RR {
	return append(n.at(name), n.at(star(encloser))...)
}

func (n *nsecChain) expanded(name, encloser wire.Name, typed bool) []dns.RR {
	proof := n.at(name)
	if !typed {
		proof = append(proof, n.at(star(encloser))...)
	}
	return proof
}

// star is the wildcard below a name. Where that would be too long, the name
// itself serves: nothing can lie below it.
func star(encloser wire.Name) wire.Name {
	name, err := encloser.Child("*")
	if err != nil {
		return encloser
	}
	return name
}

// compareNames is the canonical order of names (RFC 4034, section 6.1).
func compareNames(a, b wire.Name) int {
	x, y := labels(a), labels(b)
	for i := 1; i <= len(x) && i <= len(y); i++ {
		if order := strings.Compare(x[len(x)-i], y[len(y)-i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(x), len(y))
}

func labels(name wire.Name) []string {
	list := make([]string, 0, 8)
	for i := 0; name[i] != 0; i += 1 + int(name[i]) {
		list = append(list, string(name[i+1:i+1+int(name[i])]))
	}
	return list
}
