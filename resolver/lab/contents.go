package lab

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// contents is what a zone holds between two updates. It is immutable but for the
// signatures, which are kept as they are made.
type contents struct {
	zone   *zone
	nodes  map[wire.Name]*node // empty non-terminals and glue among them
	denial denial              // nil where the zone denies without proof
	seals  seals
}

// node is one name of a zone.
type node struct {
	name wire.Name
	sets map[uint16][]dns.RR // none for an empty non-terminal
	// child is the zone delegated here whose DS is served; nil for an insecure
	// delegation and where the text has a DS.
	child *zone
	// hidden names lie below a delegation or a DNAME: glue, but no data of the zone.
	hidden bool
}

// newContents orders the records of a zone. They must not be changed afterwards.
func newContents(z *zone, records []dns.RR) (*contents, error) {
	c := &contents{zone: z, nodes: make(map[wire.Name]*node)}
	c.ensure(z.origin)
	for _, rr := range records {
		name := nameOf(rr)
		if !name.IsBelow(z.origin) {
			return nil, fmt.Errorf("zone %q: record of %q lies outside", z.origin, rr.Header().Name)
		}
		at, kind := c.ensure(name), rr.Header().Rrtype
		if !slices.ContainsFunc(at.sets[kind], func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			at.sets[kind] = append(at.sets[kind], rr)
		}
	}
	c.tieChildren()
	for _, at := range c.nodes {
		at.hidden = c.isHidden(at.name)
	}
	c.denial = newDenial(c)
	return c, nil
}

// ensure gives the node of a name, and makes it and the names above it where
// they are missing: those are the empty non-terminals (RFC 4592, section 2.2.2).
func (c *contents) ensure(name wire.Name) *node {
	if at := c.nodes[name]; at != nil {
		return at
	}
	at := &node{name: name, sets: make(map[uint16][]dns.RR)}
	c.nodes[name] = at
	if name != c.zone.origin {
		c.ensure(name.Parent())
	}
	return at
}

func (c *contents) tieChildren() {
	for origin, child := range c.zone.children {
		at := c.nodes[origin]
		if at == nil || at.sets[dns.TypeNS] == nil || at.sets[dns.TypeDS] != nil {
			continue
		}
		if child.source.hasDS() {
			at.child = child
		}
	}
}

func (c *contents) isHidden(name wire.Name) bool {
	for name != c.zone.origin {
		name = name.Parent()
		above := c.nodes[name]
		if above.sets[dns.TypeDNAME] != nil || c.isCut(above) {
			return true
		}
	}
	return false
}

// isCut says whether the zone ends at this node.
func (c *contents) isCut(at *node) bool {
	return at.name != c.zone.origin && at.sets[dns.TypeNS] != nil
}

// set gives the records of one type at a node; those that are made, too.
func (c *contents) set(at *node, kind uint16) ([]dns.RR, error) {
	switch {
	case kind == dns.TypeDS && at.child != nil:
		return at.child.delegationSigners()
	case kind == dns.TypeDNSKEY && at.name == c.zone.origin && c.zone.source.Signing.signs():
		keys, err := c.zone.keys()
		if err != nil {
			return nil, err
		}
		return keys.records(), nil
	case kind == dns.TypeNSEC:
		if chain, ok := c.denial.(*nsecChain); ok && !at.hidden && len(at.sets) > 0 {
			return chain.at(at.name), nil
		}
	}
	return at.sets[kind], nil
}

// types lists the types at a node without those that prove: what a type bitmap
// shows. At a cut only what the parent speaks for (RFC 4034, section 4.1.2).
func (c *contents) types(at *node) []uint16 {
	var types []uint16
	for kind := range at.sets {
		if !c.isCut(at) || kind == dns.TypeNS || kind == dns.TypeDS {
			types = append(types, kind)
		}
	}
	if at.child != nil {
		types = append(types, dns.TypeDS)
	}
	if at.name == c.zone.origin && c.zone.source.Signing.signs() {
		types = append(types, dns.TypeDNSKEY)
	}
	slices.Sort(types)
	return types
}

// records lists all that is stored, for an update to work on.
func (c *contents) records() []dns.RR {
	var records []dns.RR
	for _, at := range c.nodes {
		for _, set := range at.sets {
			records = append(records, set...)
		}
	}
	return records
}

// where is how a search in a zone ended (RFC 1034, section 4.3.2).
type where uint8

const (
	exact     where = iota // the name is there, perhaps without data
	delegated              // it lies at or below a cut
	renamed                // it lies below a DNAME
	wildcard               // a wildcard stands for it
	absent                 // there is no such name
)

// found is the end of a search: the node that decides, and for wildcard and
// absent the closest encloser (RFC 4592, section 3.3.1).
type found struct {
	where    where
	at       *node
	encloser wire.Name
}

// find searches a name at or below the origin. The DS of a delegation belongs to
// the parent, so asking for it does not lead to the child (RFC 4035, section 3.1.4.1).
func (c *contents) find(name wire.Name, kind uint16) found {
	encloser := c.nodes[c.zone.origin]
	for _, step := range path(c.zone.origin, name) {
		at := c.nodes[step]
		switch {
		case at == nil:
			return c.besides(encloser.name)
		case c.isCut(at) && (step != name || kind != dns.TypeDS):
			return found{where: delegated, at: at}
		case step != name && at.sets[dns.TypeDNAME] != nil:
			return found{where: renamed, at: at}
		}
		encloser = at
	}
	return found{where: exact, at: encloser}
}

// besides is for a name that is not there: its wildcard decides.
func (c *contents) besides(encloser wire.Name) found {
	star, err := encloser.Child("*")
	if err == nil {
		if at := c.nodes[star]; at != nil && !at.hidden && !c.isCut(at) {
			return found{where: wildcard, at: at, encloser: encloser}
		}
	}
	return found{where: absent, encloser: encloser}
}

// path lists the names from origin down to name, both among them.
func path(origin, name wire.Name) []wire.Name {
	steps := make([]wire.Name, 0, 8)
	for step := name; step != origin; step = step.Parent() {
		steps = append(steps, step)
	}
	steps = append(steps, origin)
	slices.Reverse(steps)
	return steps
}
