package dnssec

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds between two looks at a zone's keys (RFC 5011, section 2.3).
const (
	soonest     = time.Hour
	latest      = 15 * 24 * time.Hour
	latestRetry = 24 * time.Hour
)

// Run follows the keys of the anchored zones until the context ends. Next is what
// the stage stands above; it is asked past every cache. It returns at once where
// no state file is configured.
func (v *Validator) Run(ctx context.Context, next resolver.Handler) {
	if v.following == nil {
		return
	}
	for {
		for _, name := range v.following.due(time.Now()) {
			v.follow(ctx, next, name)
		}
		// An hour at most, for a clock that jumps moves no timer.
		timer := time.NewTimer(min(v.following.idle(time.Now()), soonest))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// due lists the zones whose time has come.
func (f *following) due(now time.Time) []wire.Name {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []wire.Name
	for name, zone := range f.zones {
		if !now.Before(zone.next) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// idle is how long nothing is due.
func (f *following) idle(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	shortest := latest
	for _, zone := range f.zones {
		shortest = min(shortest, zone.next.Sub(now))
	}
	return max(shortest, time.Second)
}

// follow looks at a zone's keys once.
func (v *Validator) follow(ctx context.Context, next resolver.Handler, name wire.Name) {
	query := resolver.NewQuery(name, dns.TypeDNSKEY, resolver.NewWork())
	query.Fresh = true
	look, err := v.look(ctx, next, query)
	if ctx.Err() != nil {
		return
	}
	v.following.mu.Lock()
	defer v.following.mu.Unlock()
	zone := v.following.zones[name]
	if err != nil {
		v.logger.Warn("the keys of a trust anchor could not be looked up", "zone", name.String(), "error", err)
		zone.next = query.Now.Add(max(soonest, zone.wait))
	}
	if look != nil {
		zone.see(look.sighting, v.logger)
		if err == nil {
			zone.next, zone.wait = query.Now.Add(look.interval(2, latest)), look.interval(10, latestRetry)
		}
		if saved := v.following.save(); saved != nil {
			v.logger.Error("the state of the trust anchors was not saved", "error", saved)
		}
		v.renew(name)
	}
}

// renew puts changed anchors in force. It is called with the followed zones locked.
func (v *Validator) renew(name wire.Name) {
	before := (*v.trusted.Load())[name]
	zone := v.following.zones[name]
	after := zone.anchors(v.configured[name])
	if slices.EqualFunc(before, after, func(a, b *dns.DS) bool { return dns.IsDuplicate(a, b) }) {
		return
	}
	current := make(anchors)
	for other, trusted := range *v.trusted.Load() {
		if other != name {
			current[other] = trusted
		}
	}
	if len(after) > 0 {
		current[name] = after
	} else {
		v.logger.Error("every trust anchor of the zone is revoked; it is no longer validated", "zone", name.String())
	}
	v.trusted.Store(&current)
	v.Flush(name, true)
}

// glance is a sighting with what the set said of its own lifetime.
type glance struct {
	sighting
	ttl, left time.Duration
}

// interval is a part of the set's lifetime, within bounds.
func (g *glance) interval(part time.Duration, longest time.Duration) time.Duration {
	return max(soonest, min(longest, g.ttl/part, g.left/part))
}

// look asks for the keys and says what the set shows. With an error there may be a
// glance still: a set that no anchor proves can hold a revocation.
func (v *Validator) look(ctx context.Context, next resolver.Handler, query *resolver.Query) (*glance, error) {
	if v.doubt.about(query.Now) {
		return nil, fmt.Errorf("the clock shows a time that is past")
	}
	one, name := v.validation(next, query), query.Question.Name
	reply, err := one.ask(ctx, name, dns.TypeDNSKEY)
	if err != nil {
		return nil, err
	}
	set := find(reply.answer, name, dns.TypeDNSKEY)
	if set == nil {
		return nil, fmt.Errorf("%q has no DNSKEY", name)
	}
	keys := readKeys(set)
	seen := &glance{sighting: sighting{at: query.Now, revoked: one.revoked(set, name, keys)}}
	digests, _ := v.algorithms.followed(one.anchors[name], name)
	entries, err := matched(digests, keys, name)
	if err == nil {
		err = one.verify(set, name, entries)
	}
	if err != nil {
		return seen, err
	}
	seen.proved = true
	seen.ttl = time.Duration(set.proof.OrigTtl) * time.Second
	seen.left = time.Duration(int32(set.proof.Expiration-uint32(one.now.Unix()))) * time.Second
	seen.hold = max(addHold, seen.ttl)
	for _, key := range keys {
		if !usable(key.record) || key.record.Flags&dns.SEP == 0 {
			continue
		}
		seen.present = append(seen.present, key.record)
		if slices.ContainsFunc(v.configured[name], func(ds *dns.DS) bool { return stands(ds, key.record) }) {
			seen.anchors = append(seen.anchors, key.record)
		}
	}
	return seen, nil
}

// revoked lists the keys with the REVOKE flag that have signed the set themselves
// (RFC 5011, section 2.1), with the flag taken off.
func (v *validation) revoked(set *rrset, zone wire.Name, keys []key) []*dns.DNSKEY {
	var found []*dns.DNSKEY
	for _, candidate := range keys {
		if candidate.record.Flags&dns.REVOKE == 0 || candidate.record.Flags&dns.ZONE == 0 {
			continue
		}
		for _, sig := range set.signatures {
			if sig.signer != zone || sig.record.KeyTag != candidate.tag || sig.record.Algorithm != candidate.record.Algorithm || outside(sig.record, v.now) != noneUsable {
				continue
			}
			self := *set
			if held, err := v.attempt(&self, sig, []key{candidate}); err == nil && held {
				plain := dns.Copy(candidate.record).(*dns.DNSKEY)
				plain.Flags &^= dns.REVOKE
				found = append(found, plain)
				break
			}
		}
	}
	return found
}
