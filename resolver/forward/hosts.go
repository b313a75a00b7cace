package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// How names of upstreams are looked up and kept.
const (
	maxHosts     = 64 // names
	maxAddresses = 8  // of one name and family
	lookupTime   = 5 * time.Second
	minHostTTL   = 30 * time.Second
	maxHostTTL   = 24 * time.Hour
	retryHost    = 5 * time.Second // after a look-up that failed
)

var (
	errHosts  = fmt.Errorf("more than %d names of upstreams", maxHosts)
	errNoHost = errors.New("has no address")
	errEnded  = errors.New("the look-ups have ended")
)

// HostsConfig says how names of upstreams are looked up. One of IPv4 and IPv6 must be set.
type HostsConfig struct {
	Through    resolver.Handler // a forwarder to the bootstrap servers
	IPv4, IPv6 bool             // which addresses are of use
}

// Hosts knows the addresses of upstreams that are configured by name. A name is looked up
// when it is first needed, and again when its TTL has passed: meanwhile, and for as long
// as that fails, the addresses that were known go on serving. It may be used by many
// goroutines at once.
type Hosts struct {
	config HostsConfig
	logger *slog.Logger
	ctx    context.Context //nolint:containedctx // of what runs in the background, until Close
	end    context.CancelFunc

	mu      sync.Mutex
	running sync.WaitGroup
	hosts   map[string]*host
}

// host is what is known of one name.
type host struct {
	addresses []netip.Addr
	until     time.Time     // when it is looked up again
	done      chan struct{} // closed when the look-up that runs has ended; nil where none runs
	err       error         // of the last one
}

// NewHosts makes a Hosts that knows no address yet.
func NewHosts(config HostsConfig, logger *slog.Logger) *Hosts {
	ctx, end := context.WithCancel(context.Background())
	return &Hosts{config: config, logger: logger, ctx: ctx, end: end, hosts: make(map[string]*host)}
}

// Close ends all look-ups and waits for them.
func (h *Hosts) Close() error {
	h.mu.Lock()
	h.end()
	h.mu.Unlock()
	h.running.Wait()
	return nil
}

// Addresses implements [Addresses]. It waits only where no address is known.
func (h *Hosts) Addresses(ctx context.Context, name string) ([]netip.Addr, error) {
	one, err := h.current(name)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", name, err)
	}
	if len(one.addresses) == 0 && one.done != nil {
		select {
		case <-one.done:
		case <-ctx.Done():
			return nil, fmt.Errorf("upstream %s: no address in time: %w", name, ctx.Err())
		}
		h.mu.Lock()
		one = *h.hosts[name]
		h.mu.Unlock()
	}
	if len(one.addresses) == 0 {
		return nil, fmt.Errorf("upstream %s: %w", name, one.err)
	}
	return one.addresses, nil
}

// current is what is known of a name. A look-up runs where it is time for one.
func (h *Hosts) current(name string) (host, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.hosts[name]
	if one == nil {
		if len(h.hosts) == maxHosts {
			return host{}, errHosts
		}
		one = new(host)
		h.hosts[name] = one
	}
	if one.done == nil && !time.Now().Before(one.until) {
		if h.ctx.Err() != nil {
			return host{}, errEnded
		}
		one.done = make(chan struct{})
		h.running.Go(func() { h.renew(name, one) })
	}
	return *one, nil
}

// renew looks a name up. What was known stays where that brings nothing.
func (h *Hosts) renew(name string, one *host) {
	ctx, cancel := context.WithTimeout(h.ctx, lookupTime)
	defer cancel()
	addresses, ttl, err := h.lookup(ctx, name)
	if err != nil {
		ttl = retryHost
		h.logger.Warn("the name of an upstream could not be looked up", "name", name, "error", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		one.addresses = addresses
	}
	one.err, one.until = err, time.Now().Add(ttl)
	close(one.done)
	one.done = nil
}

// lookup asks for the addresses of both families side by side.
func (h *Hosts) lookup(ctx context.Context, text string) ([]netip.Addr, time.Duration, error) {
	name, err := wire.ParseName(text)
	if err != nil {
		return nil, 0, err
	}
	var found [2]found
	var asking sync.WaitGroup
	for i, wanted := range [...]bool{h.config.IPv4, h.config.IPv6} {
		if wanted {
			asking.Go(func() { found[i] = h.ask(ctx, name, [...]uint16{dns.TypeA, dns.TypeAAAA}[i]) })
		}
	}
	asking.Wait()
	addresses := slices.Concat(found[0].addresses, found[1].addresses)
	if len(addresses) > 0 {
		return addresses, min(max(minHostTTL, min(found[0].lasts(), found[1].lasts())), maxHostTTL), nil
	}
	if err := errors.Join(found[0].err, found[1].err); err != nil {
		return nil, 0, err
	}
	return nil, 0, errNoHost
}

// found is what one question brought.
type found struct {
	addresses []netip.Addr
	ttl       time.Duration
	err       error
}

// lasts is how long it may be believed. A family without addresses says nothing.
func (f found) lasts() time.Duration {
	if len(f.addresses) == 0 {
		return maxHostTTL
	}
	return f.ttl
}

func (h *Hosts) ask(ctx context.Context, name wire.Name, kind uint16) found {
	answer, err := h.config.Through.Resolve(ctx, resolver.NewQuery(name, kind, resolver.NewWork()))
	if err != nil {
		return found{err: err}
	}
	message, err := answer.Unpack()
	if err != nil {
		return found{err: err}
	}
	result := found{ttl: answer.TTL}
	for _, record := range message.Answer {
		var addr netip.Addr
		switch record := record.(type) {
		case *dns.A:
			addr, _ = netip.AddrFromSlice(record.A) // the zero value is left out below
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(record.AAAA)
		}
		addr = addr.Unmap()
		if addr.IsValid() && !addr.IsUnspecified() && !addr.IsMulticast() && len(result.addresses) < maxAddresses {
			result.addresses = append(result.addresses, addr)
		}
	}
	return result
}
