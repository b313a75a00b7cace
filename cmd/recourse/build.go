package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/forward"
	"github.com/recourse-dns/recourse/resolver/lab"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/transports/do53"
)

// resolution is how questions are resolved: the chain that clients are served by,
// the one below policy and cache that proofs of control are looked up with, and what
// is counted of both.
type resolution struct {
	serving    resolver.Handler
	unfiltered resolver.Handler
	kept       *cache.Cache
	search     searcher
	validator  *dnssec.Validator
	clock      *dnssec.Clock // nil where the machine's clock is always believed
}

// searcher is the end of the chain, where questions leave the machine.
type searcher interface {
	resolver.Handler
	Stats() recurse.Stats
}

// newResolution joins the stages. This is the one place that says in which order
// they run, top to bottom.
func newResolution(config *Config, internet *lab.Internet, current *policy.Current, counts policy.Counter, logger *slog.Logger) (*resolution, error) {
	search, err := newSearcher(config, internet, logger)
	if err != nil {
		return nil, err
	}
	clock := newClock(config, logger)
	validator, err := newValidator(config, internet, clock, logger)
	if err != nil {
		return nil, err
	}
	filter := policy.New(current, counts, logger)
	kept := cache.New(cache.Config{
		Size:        int64(config.Resolver.Cache),
		MinTTL:      config.Resolver.TTL.Min,
		MaxTTL:      config.Resolver.TTL.Max,
		MaxNegative: config.Resolver.TTL.MaxNegative,
	})
	return &resolution{
		serving: resolver.Chain(search,
			// Policy is on top: it judges every answer whatever made it, also a kept one,
			// and what it blocks costs nothing below and never leaves the machine.
			filter.Stage,
			// Special names are answered before the cache, so that nothing from the world
			// can ever be kept under them.
			local.Stage(local.Config{Zones: config.Resolver.LocalZones != "none"}),
			// What is kept was validated, so validation comes below; it is not filtered,
			// so that a reversed block needs no flush.
			kept.Lookup,
			// The first stage that waits: one resolution for all who ask the same.
			kept.Flight,
			// Each answer is proved once, before it is kept.
			validator.Stage,
		),
		// For proofs of control alone: a blocked name must be seen as the world sees it,
		// and as it is now.
		unfiltered: resolver.Chain(search, validator.Stage),
		kept:       kept,
		search:     search,
		validator:  validator,
		clock:      clock,
	}, nil
}

func newSearcher(config *Config, internet *lab.Internet, logger *slog.Logger) (searcher, error) {
	settings := &config.Resolver
	if internet != nil {
		return recurse.New(recurse.Config{Hints: internet.Hints(), IPv4: true, IPv6: true, QueryLocalhost: true, Priming: settings.Priming}, internet, logger)
	}
	client := do53.NewClient(do53.ClientConfig{})
	if settings.Mode == "forward" {
		return forward.New(forward.Config{Servers: settings.Upstreams(), Validating: settings.DNSSEC == "validate", EDNSSize: settings.EDNSSize}, client, logger)
	}
	hints, err := config.RootHints()
	if err != nil {
		return nil, fmt.Errorf("root hints: %w", err)
	}
	return recurse.New(recurse.Config{
		Hints: hints, IPv4: settings.IPv4, IPv6: settings.IPv6, QueryLocalhost: settings.QueryLocalhost,
		Port: settings.UpstreamPort, EDNSSize: settings.EDNSSize, Priming: settings.Priming,
	}, client, logger)
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
