package dnssec

import (
	"context"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// decide proves the standing of a name as a zone: by its anchor, or by what its
// parent says of it. It asks only for names above its own.
func (v *validation) decide(ctx context.Context, name wire.Name) (*zone, error) {
	if trusted := v.anchors[name]; trusted != nil {
		found, err := v.keyed(ctx, name, trusted, unbounded)
		if isBogus(err) {
			v.validator.logger.Warn("trust anchor does not hold", "zone", name.String(), "error", err)
		}
		return found, err
	}
	reply, err := v.ask(ctx, name, dns.TypeDS)
	if err != nil {
		return nil, err
	}
	if set := find(reply.answer, name, dns.TypeDS); set != nil {
		return v.delegated(ctx, name, set, reply.zone)
	}
	if set := reply.alias(name); set != nil {
		return v.aliased(ctx, name, set, reply.zone)
	}
	return v.undelegated(ctx, name, reply)
}

// delegated follows a DS RRset, which the parent must have signed.
func (v *validation) delegated(ctx context.Context, name wire.Name, set *rrset, hint wire.Name) (*zone, error) {
	found, err := v.check(ctx, set, name.Parent(), hint)
	if err != nil {
		return nil, err
	}
	if found.zone == nil {
		return v.unchained(name, found, set.ttl(v.now)), nil
	}
	var records []*dns.DS
	for _, record := range set.records {
		if ds, ok := record.(*dns.DS); ok {
			records = append(records, ds)
		}
	}
	return v.keyed(ctx, name, records, set.ttl(v.now))
}

// aliased handles the reply to DS that is an alias: where a CNAME stands, or what
// lies below a DNAME, is no zone (RFC 1034, section 3.6.2; RFC 6672, section 2.4).
func (v *validation) aliased(ctx context.Context, name wire.Name, set *rrset, hint wire.Name) (*zone, error) {
	place := set.name
	if place == name {
		place = name.Parent()
	}
	found, err := v.check(ctx, set, place, hint)
	if err != nil {
		return nil, err
	}
	if found.zone == nil {
		return v.unchained(name, found, set.ttl(v.now)), nil
	}
	return (&zone{name: name, trust: inside, barren: set.kind == dns.TypeDNAME}).lasting(v.query.Now, set.ttl(v.now)), nil
}

// undelegated wants the proof that the parent has no DS: then the name is an
// insecure zone, or none. Without it an attacker could strip any zone's security.
func (v *validation) undelegated(ctx context.Context, name wire.Name, reply *reply) (*zone, error) {
	var flaw error
	for _, signer := range v.signers(reply.denials(), name.Parent()) {
		parent, err := v.zone(ctx, signer)
		if err != nil {
			return nil, err
		}
		switch parent.trust {
		case insecure:
			return parent.renamed(name), nil
		case broken:
			flaw = firstOf(flaw, parent.flaw)
		case secure:
			proof, err := v.denial(reply, parent)
			if err != nil {
				return nil, err
			}
			found, err := proof.cut(name)
			if err == nil {
				return found.lasting(v.query.Now, proof.ttl), nil
			}
			if !isBogus(err) {
				return nil, err
			}
			flaw = firstOf(flaw, err)
		}
	}
	parent, err := v.enclosing(ctx, name.Parent(), reply.zone)
	if err != nil {
		return nil, err
	}
	if parent.trust == insecure {
		return parent.renamed(name), nil
	}
	if flaw != nil && !reply.lacksSignatures(flaw) {
		return nil, flaw
	}
	return nil, reply.unproved("a delegation without DS for", name)
}

// readReferral looks whether the answer that is proved has a signed list of the
// types at a name that settles what it is, a delegation without DS or no zone, as
// where a server has both parent and child. Then nobody need be asked for the DS.
func (v *validation) readReferral(parent *zone, name wire.Name) error {
	if v.reply == nil || parent.trust != secure || v.known(name) != nil {
		return nil
	}
	proof, err := v.denial(v.reply, parent)
	if err != nil {
		return err
	}
	types, err := proof.typesAt(name)
	if err != nil || types == nil {
		return err
	}
	if found := cutByTypes(name, types); found != nil {
		v.zones[name] = found.lasting(v.query.Now, proof.ttl)
	}
	return nil
}

// unchained is a name that lies in an insecure zone.
func (v *validation) unchained(name wire.Name, found standing, ttl uint32) *zone {
	return (&zone{name: name, trust: insecure, extended: found.extended}).lasting(v.query.Now, ttl)
}
