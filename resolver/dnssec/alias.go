package dnssec

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// alias finds what leads on from a name: the CNAME at it or, where that is
// missing, the DNAME nearest above it.
func (r *reply) alias(name wire.Name) *rrset {
	if set := find(r.answer, name, dns.TypeCNAME); set != nil {
		return set
	}
	return r.dname(name)
}

func (r *reply) dname(name wire.Name) *rrset {
	for above := name.Parent(); above != ""; above = above.Parent() {
		if set := find(r.answer, above, dns.TypeDNAME); set != nil {
			return set
		}
	}
	return nil
}

// synthesis finds the DNAME that an unsigned CNAME was made from; nil for any
// other set.
func (r *reply) synthesis(set *rrset) *rrset {
	if set.kind != dns.TypeCNAME || len(set.all) > 0 {
		return nil
	}
	return r.dname(set.name)
}

// synthesised proves the DNAME and repeats the substitution: the CNAME itself is
// never signed (RFC 6672, section 5.3.1).
func (v *validation) synthesised(ctx context.Context, reply *reply, set, source *rrset) (standing, error) {
	found, err := v.positive(ctx, reply, source)
	if err != nil {
		return standing{}, err
	}
	wanted, err := followAlias(source, set.name)
	if err != nil {
		return standing{}, err
	}
	given, err := followAlias(set, set.name)
	if err != nil || given != wanted {
		return standing{}, flawed(resolver.Bogus, "the CNAME at %s is not what its DNAME makes", set.name)
	}
	return found, nil
}

// synthesise adds the CNAME that a reply should have brought with its DNAME
// (RFC 6672, section 3.1), for clients that know no DNAME.
func (r *reply) synthesise(name, target wire.Name, source *rrset) {
	header := dns.RR_Header{Name: name.FQDN(), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: source.records[0].Header().Ttl}
	record := &dns.CNAME{Hdr: header, Target: target.FQDN()}
	set := &rrset{name: name, kind: dns.TypeCNAME, records: []dns.RR{record}, kept: true}
	r.answer = slices.Insert(r.answer, slices.Index(r.answer, source)+1, set)
}

// followAlias gives the name that an alias leads to; "" where a DNAME makes none
// that is short enough. Of several CNAMEs, if the zone has signed them so, the first
// counts, as it does for whoever resolved them.
func followAlias(set *rrset, name wire.Name) (wire.Name, error) {
	if len(set.records) > 1 && set.kind != dns.TypeCNAME {
		return "", flawed(resolver.Bogus, "more than one alias at %s", set.name)
	}
	switch record := set.records[0].(type) {
	case *dns.CNAME:
		target, err := wire.ParseName(record.Target)
		if err != nil {
			return "", flawed(resolver.Bogus, "the alias at %s leads to no name", set.name)
		}
		return target, nil
	case *dns.DNAME:
		target, err := wire.ParseName(record.Target)
		if err != nil {
			return "", flawed(resolver.Bogus, "the alias at %s leads to no name", set.name)
		}
		substituted := name[:len(name)-len(set.name)] + target
		if len(substituted) > wire.MaxName {
			return "", nil
		}
		return substituted, nil
	}
	return "", flawed(resolver.Bogus, "the alias at %s is none", set.name)
}
