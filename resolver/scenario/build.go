package scenario

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/forward"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// chain is the resolver under test.
type chain struct {
	handler resolver.Handler
	kept    *cache.Cache

	search    resolver.Handler
	validator *dnssec.Validator
}

// follow follows the keys of the anchors until the context ends.
func (c *chain) follow(ctx context.Context) *sync.WaitGroup {
	var running sync.WaitGroup
	running.Go(func() { c.validator.Run(ctx, c.search) })
	return &running
}

// state is a file for the keys of the anchors, where they are to be followed, and what
// removes it.
func (c *Config) state() (file string, forget func(), err error) {
	if !c.Rollover {
		return "", func() {}, nil
	}
	folder, err := os.MkdirTemp("", "scenario")
	return filepath.Join(folder, "anchors.state"), func() { _ = os.RemoveAll(folder) }, err
}

// build joins the chain as the program does, without policy.
func build(config *Config, world *world, upstream *upstream, state string, logger *slog.Logger) (*chain, error) {
	exchanger, reporting := newReporting(config, upstream, logger)
	var search resolver.Handler
	var validator *dnssec.Validator
	path := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		return resolver.Chain(search, validator.Stage).Resolve(ctx, query)
	})
	kept := cache.New(cacheConfig(config, logger))
	search, err := newSearch(config, world, recurse.Config{Path: path, Denied: kept.Denied}, exchanger, logger)
	if err != nil {
		return nil, err
	}
	validator, err = newValidator(config, world, state, logger)
	if err != nil {
		return nil, err
	}
	names := local.Stage(localConfig(config))
	handler := resolver.Chain(search,
		names,
		kept.Lookup,
		kept.Flight,
		only(config.DNS64.IsValid(), func(next resolver.Handler) resolver.Handler {
			return local.DNS64(config.DNS64, func(next resolver.Handler) resolver.Handler {
				return resolver.Chain(next, names, kept.Lookup, kept.Flight)
			})(next)
		}),
		local.Rebinding{Addresses: config.PrivateAddresses, DNS64: config.DNS64}.Stage,
		reporting,
		validator.Stage,
	)
	return &chain{handler: handler, kept: kept, search: search, validator: validator}, nil
}

// only is the stage where it is wanted, else nothing.
func only(wanted bool, stage resolver.Stage) resolver.Stage {
	if wanted {
		return stage
	}
	return func(next resolver.Handler) resolver.Handler { return next }
}

func newReporting(config *Config, upstream *upstream, logger *slog.Logger) (recurse.Exchanger, resolver.Stage) {
	if !config.ReportErrors {
		return upstream, only(false, nil)
	}
	watch := local.NewWatch(upstream)
	return watch, local.NewReporter(watch, logger).Stage
}

func cacheConfig(config *Config, logger *slog.Logger) cache.Config {
	made := cache.Config{
		Size: config.CacheSize, MinTTL: config.TTLMin, MaxTTL: config.TTLMax, MaxNegative: config.TTLMaxNegative,
		Prefetch: config.Prefetch, Aggressive: config.AggressiveNSEC, Below: config.HardenBelowNXDOMAIN, Logger: logger,
	}
	if stale := config.Stale; stale != nil {
		made.Stale = cache.Stale{After: stale.After, UpTo: stale.UpTo, TTL: stale.TTL}
	}
	for _, zone := range config.Zones {
		made.Apart = append(made.Apart, zone.Zone)
	}
	for _, anchor := range config.NegativeAnchors {
		made.Apart = append(made.Apart, anchor.Zone)
	}
	return made
}

func localConfig(config *Config) local.Config {
	made := local.Config{Zones: config.LocalZones, Snoop: config.Snoop, DNS64: config.DNS64}
	for _, zone := range config.Zones {
		made.Served = append(made.Served, zone.Zone)
	}
	return made
}

// islands are the zones below the root that have an anchor.
func islands(anchors []dns.RR) []wire.Name {
	var zones []wire.Name
	for _, anchor := range anchors {
		if name, err := wire.ParseName(anchor.Header().Name); err == nil && !slices.Contains(zones, name) {
			zones = append(zones, name)
		}
	}
	return zones
}

