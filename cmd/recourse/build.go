package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/forward"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// resolution is how questions are resolved: the chain that clients are served by,
// the one below policy and cache that proofs of control are looked up with, and what
// is counted of both.
type resolution struct {
	serving    resolver.Handler
	unfiltered resolver.Handler
	kept       *cache.Cache
	standIns   []*cache.Cache // of what answers in the place of blocks
	search     searcher
	validator  *dnssec.Validator
	clock      *dnssec.Clock // nil where the machine's clock is always believed
	network    *network      // by which servers are asked
}

// searcher is the end of the chain, where questions leave the machine.
type searcher interface {
	resolver.Handler
	Stats() recurse.Stats
}

// newResolution joins the stages. This is the one place that says in which order
// they run, top to bottom.
func newResolution(config *Config, internet *lab.Internet, current *policy.Current, counts policy.Counter, told local.Discovery, tickets resolver.Stage, logger *slog.Logger) (*resolution, error) {
	out, err := newNetwork(config, internet, logger)
	if err != nil {
		return nil, err
	}
	servers, reporting := newReporting(config, out.asking, logger)
	var search searcher
	var validator *dnssec.Validator
	// What a referral says is proved as any answer is, by stages that are made below.
	path := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		return resolver.Chain(search, validator.Stage).Resolve(ctx, query)
	})
	kept := cache.New(cacheConfig(config, internet, logger))
	search, err = newSearcher(config, internet, recurse.Config{Path: path, Denied: kept.Denied, Cuts: current.WatchesServers}, servers, logger)
	if err != nil {
		return nil, err
	}
	clock := newClock(config, logger)
	validator, err = newValidator(config, internet, clock, logger)
	if err != nil {
		return nil, err
	}
	names, err := newLocal(config, told)
	if err != nil {
		return nil, err
	}
	open := resolver.Chain(search,
		// Reasons that are not policy's can be left out; policy's never.
		only(!config.Resolver.EDE, local.Quiet),
		// Who looks a pass's ticket up must be seen, whatever is local or kept.
		only(tickets != nil, tickets),
		// Special names are answered before the cache, so that nothing from the world
		// can ever be kept under them.
		names,
		// What is kept was validated, so validation comes below; it is not filtered,
		// so that a reversed block needs no flush. Who may look without recursion
		// gets no further than this.
		kept.Lookup,
		// The first stage that waits: one resolution for all who ask the same.
		kept.Flight,
		// From here to validation answers are changed once, before they are kept.
		// Addresses are made of what was validated. The questions for them go through
		// local names and the cache, as if the client had asked them.
		newDNS64(config, func(next resolver.Handler) resolver.Handler {
			return resolver.Chain(next, names, kept.Lookup, kept.Flight)
		}),
		// No address is made of one that a public name must not have.
		newRebinding(config),
		// What did not validate is told to the zone's agent where it came up.
		reporting,
		// Each answer is proved once, before it is kept.
		validator.Stage,
	)
	standIns, more, err := newStandIns(config, open, servers, logger)
	if err != nil {
		return nil, err
	}
	return &resolution{
		// Policy is on top: it judges every answer whatever made it, also a kept one,
		// and what it blocks costs nothing below and never leaves the machine.
		serving:  resolver.Chain(open, policy.New(current, counts, standIns, logger).Stage),
		standIns: more,
		// For proofs of control alone: a blocked name must be seen as the world sees it,
		// and as it is now.
		unfiltered: resolver.Chain(search, validator.Stage),
		kept:       kept,
		search:     search,
		validator:  validator,
		clock:      clock,
		network:    out,
	}, nil
}

// newSearcher completes what the chain around it gives.
func newSearcher(config *Config, internet *lab.Internet, made recurse.Config, client asking, logger *slog.Logger) (searcher, error) {
	settings := &config.Resolver
	if internet != nil {
		return recurse.New(recurse.Config{Hints: internet.Hints(), IPv4: true, IPv6: true, QueryLocalhost: true, Priming: settings.Priming, Full: !settings.MinimalResponses, Denied: made.Denied, Cuts: made.Cuts}, client, logger)
	}
	if settings.Mode == "forward" && len(settings.plainZones()) == 0 {
		return newForwarder(settings, settings.Forward, client, logger)
	}
	return newRecursion(config, made, client, logger)
}

