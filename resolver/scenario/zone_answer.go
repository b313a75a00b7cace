package scenario

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const maxAliases = 16

// response is an answer of a server that serves zones, in the making.
type response struct {
	zones   map[wire.Name]*zone
	message *dns.Msg
	do      bool
	err     error
}

// answer says what the zones at an address have for a question; nil where none
// is served there.
func (w *world) answer(addr netip.Addr, query *dns.Msg) (*dns.Msg, error) {
	zones := w.servers[addr]
	if zones == nil || len(query.Question) != 1 {
		return nil, nil
	}
	r := &response{zones: zones, message: new(dns.Msg)}
	r.message.SetReply(query)
	if opt := query.IsEdns0(); opt != nil {
		r.do = opt.Do()
	}
	r.resolve(query.Question[0])
	return r.message, r.err
}

// resolve is RFC 1034, section 4.3.2, as far as the zones at hand go.
func (r *response) resolve(question dns.Question) {
	owner := question.Name
	for link := 0; link < maxAliases && owner != "" && r.err == nil; link++ {
		name, err := wire.ParseName(owner)
		if err != nil {
			return
		}
		z := r.zoneOf(name, question.Qtype)
		if z == nil {
			if link == 0 {
				r.message.Rcode = dns.RcodeRefused
			}
			return
		}
		owner = r.step(z, name, owner, question.Qtype, link == 0)
	}
}

// zoneOf is the deepest zone that holds the name. DS lies above its zone (RFC
// 4035, section 3.1.4.1).
func (r *response) zoneOf(name wire.Name, kind uint16) *zone {
	if kind == dns.TypeDS && name != wire.Root {
		if above := r.deepest(name.Parent()); above != nil {
			return above
		}
	}
	return r.deepest(name)
}

func (r *response) deepest(name wire.Name) *zone {
	for ; name != ""; name = name.Parent() {
		if z := r.zones[name]; z != nil {
			return z
		}
	}
	return nil
}

// step answers for one link of a chain and gives the next name, or "".
func (r *response) step(z *zone, name wire.Name, owner string, kind uint16, first bool) string {
	encloser := z.origin
	for _, at := range z.path(name) {
		switch {
		case z.nodes[at] == nil:
			r.message.Authoritative = r.message.Authoritative || first
			return r.besides(z, name, encloser, owner, kind)
		case z.isCut(at) && (at != name || kind != dns.TypeDS):
			r.refer(z, at, first)
			return ""
		case at != name && len(z.nodes[at][dns.TypeDNAME]) > 0:
			r.message.Authoritative = r.message.Authoritative || first
			return r.rename(z, at, name, owner)
		}
		encloser = at
	}
	r.message.Authoritative = r.message.Authoritative || first
	return r.data(z, name, name, owner, kind)
}

// path lists the names from the zone's origin down.
func (z *zone) path(name wire.Name) []wire.Name {
	var path []wire.Name
	for ; name != z.origin; name = name.Parent() {
		path = append(path, name)
	}
	path = append(path, z.origin)
	slices.Reverse(path)
	return path
}

// besides is for a name that is not there: a wildcard, or nothing.
func (r *response) besides(z *zone, name, encloser wire.Name, owner string, kind uint16) string {
	if star, err := encloser.Child("*"); err == nil && z.nodes[star] != nil {
		return r.data(z, star, name, owner, kind)
	}
	if z.signing.Compact && r.do {
		r.deny(z, z.compactly(name, []uint16{dns.TypeNXNAME}))
		return ""
	}
	r.message.Rcode = dns.RcodeNameError
	r.deny(z, z.missingName(name, encloser))
	return ""
}

// data answers from the node at source, which is the name itself or a wildcard.
func (r *response) data(z *zone, source, name wire.Name, owner string, kind uint16) string {
	at, expanded := z.nodes[source], source != name
	if alias := at[dns.TypeCNAME]; len(alias) > 0 && kind != dns.TypeCNAME && kind != dns.TypeANY {
		r.put(&r.message.Answer, z, alias, owner)
		if expanded {
			r.prove(z, z.expansion(name, source))
		}
		return alias[0].(*dns.CNAME).Target
	}
	given := false
	for found, set := range at {
		if found == kind || kind == dns.TypeANY {
			r.put(&r.message.Answer, z, set, owner)
			given = true
		}
	}
	switch {
	case given && expanded:
		r.prove(z, z.expansion(name, source))
	case given && kind == dns.TypeNS:
		r.addresses(z, at[kind])
	case !given && expanded:
		r.deny(z, append(z.expansion(name, source), append(z.missingType(source), z.missingType(source.Parent())...)...))
	case !given:
		r.deny(z, z.missingType(name))
	}
	return ""
}

