package redress

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Reach says whether a name resolves when nothing filters it. It bounds how long
// one look may take and how many run at once, as anybody may ask for any name.
type Reach struct {
	handler resolver.Handler
	running chan struct{}
}

const (
	reachPatience = 2 * time.Second
	reachAtOnce   = 64
)

// NewReach asks the handler, which must lie below policy.
func NewReach(handler resolver.Handler) *Reach {
	return &Reach{handler: handler, running: make(chan struct{}, reachAtOnce)}
}

// Resolves says whether the name has an address. What cannot be told in time does
// not resolve.
func (r *Reach) Resolves(ctx context.Context, name wire.Name) bool {
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	select {
	case r.running <- struct{}{}:
		defer func() { <-r.running }()
	case <-ctx.Done():
		return false
	}
	return r.has(ctx, name, dns.TypeA) || r.has(ctx, name, dns.TypeAAAA)
}

func (r *Reach) has(ctx context.Context, name wire.Name, qtype uint16) bool {
	answer, err := r.handler.Resolve(ctx, resolver.NewQuery(name, qtype, resolver.NewWork()))
	if err != nil || answer == nil {
		return false
	}
	message, err := answer.Unpack()
	return err == nil && message.Rcode == dns.RcodeSuccess &&
		slices.ContainsFunc(message.Answer, func(record dns.RR) bool { return record.Header().Rrtype == qtype })
}