func newSearch(config *Config, world *world, above recurse.Config, exchanger recurse.Exchanger, logger *slog.Logger) (resolver.Handler, error) {
	if len(config.Forward) > 0 {
		return newForwarder(config, config.Forward, exchanger, logger)
	}
	hints, err := world.hints(config)
	if err != nil {
		return nil, err
	}
	anchors, err := world.anchors(config.Anchors)
	if err != nil {
		return nil, err
	}
	made := recurse.Config{
		Hints: hints, Denied: above.Denied, Islands: islands(anchors), IPv4: config.IPv4, IPv6: config.IPv6, QueryLocalhost: config.QueryLocalhost,
		EDNSSize: config.EDNSSize, Priming: config.Priming, RandomCase: config.RandomiseCase, BelowNXDomain: config.HardenBelowNXDOMAIN,
		Minimisation: map[string]recurse.Minimisation{"off": recurse.Whole, "relaxed": recurse.Relaxed, "strict": recurse.Strict}[config.Minimisation],
	}
	made.LooseGlue, made.Full = !config.HardenGlue, !config.MinimalResponses
	if config.HardenReferralPath {
		made.Path = above.Path
	}
	for _, zone := range config.Zones {
		if zone.Stub {
			made.Stubs = append(made.Stubs, recurse.Stub{Zone: zone.Zone, Servers: zone.Servers, First: zone.First})
			continue
		}
		forwarder, err := newForwarder(config, zone.Servers, exchanger, logger)
		if err != nil {
			return nil, err
		}
		made.Forwards = append(made.Forwards, recurse.Forward{Zone: zone.Zone, Handler: forwarder, First: zone.First})
	}
	return recurse.New(made, exchanger, logger)
}

func newForwarder(config *Config, servers []resolver.Server, exchanger recurse.Exchanger, logger *slog.Logger) (*forward.Forwarder, error) {
	return forward.New(forward.Config{
		Servers: servers, Validating: config.Validation == "validate", EDNSSize: config.EDNSSize, RandomCase: config.RandomiseCase,
		Full: !config.MinimalResponses,
	}, exchanger, logger)
}

// hints are the root servers of the file, else those of its ZONE of the root.
func (w *world) hints(config *Config) ([]dns.RR, error) {
	var hints []dns.RR
	for i, addr := range config.Root {
		name, kind := fmt.Sprintf("%c.root.example.", 'a'+i%26), "A"
		if addr.Is6() {
			kind = "AAAA"
		}
		for _, text := range []string{". 3600 NS " + name, name + " 3600 " + kind + " " + addr.String()} {
			rr, err := dns.NewRR(text)
			if err != nil {
				return nil, fmt.Errorf("root %s: %w", addr, err)
			}
			hints = append(hints, rr)
		}
	}
	root := w.zones[wire.Root]
	if len(hints) > 0 || root == nil {
		return hints, nil
	}
	for _, rr := range root.nodes[wire.Root][dns.TypeNS] {
		hints = append(hints, rr)
		if target, err := wire.ParseName(rr.(*dns.NS).Ns); err == nil {
			hints = append(hints, w.addressesOf(target)...)
		}
	}
	return hints, nil
}

func (w *world) addressesOf(name wire.Name) []dns.RR {
	for _, z := range w.zones {
		if at := z.nodes[name]; len(at[dns.TypeA])+len(at[dns.TypeAAAA]) > 0 {
			return append(copies(at[dns.TypeA]), at[dns.TypeAAAA]...)
		}
	}
	return nil
}

func newValidator(config *Config, world *world, state string, logger *slog.Logger) (*dnssec.Validator, error) {
	settings := dnssec.Config{RefuseSHA1: config.SHA1 == "insecure", State: state}
	switch config.Validation {
	case "process":
		settings.Mode = dnssec.Process
	case "off":
		settings.Mode = dnssec.Off
	}
	anchors, err := world.anchors(config.Anchors)
	if err != nil {
		return nil, err
	}
	settings.Anchors, settings.NoAnchors = anchors, len(anchors) == 0
	for _, anchor := range config.NegativeAnchors {
		negative := dnssec.NegativeAnchor{Zone: anchor.Zone}
		if anchor.Lasts > 0 {
			negative.Until = time.Now().Add(anchor.Lasts)
		}
		settings.Negative = append(settings.Negative, negative)
	}
	if config.ValidationTime > 0 {
		settings.Now = func() time.Time { return time.Now().Add(config.ValidationTime) }
	}
	return dnssec.New(settings, logger)
}

// anchors gives the DS of a ZONE for its name alone, and records as they are.
func (w *world) anchors(texts []string) ([]dns.RR, error) {
	var anchors []dns.RR
	for _, text := range texts {
		if text == "none" {
			continue
		}
		if !strings.Contains(text, " ") {
			z, err := w.signed(text)
			if err != nil {
				return nil, err
			}
			anchors = append(anchors, z.entryKey.record.ToDS(dns.SHA256))
			continue
		}
		rr, err := dns.NewRR(text)
		if err != nil || rr == nil {
			return nil, fmt.Errorf("anchor %q: no record", text)
		}
		anchors = append(anchors, rr)
	}
	return anchors, nil
}

func (w *world) signed(text string) (*zone, error) {
	name, err := wire.ParseName(text)
	if err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	z := w.zones[name]
	if z == nil || z.entryKey == nil {
		return nil, fmt.Errorf("anchor %q: no signed ZONE of that name", text)
	}
	return z, nil
}