func newForwarder(settings *Resolver, upstreams []Upstream, client asking, logger *slog.Logger) (*forward.Forwarder, error) {
	return forward.New(forward.Config{
		Servers: servers(upstreams), Addresses: client.hosts, Validating: settings.DNSSEC == "validate", EDNSSize: settings.EDNSSize, RandomCase: settings.RandomiseCase,
		Full: !settings.MinimalResponses, Structured: settings.Structured.Option,
	}, client, logger)
}

// newRecursion also serves mode forward beside zones with servers of their own:
// all that no such zone holds is then forwarded.
func newRecursion(config *Config, made recurse.Config, client asking, logger *slog.Logger) (*recurse.Resolver, error) {
	settings := &config.Resolver
	hints, err := config.RootHints()
	if err != nil {
		return nil, fmt.Errorf("root hints: %w", err)
	}
	islands, err := config.islands()
	if err != nil {
		return nil, fmt.Errorf("trust anchors: %w", err)
	}
	made.Islands, made.Hints = islands, hints
	made.IPv4, made.IPv6, made.QueryLocalhost, made.Port = settings.IPv4, settings.IPv6, settings.QueryLocalhost, settings.UpstreamPort
	made.EDNSSize, made.Priming, made.RandomCase = settings.EDNSSize, settings.Priming, settings.RandomiseCase
	made.Minimisation = minimisation(settings.QNAMEMinimisation)
	made.BelowNXDomain, made.LooseGlue = settings.Harden.BelowNXDomain, !settings.Harden.Glue
	made.Full = !settings.MinimalResponses
	if !settings.Harden.ReferralPath {
		made.Path = nil
	}
	zones := settings.plainZones()
	if settings.Mode == "forward" {
		zones = append(slices.Clip(zones), Zone{Zone: ".", Forward: settings.Forward})
	}
	for _, zone := range zones {
		if err := addZone(&made, settings, zone, client, logger); err != nil {
			return nil, fmt.Errorf("zone %q: %w", zone.Zone, err)
		}
	}
	return recurse.New(made, client, logger)
}

// islands are the zones below the root that have a trust anchor.
func (c *Config) islands() ([]wire.Name, error) {
	anchors, _, err := c.TrustAnchors()
	if err != nil {
		return nil, err
	}
	var zones []wire.Name
	for _, anchor := range anchors {
		if name, err := wire.ParseName(anchor.Header().Name); err == nil && !slices.Contains(zones, name) {
			zones = append(zones, name)
		}
	}
	return zones, nil
}

func minimisation(word string) recurse.Minimisation {
	switch word {
	case "strict":
		return recurse.Strict
	case "off":
		return recurse.Whole
	}
	return recurse.Relaxed
}

func addZone(made *recurse.Config, settings *Resolver, zone Zone, client asking, logger *slog.Logger) error {
	name, err := wire.ParseName(zone.Zone)
	if err != nil {
		return err
	}
	if len(zone.Stub) > 0 {
		made.Stubs = append(made.Stubs, recurse.Stub{Zone: name, Servers: servers(zone.Stub), First: zone.First})
		return nil
	}
	forwarder, err := newForwarder(settings, zone.Forward, client, logger)
	if err != nil {
		return err
	}
	made.Forwards = append(made.Forwards, recurse.Forward{Zone: name, Handler: forwarder, First: zone.First})
	return nil
}

func newValidator(config *Config, internet *lab.Internet, clock *dnssec.Clock, logger *slog.Logger) (*dnssec.Validator, error) {
	settings := config.Validation()
	settings.Clock = clock
	if internet != nil {
		settings.Anchors = internet.Anchors()
		return dnssec.New(settings, logger)
	}
	anchors, named, err := config.TrustAnchors()
	if err != nil {
		return nil, fmt.Errorf("trust anchors: %w", err)
	}
	settings.Anchors, settings.NoAnchors = anchors, named && len(anchors) == 0
	if rollover := config.Resolver.Rollover; rollover == "all" || rollover == "builtin" && !named {
		settings.State = filepath.Join(config.StateDir(), anchorsFile)
	}
	return dnssec.New(settings, logger)
}
