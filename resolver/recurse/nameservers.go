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
	failedFor  = time.Minute
)

var errCycle = errors.New("name servers depend on each other")

// host is what is known of a name server's addresses. Only lookups of our own
// fill it; glue counts for the delegation that it came with and nothing else.
type host struct {
	addresses []netip.Addr // none: the lookup failed
	expires   time.Time
}

// ask puts the question to the zone's servers: to those whose address is known
// and then, one name after the other, to those whose address must be looked up.
func (r *resolution) ask(ctx context.Context, zone *delegation, question Question, judge func(resolver.Server, *dns.Msg) error) error {
	servers, unknown := r.known(zone)
	for {
		err := r.upstreams.Ask(ctx, r.work, servers, question, judge)
		for servers = nil; len(servers) == 0; unknown = unknown[1:] {
			if len(unknown) == 0 || !isUnanswered(ctx, err) {
				return err
			}
			addresses, missing := r.addresses(ctx, unknown[0])
			if missing != nil {
				err = resolver.Fail(resolver.NoReachableAuthority, "%w", missing)
			}
			servers = r.servers(addresses)
		}
	}
}

// known sorts the zone's name servers into addresses and names to look up, the
// latter in any order.
func (r *resolution) known(zone *delegation) (servers []resolver.Server, unknown []wire.Name) {
	for _, candidate := range zone.nameservers {
		usable := r.servers(candidate.addresses)
		if len(usable) == 0 {
			remembered, _ := r.remembered(candidate.name)
			usable = r.servers(remembered.addresses)
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
	if err := r.bounded(name); err != nil {
		r.limited = true
		return nil, fmt.Errorf("name server %s: %w", name, err)
	}
	r.pending = append(r.pending, name)
	found, err := r.resolve(ctx, name)
	r.pending = r.pending[:len(r.pending)-1]
	if err != nil {
		r.failed++
	}
	// Bounds are the query's own trouble and must not be held against the name: a
	// hostile zone could else have anybody's name server forgotten.
	if err == nil || isUnanswered(ctx, err) && !r.limited {
		r.hosts.Add(name, found)
	}
	return found.addresses, err
}

// bounded says why no more addresses are looked up for this query.
func (r *resolution) bounded(name wire.Name) error {
	switch {
	case slices.Contains(r.pending, name):
		return errCycle
	case len(r.pending) >= maxDepth:
		return fmt.Errorf("more than %d lookups inside each other", maxDepth)
	case r.failed >= maxFailed:
		return fmt.Errorf("more than %d name servers without an address", maxFailed)
	case r.lookups >= maxLookups:
		return fmt.Errorf("more than %d name servers looked up", maxLookups)
	}
	r.lookups++
	return nil
}

// resolve asks for the types that are of use, and stops at the first that has
// addresses. Aliases are not followed: an NS record must name a host itself
// (RFC 2181, section 10.3).
func (r *resolution) resolve(ctx context.Context, name wire.Name) (host, error) {
	failed := host{expires: r.query.Now.Add(failedFor)}
	for _, qtype := range r.addressTypes() {
		out, err := r.lookup(ctx, name, qtype)
		if err != nil {
			return failed, fmt.Errorf("name server %s: %w", name, err)
		}
		if found := r.read(out); len(r.servers(found.addresses)) > 0 {
			return found, nil
		}
	}
	return failed, fmt.Errorf("name server %s: no address that may be asked", name)
}

func (r *resolution) addressTypes() []uint16 {
	var types []uint16
	if r.config.IPv4 {
		types = append(types, dns.TypeA)
	}
	if r.config.IPv6 {
		types = append(types, dns.TypeAAAA)
	}
	return types
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
