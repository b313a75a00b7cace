package dnssec

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxLinks bounds the alias chain of one answer.
const maxLinks = 16

// answer proves a whole answer: every link of its alias chain, then the data or
// its absence at the end. It is as secure as its weakest part.
func (v *validation) answer(ctx context.Context, answer *resolver.Answer) (*resolver.Answer, error) {
	reply, err := readReply(answer)
	if err != nil {
		return nil, err
	}
	v.reply = reply
	if !meaningful(reply.message.Rcode) {
		return emptied(answer, reply.message), nil
	}
	if !provable(v.query.Question) {
		return marked(answer, resolver.Insecure), nil
	}
	whole := standing{security: resolver.Secure}
	name, kind := v.query.Question.Name, v.query.Question.Type
	for range maxLinks {
		if sets := reply.at(name, kind); len(sets) > 0 && !reply.leadsNowhere(kind) {
			whole, err = v.data(ctx, reply, sets, whole)
			return v.concluded(answer, reply, whole, err)
		}
		alias := reply.alias(name)
		if alias == nil {
			end, err := v.absence(ctx, reply, name, kind)
			if isBogus(err) && name != v.query.Question.Name && reply.leadsNowhere(kind) {
				reply.correct() // the alias is proved; what became of its target was not asked
				reply.message.Ns = nil
				end, err = whole, nil
			}
			return v.concluded(answer, reply, whole.with(end), err)
		}
		link, err := v.positive(ctx, reply, alias)
		if err != nil {
			return nil, err
		}
		whole = whole.with(link)
		target, err := followAlias(alias, name)
		if err != nil {
			return nil, err
		}
		if target == "" { // RFC 6672, section 2.2: the substitution is too long
			return v.concluded(answer, reply, whole, expect(reply, whole, dns.RcodeYXDomain))
		}
		if alias.kind == dns.TypeDNAME {
			reply.synthesise(name, target, alias)
		}
		name = target
	}
	return nil, flawed(resolver.Bogus, "the alias chain of %s does not end", v.query.Question.Name)
}

// provable leaves out what has no proof: other classes, and signatures themselves.
func provable(question wire.Question) bool {
	return question.Class == wire.ClassIN && question.Type != dns.TypeRRSIG
}

// meaningful says whether a reply with this code claims something about names.
func meaningful(rcode int) bool {
	return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError || rcode == dns.RcodeYXDomain
}

// emptied is a reply that is an error, such as an upstream's REFUSED, without the
// records that may ride on it: nobody would prove them.
func emptied(answer *resolver.Answer, message *dns.Msg) *resolver.Answer {
	bare := *message
	bare.AuthenticatedData, bare.CheckingDisabled = false, false
	bare.Answer, bare.Ns, bare.Extra = nil, nil, nil
	changed := resolver.NewAnswer(&bare, answer.Stored)
	changed.TTL, changed.Zone, changed.Cuts, changed.Origin = answer.TTL, answer.Zone, answer.Cuts, answer.Origin
	changed.Extended, changed.Security = answer.Extended, resolver.Insecure
	return changed
}

// expect holds the code of a secure reply, which nobody signs, to its content.
func expect(reply *reply, found standing, rcode int) error {
	if found.security == resolver.Secure && reply.message.Rcode != rcode {
		return flawed(resolver.Bogus, "the response code %s contradicts the records", dns.RcodeToString[reply.message.Rcode])
	}
	return nil
}

// at lists the sets that answer a question by themselves.
func (r *reply) at(name wire.Name, kind uint16) []*rrset {
	var sets []*rrset
	for _, set := range r.answer {
		if set.name == name && (set.kind == kind || kind == dns.TypeANY) {
			sets = append(sets, set)
		}
	}
	return sets
}

// data proves the sets at the end of the chain.
func (v *validation) data(ctx context.Context, reply *reply, sets []*rrset, whole standing) (standing, error) {
	for _, set := range sets {
		found, err := v.positive(ctx, reply, set)
		if err != nil {
			return standing{}, err
		}
		whole = whole.with(found)
	}
	return whole, expect(reply, whole, dns.RcodeSuccess)
}

// positive proves one set of the answer section and, if a wildcard made it, that
// nothing stood nearer.
func (v *validation) positive(ctx context.Context, reply *reply, set *rrset) (standing, error) {
	set.kept = true
	if source := reply.synthesis(set); source != nil {
		return v.synthesised(ctx, reply, set, source)
	}
	found, err := v.check(ctx, set, placeOf(set.name, set.kind), reply.zone)
	if err != nil || found.zone == nil || !set.expanded() {
		return found, err
	}
	if set.kind == dns.TypeDNAME { // what it would stand for is not defined (RFC 4592, section 4.4)
		return standing{}, flawed(resolver.Bogus, "the DNAME at %s came from a wildcard", set.name)
	}
	proof, err := v.denial(reply, found.zone)
	if err != nil {
		return standing{}, err
	}
	closer, err := proof.noCloser(set.name, int(set.proof.Labels))
	if err != nil {
		return standing{}, reply.unproven(err)
	}
	reply.keep(found.zone.name)
	return found.with(closer), nil
}

