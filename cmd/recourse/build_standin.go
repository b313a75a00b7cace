package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// plainZones are the zones whose servers are asked for everybody: those that stand in for
// nothing that a list blocks.
func (r *Resolver) plainZones() []Zone {
	return slices.DeleteFunc(slices.Clone(r.Zones), func(zone Zone) bool { return zone.List != "" })
}

// StandIns are the zones that answer in the place of what a list blocks.
func (c *Config) StandIns() policy.StandIns {
	var made policy.StandIns
	for _, zone := range c.Resolver.Zones {
		name, err := wire.ParseName(zone.Zone)
		if zone.List == "" || err != nil {
			continue
		}
		if made == nil {
			made = policy.StandIns{}
		}
		made[zone.List] = append(made[zone.List], name)
	}
	return made
}

// standInCache is what each list keeps of what stands in for it.
const standInCache = 1 << 20

// newStandIns makes what answers in those zones, list by list, apart from the resolution
// that serves whom the list does not block. What an alias of records leads to is resolved
// below. Nothing of it is validated: it is not what the zone's owner has signed.
func newStandIns(config *Config, below resolver.Handler, servers asking, logger *slog.Logger) (map[blocklists.ListID]resolver.Handler, []*cache.Cache, error) {
	handlers := make(map[blocklists.ListID]resolver.Handler)
	var caches []*cache.Cache
	for list := range config.StandIns() {
		own := *config
		own.Resolver.Zones = slices.DeleteFunc(slices.Clone(config.Resolver.Zones), func(zone Zone) bool { return zone.List != list })
		for i := range own.Resolver.Zones {
			own.Resolver.Zones[i].List = ""
		}
		records, err := newStandInRecords(own.Resolver.Zones)
		if err != nil {
			return nil, nil, fmt.Errorf("list %q: %w", list, err)
		}
		var served resolver.Handler // nil where all zones have records
		if slices.ContainsFunc(own.Resolver.Zones, func(zone Zone) bool { return len(zone.Records) == 0 }) {
			var kept *cache.Cache
			if served, kept, err = newStandInServers(own, servers, logger); err != nil {
				return nil, nil, fmt.Errorf("list %q: %w", list, err)
			}
			caches = append(caches, kept)
		}
		handlers[list] = resolver.Chain(inZones(own.Resolver.Zones, served, below), local.Stage(local.Config{Records: records}))
	}
	return handlers, caches, nil
}

func newStandInRecords(zones []Zone) (*local.Records, error) {
	var records []dns.RR
	for _, zone := range zones {
		for _, line := range zone.Records {
			record, err := local.ParseRecord(line)
			if err != nil {
				return nil, err
			}
			records = append(records, record)
		}
	}
	return local.NewRecords(records)
}

// newStandInServers asks the servers of the zones that have some.
func newStandInServers(config Config, servers asking, logger *slog.Logger) (resolver.Handler, *cache.Cache, error) {
	config.Resolver.Zones = slices.DeleteFunc(slices.Clone(config.Resolver.Zones), func(zone Zone) bool { return len(zone.Records) > 0 })
	config.Resolver.DNSSEC = "off"
	search, err := newRecursion(&config, recurse.Config{}, servers, logger)
	if err != nil {
		return nil, nil, err
	}
	kept := cache.New(cache.Config{Size: standInCache, MaxTTL: config.Resolver.TTL.Max, MaxNegative: config.Resolver.TTL.MaxNegative, Logger: logger})
	return resolver.Chain(search, kept.Lookup, kept.Flight), kept, nil
}

// inZones has the servers asked for what lies in zones that have some, and nobody for what
// lies in zones of records; all else is for those below.
func inZones(zones []Zone, served, below resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		for _, zone := range zones {
			name, err := wire.ParseName(zone.Zone)
			switch {
			case err != nil || !query.Question.Name.IsBelow(name):
			case len(zone.Records) > 0:
				return nil, resolver.Fail(0, "the zone has no such record")
			default:
				return served.Resolve(ctx, query)
			}
		}
		return below.Resolve(ctx, query)
	})
}
