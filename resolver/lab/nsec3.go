package lab

import (
	"cmp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// hashChain denies by NSEC3 records (RFC 5155, section 7).
type hashChain struct {
	contents *contents
	entries  []hashed // in the order of their hashes
	place    map[wire.Name]int
}

type hashed struct {
	hash string // base 32 with extended hex alphabet, which sorts as the octets do
	name wire.Name
}

func newHashChain(c *contents) *hashChain {
	chain := &hashChain{contents: c, place: make(map[wire.Name]int)}
	names := make(map[wire.Name]bool)
	for name, at := range c.nodes {
		if len(at.sets) > 0 && !at.hidden && !chain.optsOut(at) {
			for _, step := range path(c.zone.origin, name) { // with the empty non-terminals above
				names[step] = true
			}
		}
	}
	for name := range names {
		chain.entries = append(chain.entries, hashed{chain.hash(name), name})
	}
	slices.SortFunc(chain.entries, func(a, b hashed) int { return cmp.Compare(a.hash, b.hash) })
	for i, entry := range chain.entries {
		chain.place[entry.name] = i
	}
	return chain
}

// optsOut says whether a node is left out of the chain: an insecure delegation
// in a zone that opted out (RFC 5155, section 6).
func (h *hashChain) optsOut(at *node) bool {
	c := h.contents
	return c.zone.source.Signing.OptOut && c.isCut(at) && at.child == nil && at.sets[dns.TypeDS] == nil
}

func (h *hashChain) hash(name wire.Name) string {
	signing := h.contents.zone.source.Signing
	return dns.HashName(name.FQDN(), dns.SHA1, signing.Iterations, signing.Salt)
}

// parameters is the set that says how names are hashed (RFC 5155, section 4).
func (z *zone) parameters() dns.RR {
	return &dns.NSEC3PARAM{
		Hdr:  dns.RR_Header{Name: z.origin.FQDN(), Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET, Ttl: 0},
		Hash: dns.SHA1, Iterations: z.source.Signing.Iterations, SaltLength: uint8(len(z.source.Signing.Salt) / 2), Salt: z.source.Signing.Salt,
	}
}

// at gives the NSEC3 of one place in the chain.
func (h *hashChain) at(place int) dns.RR {
	zone, entry := h.contents.zone, h.entries[place]
	next := h.entries[(place+1)%len(h.entries)]
	record := &dns.NSEC3{
		Hdr: dns.RR_Header{
			Name: below(strings.ToLower(entry.hash), zone.origin), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: h.contents.negativeTTL(),
		},
		Hash: dns.SHA1, Iterations: zone.source.Signing.Iterations,
		SaltLength: uint8(len(zone.source.Signing.Salt) / 2), Salt: zone.source.Signing.Salt,
		HashLength: 20, NextDomain: next.hash, TypeBitMap: h.types(entry.name),
	}
	if zone.source.Signing.OptOut {
		record.Flags = 1
	}
	return record
}

// types is the bitmap of a name. An empty non-terminal has none, and an insecure
// delegation has no signature (RFC 5155, section 7.1).
func (h *hashChain) types(name wire.Name) []uint16 {
	at := h.contents.nodes[name]
	types := h.contents.types(at)
	if len(types) == 0 || h.contents.isCut(at) && !slices.Contains(types, dns.TypeDS) {
		return types
	}
	types = append(types, dns.TypeRRSIG)
	slices.Sort(types)
	return types
}

// matching gives the record of a name in the chain.
func (h *hashChain) matching(name wire.Name) dns.RR { return h.at(h.place[name]) }

// covering gives the record whose span holds the hash of a name that is not in the chain.
func (h *hashChain) covering(name wire.Name) dns.RR {
	place, _ := slices.BinarySearchFunc(h.entries, h.hash(name), func(entry hashed, hash string) int { return cmp.Compare(entry.hash, hash) })
	return h.at((place - 1 + len(h.entries)) % len(h.entries))
}

// provable is the closest encloser that has a record: in a zone that opted out
// names that only hold insecure delegations have none (RFC 5155, section 7.2.1).
func (h *hashChain) provable(name wire.Name) wire.Name {
	for {
		if _, there := h.place[name]; there {
			return name
		}
		name = name.Parent() // ends at the apex, which always has a record
	}
}

func (h *hashChain) missingType(name wire.Name) []dns.RR {
	encloser := h.provable(name)
	if encloser == name {
		return []dns.RR{h.matching(name)}
	}
	return []dns.RR{h.matching(encloser), h.covering(nextCloser(name, encloser))}
}

func (h *hashChain) missingName(name, encloser wire.Name) []dns.RR {
	encloser = h.provable(encloser)
	return []dns.RR{h.matching(encloser), h.covering(nextCloser(name, encloser)), h.covering(star(encloser))}
}

func (h *hashChain) expanded(name, encloser wire.Name, typed bool) []dns.RR {
	next := h.covering(nextCloser(name, encloser))
	if typed {
		return []dns.RR{next}
	}
	return []dns.RR{h.matching(encloser), next, h.matching(star(encloser))}
}

// nextCloser is the name one label below encloser on the way to name.
func nextCloser(name, encloser wire.Name) wire.Name {
	for name.Parent() != encloser {
		name = name.Parent()
	}
	return name
}