// absence proves that there is no data at the end of the chain.
func (v *validation) absence(ctx context.Context, reply *reply, name wire.Name, kind uint16) (standing, error) {
	place := placeOf(name, kind)
	var flaw error
	spoke := false // a secure zone, with its SOA: then no unsigned one below an opt-out gap did
	for _, signer := range v.signers(reply.denials(), place) {
		zone, err := v.zone(ctx, signer)
		if err != nil {
			return standing{}, err
		}
		switch zone.trust {
		case insecure:
			return zone.standing(), nil
		case broken:
			flaw = firstOf(flaw, zone.flaw)
		case secure:
			found, err := v.denied(reply, zone, name, kind)
			if err == nil || !isBogus(err) {
				return found, err
			}
			flaw = firstOf(flaw, err)
			spoke = spoke || find(reply.authority, zone.name, dns.TypeSOA) != nil
		}
	}
	zone, err := v.enclosing(ctx, place, reply.zone)
	if err != nil {
		return standing{}, err
	}
	if zone.trust == insecure && !spoke {
		return zone.standing(), nil
	}
	if flaw != nil && !reply.lacksSignatures(flaw) {
		return standing{}, flaw
	}
	return standing{}, reply.unproved("the absence of", name)
}

// denied proves with one zone's records what the response code claims.
func (v *validation) denied(reply *reply, zone *zone, name wire.Name, kind uint16) (standing, error) {
	proof, err := v.denial(reply, zone)
	if err != nil {
		return standing{}, err
	}
	var found standing
	switch reply.message.Rcode {
	case dns.RcodeNameError:
		found, err = v.named(reply, proof, name, kind)
	case dns.RcodeSuccess:
		found, err = proof.noData(name, kind)
	default:
		err = flawed(resolver.Bogus, "the response code %s without a DNAME", dns.RcodeToString[reply.message.Rcode])
	}
	if err != nil {
		return standing{}, err
	}
	if soa := find(reply.authority, zone.name, dns.TypeSOA); soa != nil {
		if err := v.verify(soa, zone.name, zone.keys); err != nil {
			return standing{}, err
		}
		soa.kept = true
	}
	reply.keep(zone.name)
	return found, nil
}

// named proves NXDOMAIN. The code is not signed, the records are: where they prove
// that the name exists without data, the code is put right. Servers that know no
// empty non-terminals say NXDOMAIN there (RFC 8020, section 3.1); those that know
// NSEC3 know them, as each has a record of its own (RFC 5155, section 7.1).
func (v *validation) named(reply *reply, proof *denial, name wire.Name, kind uint16) (standing, error) {
	found, err := proof.noName(name)
	if !isBogus(err) || len(proof.plain) == 0 {
		return found, err
	}
	exists, other := proof.noData(name, kind)
	if other != nil {
		return standing{}, err
	}
	reply.correct()
	return exists, nil
}

// leadsNowhere says of the answer to a question for an alias that it denies the target
// as well.
func (r *reply) leadsNowhere(kind uint16) bool {
	return kind == dns.TypeCNAME && r.message.Rcode == dns.RcodeNameError
}

// correct puts the response code right, which nobody signs.
func (r *reply) correct() {
	corrected := *r.message
	corrected.Rcode = dns.RcodeSuccess
	r.message = &corrected
}

// keep marks the proofs that a zone signed as part of the answer.
func (r *reply) keep(zone wire.Name) {
	for _, set := range r.authority {
		if set.prover == zone && (set.kind == dns.TypeNSEC || set.kind == dns.TypeNSEC3) {
			set.kept = true
		}
	}
}

// concluded makes the answer that goes up. Of a secure one nothing is left that
// was not proved; an insecure one is passed on as it came, doubles left out.
func (v *validation) concluded(answer *resolver.Answer, reply *reply, found standing, err error) (*resolver.Answer, error) {
	if err != nil {
		return nil, err
	}
	message := *reply.message
	message.AuthenticatedData, message.CheckingDisabled = false, false
	changed := resolver.NewAnswer(&message, answer.Stored)
	changed.TTL, changed.Zone, changed.Cuts, changed.Origin = answer.TTL, answer.Zone, answer.Cuts, answer.Origin
	changed.Extended = append(slices.Clip(answer.Extended), found.extended...)
	changed.Security = found.security
	if !v.limit.IsZero() { // what a negative anchor let through must not outlive it
		changed.TTL = min(changed.TTL, v.limit.Sub(v.query.Now))
	}
	if found.security != resolver.Secure {
		message.Answer, message.Ns = distinct(message.Answer), distinct(message.Ns)
		return changed, nil
	}
	beside := v.beside(reply, message.Extra)
	bound := bounder{now: v.now, answer: changed}
	message.Answer, message.Ns, message.Extra = bound.kept(reply.answer), bound.kept(reply.authority), bound.kept(beside)
	return changed, nil
}
