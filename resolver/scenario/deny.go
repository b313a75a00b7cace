package scenario

import (
	"cmp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// chain orders the names that deny: those with records for NSEC; for NSEC3 the
// empty ones too, but no insecure delegation where the zone opts out.
func (z *zone) chain() {
	names := make(map[wire.Name]bool)
	for name, at := range z.nodes {
		if len(at) == 0 || z.isHidden(name) {
			continue
		}
		if z.signing.OptOut && z.isCut(name) && len(at[dns.TypeDS]) == 0 {
			continue
		}
		names[name] = true
		for above := name; z.signing.NSEC3 && above != z.origin; above = above.Parent() {
			names[above] = true
		}
	}
	z.names = nil
	for name := range names {
		z.names = append(z.names, name)
	}
	slices.SortFunc(z.names, z.order)
}

func (z *zone) order(a, b wire.Name) int {
	if z.signing.NSEC3 {
		return cmp.Compare(z.hash(a), z.hash(b))
	}
	return canonicalOrder(a, b)
}

// canonicalOrder is RFC 4034, section 6.1.
func canonicalOrder(a, b wire.Name) int {
	left, right := dns.SplitDomainName(a.FQDN()), dns.SplitDomainName(b.FQDN())
	for i := 1; i <= min(len(left), len(right)); i++ {
		if order := strings.Compare(left[len(left)-i], right[len(right)-i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(left), len(right))
}

func (z *zone) hash(name wire.Name) string {
	return dns.HashName(name.FQDN(), dns.SHA1, z.signing.Iterations, z.signing.Salt)
}

// at is the record of a name in the chain, or the one whose gap it falls into.
func (z *zone) at(name wire.Name) dns.RR {
	place, found := slices.BinarySearchFunc(z.names, name, z.order)
	if !found {
		place = (place - 1 + len(z.names)) % len(z.names)
	}
	owner, next := z.names[place], z.names[(place+1)%len(z.names)]
	types := z.types(owner)
	if z.signing.NSEC3 {
		return z.hashed(owner, next, types)
	}
	types = append(types, dns.TypeRRSIG, dns.TypeNSEC)
	slices.Sort(types)
	return &dns.NSEC{
		Hdr:        dns.RR_Header{Name: owner.FQDN(), Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: z.negativeTTL()},
		NextDomain: next.FQDN(), TypeBitMap: types,
	}
}

func (z *zone) hashed(owner, next wire.Name, types []uint16) dns.RR {
	if len(types) > 0 && (!z.isCut(owner) || slices.Contains(types, dns.TypeDS)) {
		types = append(types, dns.TypeRRSIG)
	}
	slices.Sort(types)
	record := &dns.NSEC3{
		Hdr: dns.RR_Header{
			Name: strings.ToLower(z.hash(owner)) + "." + below(z.origin), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: z.negativeTTL(),
		},
		Hash: dns.SHA1, Iterations: z.signing.Iterations, SaltLength: uint8(len(z.signing.Salt) / 2), Salt: z.signing.Salt,
		HashLength: 20, NextDomain: z.hash(next), TypeBitMap: types,
	}
	if z.signing.OptOut {
		record.Flags = 1
	}
	return record
}

// types is the bitmap of a name; at a cut only what the parent speaks for.
func (z *zone) types(name wire.Name) []uint16 {
	var types []uint16
	for kind := range z.nodes[name] {
		if !z.isCut(name) || kind == dns.TypeNS || kind == dns.TypeDS {
			types = append(types, kind)
		}
	}
	slices.Sort(types)
	return types
}

func (z *zone) provable(name wire.Name) wire.Name {
	for !slices.Contains(z.names, name) {
		name = name.Parent() // the apex is always there
	}
	return name
}

func (z *zone) missingType(name wire.Name) []dns.RR {
	switch {
	case !z.signing.signs():
		return nil
	case z.signing.Compact:
		return z.compactly(name, z.types(name))
	case !z.signing.NSEC3:
		return []dns.RR{z.at(name)}
	}
	encloser := z.provable(name)
	if encloser == name {
		return []dns.RR{z.at(name)}
	}
	return []dns.RR{z.at(encloser), z.at(nextCloser(name, encloser))}
}

func (z *zone) missingName(name, encloser wire.Name) []dns.RR {
	if !z.signing.signs() {
		return nil
	}
	star, err := encloser.Child("*")
	if err != nil {
		star = encloser
	}
	if !z.signing.NSEC3 {
		return []dns.RR{z.at(name), z.at(star)}
	}
	encloser = z.provable(encloser)
	if star, err = encloser.Child("*"); err != nil {
		star = encloser
	}
	return []dns.RR{z.at(encloser), z.at(nextCloser(name, encloser)), z.at(star)}
}

// expansion proves that nothing stands nearer to the name than the wildcard.
func (z *zone) expansion(name, star wire.Name) []dns.RR {
	switch {
	case !z.signing.signs():
		return nil
	case z.signing.NSEC3:
		return []dns.RR{z.at(nextCloser(name, star.Parent()))}
	}
	return []dns.RR{z.at(name)}
}

// compactly is one record made for the question (RFC 9824, section 3.1).
func (z *zone) compactly(name wire.Name, types []uint16) []dns.RR {
	types = append(slices.Clone(types), dns.TypeRRSIG, dns.TypeNSEC)
	slices.Sort(types)
	next, err := name.Child("\x00")
	if err != nil {
		next = z.origin
	}
	return []dns.RR{&dns.NSEC{
		Hdr:        dns.RR_Header{Name: name.FQDN(), Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: z.negativeTTL()},
		NextDomain: next.FQDN(), TypeBitMap: types,
	}}
}

func nextCloser(name, encloser wire.Name) wire.Name {
	for name.Parent() != encloser {
		name = name.Parent()
	}
	return name
}
