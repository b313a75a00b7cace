package lab

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxAliases bounds the links that a server follows by itself.
const maxAliases = 16

// reply is one answer in the making. The first error sticks and makes it SERVFAIL.
type reply struct {
	zones   map[wire.Name]*zone // what the server serves
	message *dns.Msg
	do      bool
	err     error
}

// resolve answers a question out of the zones at hand, as RFC 1034, section
// 4.3.2, has it: aliases are followed as long as their targets are served here.
func (r *reply) resolve(question dns.Question) {
	owner := question.Name
	seen := make(map[wire.Name]bool)
	for len(seen) < maxAliases && owner != "" && r.err == nil {
		name, err := wire.ParseName(owner)
		if err != nil || seen[name] {
			return
		}
		first := len(seen) == 0
		seen[name] = true
		z := r.zoneFor(name, question.Qtype)
		if z == nil {
			if first {
				r.message.Rcode = dns.RcodeRefused
			}
			return
		}
		owner = r.step(z.contents.Load(), name, owner, question.Qtype, first)
		r.litter(z)
	}
}

// zoneFor is the deepest zone that holds a name. A DS lies above its zone, so
// where the parent is served here too, it answers (RFC 4035, section 3.1.4.1).
func (r *reply) zoneFor(name wire.Name, kind uint16) *zone {
	if kind == dns.TypeDS && name != wire.Root && r.zones[name] != nil {
		if above := r.deepest(name.Parent()); above != nil {
			return above
		}
	}
	return r.deepest(name)
}

func (r *reply) deepest(name wire.Name) *zone {
	for ; name != ""; name = name.Parent() {
		if z := r.zones[name]; z != nil {
			return z
		}
	}
	return nil
}

// step answers for one link and gives the next, "" where there is none.
func (r *reply) step(c *contents, name wire.Name, owner string, kind uint16, first bool) string {
	found := c.find(name, kind)
	if found.where == delegated {
		if first {
			r.refer(c, found.at)
		}
		return ""
	}
	if first {
		r.message.Authoritative = true
	}
	switch found.where {
	case renamed:
		return r.rename(c, found.at, owner)
	case absent:
		r.message.Rcode = dns.RcodeNameError
		r.deny(c, func(by denial) []dns.RR { return by.missingName(name, found.encloser) })
		return ""
	}
	return r.data(c, found, name, owner, kind)
}

// data answers from the node that was found, the name's own or a wildcard's.
func (r *reply) data(c *contents, found found, name wire.Name, owner string, kind uint16) string {
	expanded := found.where == wildcard
	if found.at.sets[dns.TypeCNAME] != nil && !c.besideAlias(kind) {
		alias := r.put(&r.message.Answer, c, found.at, dns.TypeCNAME, owner)
		if expanded {
			r.prove(c, func(by denial) []dns.RR { return by.expanded(name, found.encloser, true) })
		}
		return alias[0].(*dns.CNAME).Target
	}
	before := len(r.message.Answer)
	for _, each := range r.asked(c, found.at, kind) {
		r.put(&r.message.Answer, c, found.at, each, owner)
	}
	if kind == dns.TypeRRSIG {
		r.message.Answer = slices.DeleteFunc(r.message.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeRRSIG })
	}
	given := len(r.message.Answer) > before
	switch {
	case given && expanded:
		r.prove(c, func(by denial) []dns.RR { return by.expanded(name, found.encloser, true) })
	case !given && expanded:
		r.deny(c, func(by denial) []dns.RR { return by.expanded(name, found.encloser, false) })
	case !given:
		r.deny(c, func(by denial) []dns.RR { return by.missingType(name) })
	case kind == dns.TypeNS:
		r.addresses(c, found.at.sets[kind])
	}
	return ""
}

// besideAlias says which types are answered at an alias instead of following it:
// those that may stand beside a CNAME, NSEC where the zone has it (RFC 4035,
// section 2.5).
func (c *contents) besideAlias(kind uint16) bool {
	switch kind {
	case dns.TypeCNAME, dns.TypeANY, dns.TypeRRSIG:
		return true
	case dns.TypeNSEC:
		_, chained := c.denial.(*nsecChain)
		return chained
	}
	return false
}

// asked lists the types that a question means.
func (r *reply) asked(c *contents, at *node, kind uint16) []uint16 {
	switch kind {
	case dns.TypeANY, dns.TypeRRSIG:
		if kind == dns.TypeRRSIG {
			r.do = true
		}
		types := c.types(at)
		if _, chained := c.denial.(*nsecChain); chained && len(types) > 0 && r.do {
			types = append(types, dns.TypeNSEC)
		}
		return types
	}
	return []uint16{kind}
}

