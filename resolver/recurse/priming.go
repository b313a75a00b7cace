package recurse

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	primeWithin = 2 * time.Second
	primeAgain  = time.Minute // after a failure
)

// root is where iteration starts: the hints, until a root server has said what
// the root's servers are (RFC 9609).
type root struct {
	hints  *delegation
	primed atomic.Pointer[delegation]
	next   atomic.Int64 // Unix nanoseconds before which nobody primes
}

// root gives the root's servers. Whoever comes first after the primed ones ended
// asks for them anew, with a budget of their own; all others use the hints.
func (r *Resolver) root(ctx context.Context, now time.Time) *delegation {
	if primed := r.start.primed.Load(); primed != nil && now.Before(primed.expires) {
		return primed
	}
	if len(r.start.hints.nameservers) == 0 {
		return r.start.hints
	}
	next := r.start.next.Load()
	mine := r.config.Priming && now.UnixNano() >= next && r.start.next.CompareAndSwap(next, now.Add(primeAgain).UnixNano())
	if !mine {
		return r.start.hints
	}
	primed, err := r.prime(ctx, now)
	if err != nil {
		r.logger.Debug("priming failed, using the root hints", "error", err)
		return r.start.hints
	}
	primed.trusted, primed.hint = r.start.hints.trusted, r.start.hints.trusted
	r.start.primed.Store(primed)
	return primed
}

func (r *Resolver) prime(ctx context.Context, now time.Time) (*delegation, error) {
	ctx, cancel := context.WithTimeout(ctx, primeWithin)
	defer cancel()
	var primed *delegation
	question := Question{Name: wire.Root, Type: dns.TypeNS, Zone: wire.Root}
	err := r.upstreams.Ask(ctx, resolver.NewWork(), r.servers(r.start.hints, r.start.hints.addresses()), question, func(_ resolver.Server, message *dns.Msg) (err error) {
		primed, err = readPriming(newReply(message, wire.Root), now)
		return err
	})
	return primed, err
}

// readPriming takes an authoritative NS set of the root with addresses.
func readPriming(clean *reply, now time.Time) (*delegation, error) {
	if clean.rcode != dns.RcodeSuccess || !clean.authoritative {
		return nil, fmt.Errorf("%w: no authority for the root", ErrLame)
	}
	found := rootOf(clean.answer, clean)
	if len(found.nameservers) == 0 || len(found.nameservers) > maxNameservers {
		return nil, fmt.Errorf("%w: %d root servers with addresses", errMalformed, len(found.nameservers))
	}
	ttl := uint32(maxTTL)
	for _, candidate := range clean.answer {
		ttl = min(ttl, candidate.Header().Ttl)
	}
	found.stored, found.expires = now, now.Add(seconds(ttl))
	return found, nil
}
