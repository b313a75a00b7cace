package recurse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds on the search for addresses of name servers, for one query in all.
const (
	maxDepth   = 7  // lookups inside lookups
	maxLookups = 10 // name servers looked up
	maxFailed  = 5  // name servers without an address
	maxAbreast = 3  // lookups side by side
	failedFor  = time.Minute
	// patienceForNames is how long the search for one name server is waited for
	// before that for the next begins.
	patienceForNames = 400 * time.Millisecond
)

var errCycle = errors.New("name servers depend on each other")

// host is what is known of a name server's addresses. Only lookups of our own
// fill it; glue counts for the delegation that it came with and nothing else.
type host struct {
	addresses []netip.Addr // none: the lookup failed
	expires   time.Time
}

// ask puts the question to the zone's servers.
func (r *resolution) ask(ctx context.Context, zone *delegation, question Question, judge func(resolver.Server, *dns.Msg) error) error {
	one := &hunt{resolution: r, zone: zone, question: question, judge: judge}
	return one.bear(ctx)
}

// known sorts the zone's name servers into addresses and names to look up, the
// latter in any order.
func (r *resolution) known(zone *delegation) (servers []resolver.Server, unknown []wire.Name) {
	if zone.servers != nil {
		return slices.Clone(zone.servers), nil
	}
	nameservers := zone.nameservers
	if child := zone.child.Load(); child != nil {
		nameservers = slices.Concat(nameservers, *child)
	}
	for _, candidate := range nameservers {
		usable := r.servers(zone, candidate.addresses)
		if len(usable) == 0 {
			remembered, _ := r.remembered(candidate.name)
			usable = r.servers(zone, remembered.addresses)
		}
		if len(usable) == 0 {
			unknown = append(unknown, candidate.name)
		}
		servers = append(servers, usable...)
	}
	rand.Shuffle(len(unknown), func(i, j int) { unknown[i], unknown[j] = unknown[j], unknown[i] })
	return servers, unknown
}

func (r *resolution) remembered(name wire.Name) (host, bool) {
	known, found := r.hosts.Get(name)
	if !found || r.query.Fresh || !r.query.Now.Before(known.expires) {
		return host{}, false
	}
	return known, true
}

// addresses looks a name server's addresses up, within the bounds of the query.
func (r *resolution) addresses(ctx context.Context, name wire.Name) ([]netip.Addr, error) {
	if known, found := r.remembered(name); found {
		if len(known.addresses) == 0 {
			return nil, fmt.Errorf("name server %s has had no address lately", name)
		}
		return known.addresses, nil
	}
	return r.lookedUp(ctx, name, false)
}

// allAddresses looks up both kinds, past what is remembered of the name.
func (r *resolution) allAddresses(ctx context.Context, name wire.Name) ([]netip.Addr, error) {
	return r.lookedUp(ctx, name, true)
}

func (r *resolution) lookedUp(ctx context.Context, name wire.Name, both bool) ([]netip.Addr, error) {
	if err := r.bounded(name); err != nil {
		return nil, fmt.Errorf("name server %s: %w", name, err)
	}
	inner := *r
	inner.pending = append(slices.Clip(r.pending), name)
	found, err := inner.resolve(ctx, name, both)
	r.shared.mu.Lock()
	defer r.shared.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		r.shared.failed++
	}
	// Bounds are the query's own trouble and must not be held against the name: a
	// hostile zone could else have anybody's name server forgotten.
	if err == nil || isUnanswered(ctx, err) && !r.shared.limited {
		r.hosts.Add(name, found)
	}
	return found.addresses, err
}

// bounded says why no more addresses are looked up for this query.
func (r *resolution) bounded(name wire.Name) error {
	r.shared.mu.Lock()
	defer r.shared.mu.Unlock()
	err := r.bound(name)
	if err != nil {
		r.shared.limited = true
	}
	return err
}

func (r *resolution) bound(name wire.Name) error {
	switch {
	case slices.Contains(r.pending, name):
		return errCycle
	case len(r.pending) >= maxDepth:
		return fmt.Errorf("more than %d lookups inside each other", maxDepth)
	case r.shared.failed >= maxFailed:
		return fmt.Errorf("more than %d name servers without an address", maxFailed)
	case r.shared.lookups >= maxLookups:
		return fmt.Errorf("more than %d name servers looked up", maxLookups)
	}
	r.shared.lookups++
	return nil
}

// resolve asks for the types that are of use, and stops at the first that has
// addresses unless both are wanted. A type that fails does not matter where the
// other does not. Aliases are not followed: an NS record must name a host itself
// (RFC 2181, section 10.3).
func (r *resolution) resolve(ctx context.Context, name wire.Name, both bool) (host, error) {
	found := host{expires: r.query.Now.Add(maxTTL * time.Second)}
	err := fmt.Errorf("name server %s: no address that may be asked", name)
	for _, qtype := range r.addressTypes() {
		out, failed := r.lookup(ctx, name, qtype)
		if failed != nil {
			err = fmt.Errorf("name server %s: %w", name, failed)
			continue
		}
		read := r.read(out)
		if found.addresses = append(found.addresses, read.addresses...); len(read.addresses) > 0 && read.expires.Before(found.expires) {
			found.expires = read.expires
		}
		if !both && slices.ContainsFunc(found.addresses, r.mayServe) {
			return found, nil
		}
	}
	if len(found.addresses) > 0 {
		return found, nil
	}
	return host{expires: r.query.Now.Add(failedFor)}, err
}

// mayServe says whether the address is one that some zone's server may have.
func (r *resolution) mayServe(addr netip.Addr) bool {
	return r.hasFamily(addr) && isQueryable(addr, r.config.QueryLocalhost, true)
}

// addressTypes are the types to look up, the one of the family that works first.
func (r *resolution) addressTypes() []uint16 {
	switch {
	case !r.config.IPv6:
		return []uint16{dns.TypeA}
	case !r.config.IPv4:
		return []uint16{dns.TypeAAAA}
	case r.upstreams.health.prefersIPv6():
		return []uint16{dns.TypeAAAA, dns.TypeA}
	}
	return []uint16{dns.TypeA, dns.TypeAAAA}
}

// read takes the addresses out of an answer.
func (r *resolution) read(out *outcome) host {
	var found host
	ttl := uint32(maxTTL)
	for _, rr := range out.records {
		if addr := address(rr); addr.IsValid() && len(out.targets) == 0 && len(found.addresses) < maxAddresses {
			found.addresses = append(found.addresses, addr)
			ttl = min(ttl, rr.Header().Ttl)
		}
	}
	found.expires = r.query.Now.Add(seconds(ttl))
	return found
}
