package main

import (
	"fmt"
	"log/slog"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
	"github.com/recourse-dns/recourse/transports/links"
)

// newLocal makes the stage of what needs no network.
func newLocal(config *Config, told local.Discovery) (resolver.Stage, error) {
	settings := &config.Resolver
	var lines []dns.RR
	for _, line := range settings.LocalRecords {
		record, err := local.ParseRecord(line)
		if err != nil {
			return nil, fmt.Errorf("local records: %w", err)
		}
		lines = append(lines, record)
	}
	records, err := local.NewRecords(lines)
	if err != nil {
		return nil, fmt.Errorf("local records: %w", err)
	}
	return local.Stage(local.Config{
		Zones:   settings.LocalZones != "none",
		Served:  servedNames(settings.plainZones()),
		Records: records,
		Snoop:   settings.Snoop,
		DNS64:   settings.DNS64,

		Discovery: told,
		Portal:    config.localPortal(links.New()),
	}), nil
}

// servedNames are the zones whose servers are configured, but for the root: whom to
// ask for everything says nothing of the names that nobody should be asked for.
func servedNames(zones []Zone) []wire.Name {
	var served []wire.Name
	for _, zone := range zones {
		if name, err := wire.ParseName(zone.Zone); err == nil && name != wire.Root {
			served = append(served, name)
		}
	}
	return served
}

func newDNS64(config *Config, through resolver.Stage) resolver.Stage {
	prefix := config.Resolver.DNS64
	return only(prefix.IsValid(), func(next resolver.Handler) resolver.Handler {
		return local.DNS64(prefix, through)(next)
	})
}

func newRebinding(config *Config) resolver.Stage {
	settings := &config.Resolver
	return local.Rebinding{Addresses: settings.PrivateAddresses, Names: parsedNames(settings.PrivateNames), DNS64: settings.DNS64}.Stage
}

// newReporting watches the sockets for agents, where they are to be told of failures,
// and gives the stage that tells them.
func newReporting(config *Config, servers asking, logger *slog.Logger) (asking, resolver.Stage) {
	if !config.Resolver.ErrorReporting {
		return servers, only(false, nil)
	}
	watch := local.NewWatch(servers)
	servers.Exchanger = watch
	return servers, local.NewReporter(watch, logger).Stage
}

// parsedNames leaves out what validation has told of already.
func parsedNames(texts []string) []wire.Name {
	var names []wire.Name
	for _, text := range texts {
		if name, err := wire.ParseName(text); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// only is the stage where it is wanted, else nothing.
func only(wanted bool, stage resolver.Stage) resolver.Stage {
	if wanted {
		return stage
	}
	return func(next resolver.Handler) resolver.Handler { return next }
}