// refer points to the zone below (RFC 4035, section 3.1.4).
func (r *response) refer(z *zone, cut wire.Name, first bool) {
	if !first {
		return
	}
	at := z.nodes[cut]
	r.message.Ns = append(r.message.Ns, at[dns.TypeNS]...)
	if r.do && len(at[dns.TypeDS]) > 0 {
		r.put(&r.message.Ns, z, at[dns.TypeDS], cut.FQDN())
	} else {
		r.prove(z, z.missingType(cut))
	}
	r.addresses(z, at[dns.TypeNS])
}

func (r *response) addresses(z *zone, servers []dns.RR) {
	for _, rr := range servers {
		if target, err := wire.ParseName(rr.(*dns.NS).Ns); err == nil {
			r.message.Extra = append(r.message.Extra, z.nodes[target][dns.TypeA]...)
			r.message.Extra = append(r.message.Extra, z.nodes[target][dns.TypeAAAA]...)
		}
	}
}

// rename follows a DNAME (RFC 6672, section 3.2).
func (r *response) rename(z *zone, at, name wire.Name, owner string) string {
	set := z.nodes[at][dns.TypeDNAME]
	r.put(&r.message.Answer, z, set, at.FQDN())
	suffix, err := wire.ParseName(set[0].(*dns.DNAME).Target)
	if err != nil || len(name)-len(at)+len(suffix) > wire.MaxName {
		r.message.Rcode = dns.RcodeYXDomain
		return ""
	}
	target := (name[:len(name)-len(at)] + suffix).FQDN()
	header := dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: set[0].Header().Ttl}
	r.message.Answer = append(r.message.Answer, &dns.CNAME{Hdr: header, Target: target})
	return target
}

// put adds a set with its signature under the owner that was asked for.
func (r *response) put(section *[]dns.RR, z *zone, set []dns.RR, owner string) {
	for _, rr := range r.signed(z, set) {
		if rr.Header().Name != owner {
			rr = dns.Copy(rr)
			rr.Header().Name = owner
		}
		*section = append(*section, rr)
	}
}

func (r *response) signed(z *zone, set []dns.RR) []dns.RR {
	if !r.do || len(set) == 0 || !z.signing.signs() {
		return set
	}
	if z.entrySigners != nil && set[0].Header().Rrtype == dns.TypeDNSKEY {
		all, err := z.signedByAll(set)
		r.err = err
		return all
	}
	sig, err := z.sign(set, faultOf(z.signing.Faults, set[0].Header().Rrtype), 0)
	if err != nil {
		r.err = err
	}
	if sig == nil {
		return set
	}
	return append(slices.Clip(set), sig)
}

// deny adds the SOA (RFC 2308, section 3) and the proof.
func (r *response) deny(z *zone, proof []dns.RR) {
	for _, rr := range r.signed(z, z.nodes[z.origin][dns.TypeSOA]) {
		authority := dns.Copy(rr)
		authority.Header().Ttl = z.negativeTTL()
		r.message.Ns = append(r.message.Ns, authority)
	}
	r.prove(z, proof)
}

func (z *zone) negativeTTL() uint32 {
	soa := z.nodes[z.origin][dns.TypeSOA][0].(*dns.SOA)
	return min(soa.Minttl, soa.Hdr.Ttl)
}

// prove adds records of denial, each once.
func (r *response) prove(z *zone, proof []dns.RR) {
	if !r.do || !z.signing.signs() || z.signing.NoDenial {
		return
	}
	for _, rr := range proof {
		if !slices.ContainsFunc(r.message.Ns, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			r.message.Ns = append(r.message.Ns, r.signed(z, []dns.RR{rr})...)
		}
	}
}