// refer points to the zone below (RFC 4035, section 3.1.4): its servers, their
// addresses, and its DS or the proof that it has none.
func (r *reply) refer(c *contents, at *node) {
	r.message.Ns = append(r.message.Ns, at.sets[dns.TypeNS]...)
	if r.do && r.put(&r.message.Ns, c, at, dns.TypeDS, at.name.FQDN()) == nil {
		r.prove(c, func(by denial) []dns.RR { return by.missingType(at.name) })
	}
	r.addresses(c, at.sets[dns.TypeNS])
	if child := c.zone.children[at.name]; child != nil {
		r.litter(child)
	}
}

// addresses adds what the zone knows of name servers' addresses, glue among it.
func (r *reply) addresses(c *contents, servers []dns.RR) {
	for _, rr := range servers {
		target, err := wire.ParseName(rr.(*dns.NS).Ns)
		if err != nil {
			continue
		}
		if at := c.nodes[target]; at != nil {
			r.message.Extra = append(r.message.Extra, at.sets[dns.TypeA]...)
			r.message.Extra = append(r.message.Extra, at.sets[dns.TypeAAAA]...)
		}
	}
}

// rename follows a DNAME (RFC 6672, section 3.2). The CNAME that comes with it
// is made up and so has no signature.
func (r *reply) rename(c *contents, at *node, owner string) string {
	records := r.put(&r.message.Answer, c, at, dns.TypeDNAME, at.name.FQDN())
	rename := records[0].(*dns.DNAME)
	prefix := dns.SplitDomainName(owner)
	prefix = prefix[:len(prefix)-at.name.Labels()]
	target := ""
	for _, label := range prefix {
		target += label + "."
	}
	if rename.Target != "." {
		target += rename.Target
	}
	if _, err := wire.ParseName(target); err != nil {
		r.message.Rcode = dns.RcodeYXDomain
		return ""
	}
	r.message.Answer = append(r.message.Answer, &dns.CNAME{
		Hdr:    dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: rename.Hdr.Ttl},
		Target: target,
	})
	return target
}

// put adds a set and, where wanted, its signature, under the owner as it was
// asked for where a wildcard stands for it. It gives the set, nil where there is none.
func (r *reply) put(section *[]dns.RR, c *contents, at *node, kind uint16, owner string) []dns.RR {
	set, err := c.set(at, kind)
	if err != nil {
		r.err = err
	}
	if len(set) == 0 {
		return nil
	}
	signed := r.signed(c, set)
	if isStar(at.name) && dns.CanonicalName(owner) != at.name.FQDN() {
		signed = owned(signed, owner)
	}
	*section = append(*section, signed...)
	return signed
}

// signed is a set with its signature where the client wants it.
func (r *reply) signed(c *contents, set []dns.RR) []dns.RR {
	if !r.do || len(set) == 0 {
		return set
	}
	signature, err := c.signature(set)
	if err != nil {
		r.err = err
	}
	if signature == nil {
		return set
	}
	return append(slices.Clip(set), signature)
}

func isStar(name wire.Name) bool { return len(name) > 2 && name[0] == 1 && name[1] == '*' }

// owned copies records under another owner.
func owned(records []dns.RR, owner string) []dns.RR {
	copies := make([]dns.RR, len(records))
	for i, rr := range records {
		copies[i] = dns.Copy(rr)
		copies[i].Header().Name = owner
	}
	return copies
}

// deny adds the SOA that says how long to remember an answer with no data (RFC
// 2308, section 3), and the proof.
func (r *reply) deny(c *contents, proof func(denial) []dns.RR) {
	apex := c.nodes[c.zone.origin]
	for _, rr := range r.signed(c, apex.sets[dns.TypeSOA]) {
		authority := dns.Copy(rr)
		authority.Header().Ttl = c.negativeTTL()
		r.message.Ns = append(r.message.Ns, authority)
	}
	r.prove(c, proof)
}

// negativeTTL is that of denials (RFC 9077, section 3).
func (c *contents) negativeTTL() uint32 {
	authority := c.nodes[c.zone.origin].sets[dns.TypeSOA][0].(*dns.SOA)
	return min(authority.Minttl, authority.Hdr.Ttl)
}

// prove adds records of denial, each once.
func (r *reply) prove(c *contents, proof func(denial) []dns.RR) {
	if !r.do || c.denial == nil {
		return
	}
	for _, rr := range proof(c.denial) {
		if slices.ContainsFunc(r.message.Ns, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			continue
		}
		r.message.Ns = append(r.message.Ns, r.signed(c, []dns.RR{rr})...)
	}
}

// litter adds a zone's junk, once.
func (r *reply) litter(z *zone) {
	for _, rr := range z.junk {
		section := &r.message.Extra
		if rr.Header().Rrtype == dns.TypeNS {
			section = &r.message.Ns
		}
		if !slices.ContainsFunc(*section, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			*section = append(*section, rr)
		}
	}
}
