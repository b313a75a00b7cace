package dnssec

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// validation is the proof of one answer: what it has asked and found so far. It
// belongs to one goroutine.
type validation struct {
	validator *Validator
	next      resolver.Handler
	query     *resolver.Query
	now       time.Time // by which signatures are judged
	anchors   anchors
	reply     *reply // the answer that is proved
	zones     map[wire.Name]*zone
	lookups   int

	// suspects are the zones of whose signatures one failed, broken those that were
	// met. Settled says that one of them had been learnt anew already, a moment ago.
	suspects map[wire.Name]bool
	broken   map[wire.Name]*zone
	settled  bool
	// doubted are the zones that are decided anew, after another attempt: from fresh
	// answers where it says true, else from those that come.
	doubted map[wire.Name]bool
	// limit is when a negative anchor that was met ends; zero where none was.
	limit time.Time
}

const (
	// maxLookups bounds the DS and DNSKEY questions of one validation. A reverse
	// IPv6 name has 34 labels, each of which may be a zone.
	maxLookups = 64
	// maxSigners bounds the zones that may claim to have signed one part.
	maxSigners = 3
)

// standing is what one part of an answer, or all of it, turned out to be.
type standing struct {
	security resolver.Security
	extended []resolver.Extended
	zone     *zone // the zone that signed a secure part
}

func (z *zone) standing() standing {
	if z.trust == secure {
		return standing{security: resolver.Secure, zone: z}
	}
	return standing{security: resolver.Insecure, extended: z.extended}
}

// with gives the standing of two parts together: that of the weaker one.
func (s standing) with(other standing) standing {
	joined := standing{security: min(s.security, other.security), extended: slices.Clone(s.extended)}
	for _, extended := range other.extended {
		if !slices.Contains(joined.extended, extended) {
			joined.extended = append(joined.extended, extended)
		}
	}
	return joined
}

// ask puts a question to what lies below. It sets CD, so that in forward mode the
// upstream hands its data over whatever it thinks of it (RFC 6840, section 5.9).
func (v *validation) ask(ctx context.Context, name wire.Name, kind uint16) (*reply, error) {
	if v.lookups++; v.lookups > maxLookups {
		return nil, resolver.Fail(resolver.Indeterminate, "validation needs more than %d lookups", maxLookups)
	}
	sub := v.query.Sub(name, kind)
	sub.Flags |= wire.FlagCD
	sub.Fresh = sub.Fresh || v.doubted[name]
	answer, err := v.next.Resolve(ctx, sub)
	if err != nil {
		return nil, missed(err, name, kind)
	}
	if rcode := answer.Rcode(); rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError {
		return nil, resolver.Fail(missing(kind), "no %s of %s to be had: %s", dns.Type(kind), name, dns.RcodeToString[rcode])
	}
	return readReply(answer)
}

// check tells the standing of one RRset. Place is the name whose zone must have
// signed it: the owner, or the name above it for what stands in the parent.
func (v *validation) check(ctx context.Context, set *rrset, place, hint wire.Name) (standing, error) {
	var flaw error
	for _, signer := range v.signers([]*rrset{set}, place) {
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
			err := v.verify(set, zone.name, zone.keys)
			if err == nil {
				return zone.standing(), nil
			}
			if !isBogus(err) {
				return standing{}, err
			}
			flaw = firstOf(flaw, err)
		}
	}
	if flaw != nil {
		return standing{}, flaw
	}
	zone, err := v.enclosing(ctx, place, hint)
	if err != nil {
		return standing{}, err
	}
	if zone.trust == insecure {
		return zone.standing(), nil
	}
	return standing{}, set.unproved(noneUsable)
}

// signers lists the zones that claim to have signed the sets and may have, the
// longest name first. A signer above the nearest anchor proves nothing: else an
// insecure parent could take an island of security back.
func (v *validation) signers(sets []*rrset, place wire.Name) []wire.Name {
	anchor, off := v.trustPoint(place)
	if off != nil {
		return nil
	}
	var signers []wire.Name
	for _, set := range sets {
		for _, sig := range set.signatures {
			if place.IsBelow(sig.signer) && sig.signer.IsBelow(anchor) && !slices.Contains(signers, sig.signer) {
				signers = append(signers, sig.signer)
			}
		}
	}
	slices.SortFunc(signers, func(a, b wire.Name) int { return cmp.Compare(len(b), len(a)) })
	return signers[:min(len(signers), maxSigners)]
}

// placeOf is the name whose zone holds data of a type: DS records stand in the
// parent (RFC 4035, section 3.1.4.1). The root has none.
func placeOf(name wire.Name, kind uint16) wire.Name {
	if kind == dns.TypeDS && name != wire.Root {
		return name.Parent()
	}
	return name
}
