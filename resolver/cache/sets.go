package cache

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// rank is how far what is kept may be trusted (RFC 2181, section 5.4.1). There are two
// ranks, since what ranks lower, glue and authority records, never comes this far.
type rank uint8

const (
	// asked is the answer to the question itself, its first alias, and whatever its own
	// signatures prove.
	asked rank = iota
	// beside is what came unsigned further down the aliases of another question: who
	// said it need not be who speaks for it.
	beside
)

// maxSets bounds the sets of one answer that are kept each by itself.
const maxSets = 2*maxLinks + 1

// rrset is the records of one owner and type with their signatures.
type rrset struct {
	owner    wire.Name
	kind     uint16
	records  []dns.RR
	ttl      uint32
	signed   bool
	expanded bool // from a wildcard: of no use without a proof that belongs to one name
}

// keepSets keeps the sets of an answer that leads over aliases each as the answer to a
// question of its own: the aliases, from whose end a later question for another type
// goes on, and what stands at their end.
func (c *Cache) keepSets(query *resolver.Query, answer *resolver.Answer) {
	message := answer.Message()
	if message == nil || query.CheckingDisabled() || query.Question.Class != wire.ClassIN {
		return
	}
	// Which set an Extended DNS Error is about is not known, but that no alias was made up.
	if slices.ContainsFunc(answer.Extended, isOfSomeSet) || !slices.ContainsFunc(message.Answer, leadsOn) {
		return
	}
	sets := setsOf(message.Answer)
	for i, found := range sets {
		if stands(&query.Question, found, sets[:i]) && c.together(query.Question.Name, found.owner) {
			c.keepSet(query, answer, found)
		}
	}
}

func isOfSomeSet(extended resolver.Extended) bool { return extended.Code != resolver.Synthesised }

func leadsOn(record dns.RR) bool {
	kind := record.Header().Rrtype
	return kind == dns.TypeCNAME || kind == dns.TypeDNAME
}

// setsOf reads the sets in their order, signatures with what they sign.
func setsOf(records []dns.RR) []*rrset {
	var sets []*rrset
	for _, record := range records {
		owner, err := wire.ParseName(record.Header().Name)
		if err != nil {
			continue
		}
		kind := record.Header().Rrtype
		signature, signs := record.(*dns.RRSIG)
		if signs {
			kind = signature.TypeCovered
		}
		at := slices.IndexFunc(sets, func(s *rrset) bool { return s.owner == owner && s.kind == kind })
		if at < 0 && len(sets) == maxSets {
			continue
		}
		if at < 0 {
			at, sets = len(sets), append(sets, &rrset{owner: owner, kind: kind, ttl: record.Header().Ttl})
		}
		into := sets[at]
		into.records, into.ttl = append(into.records, record), min(into.ttl, record.Header().Ttl)
		into.signed = into.signed || signs
		into.expanded = into.expanded || signs && int(signature.Labels) != owner.Labels()
	}
	return sets
}

// stands says whether a set is part of the way that the question took, and an answer
// to another question. A CNAME that a DNAME made goes with the DNAME.
func stands(question *wire.Question, found *rrset, before []*rrset) bool {
	switch {
	case found.owner == question.Name && found.kind == question.Type:
		return false
	case found.kind == dns.TypeDNAME:
		return true
	case found.kind == dns.TypeCNAME:
		return !slices.ContainsFunc(before, func(s *rrset) bool { return s.kind == dns.TypeDNAME && found.owner.IsBelow(s.owner) })
	}
	return found.kind == question.Type
}

// together says whether the stages below the cache judge two names by the same rules. A
// private name may have addresses that no other may lead to.
func (c *Cache) together(one, other wire.Name) bool { return c.private(one) == c.private(other) }

func (c *Cache) private(name wire.Name) bool {
	return slices.ContainsFunc(c.config.Private, name.IsBelow)
}

// keepSet keeps one set whose standing is known: signed in a secure answer, or not
// signed at all in another.
func (c *Cache) keepSet(query *resolver.Query, answer *resolver.Answer, found *rrset) {
	if found.expanded || found.signed != (answer.Security == resolver.Secure) {
		return
	}
	standing := asked
	if !found.signed && found.owner != query.Question.Name {
		standing = beside
	}
	own := question(key{name: found.owner, qtype: found.kind, class: query.Question.Class})
	message := own.Message()
	message.Answer = found.records
	alone := resolver.NewAnswer(message, answer.Stored)
	alone.TTL, alone.Security, alone.Origin = time.Duration(found.ttl)*time.Second, answer.Security, resolver.Cached
	alone.Cuts = cutsOf(found.owner, answer.Cuts)
	packed, err := alone.Pack()
	if err != nil {
		return
	}
	if packed.TTL = c.clamp(packed); packed.TTL > 0 && c.outranks(keyOf(own), standing, query.Now) {
		trim(packed)
		fresh := &node{answer: *packed, rank: standing, proved: provedUntil(alone, query.Now)}
		c.insert(keyOf(own), fresh, packed.TTL, query.Now)
	}
}

// cutsOf are the cuts by which a name of an answer came, without those of its aliases'
// other links.
func cutsOf(owner wire.Name, cuts []*resolver.Cut) []*resolver.Cut {
	var own []*resolver.Cut
	for _, cut := range cuts {
		if owner.IsBelow(cut.Zone) {
			own = append(own, cut)
		}
	}
	return own
}

// outranks says whether something new may take the place of what is kept: the newer of
// one rank does, so that two answers do not contradict each other longer than need be,
// and a lower rank only of what is over.
func (c *Cache) outranks(k key, standing rank, now time.Time) bool {
	kept := c.find(k)
	return kept == nil || standing <= kept.rank || kept.failure != nil || !kept.fresh(now.UnixNano())
}
