package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/rpz"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// newListStore keeps lists below the state directory. Sources of the network are asked
// through the handler, which must lie below policy; without one they are not asked.
func newListStore(config *Config, below resolver.Handler, logger *slog.Logger) *fetch.Store {
	return fetch.New(filepath.Join(config.StateDir(), listsDir), builtinLists(), logger, origins(below, logger)...)
}

func origins(below resolver.Handler, logger *slog.Logger) []fetch.Origin {
	if below == nil {
		return nil
	}
	return []fetch.Origin{fetch.NewWeb(fetch.WebConfig{Agent: agent(), Lookup: hosts{below}}), rpz.NewClient(logger)}
}

// agent is who asks for lists: the product and its version, and nothing of the operator.
func agent() string {
	info, _ := debug.ReadBuildInfo() // nil without modules
	version, _, _ := strings.Cut(buildVersion(info), ",")
	return "recourse/" + strings.ReplaceAll(version, " ", "-")
}

// askingStore is for commands that ask sources without serving: it resolves as the
// server would, below policy.
func askingStore(config *Config, logger *slog.Logger) (*fetch.Store, error) {
	resolved, err := newResolution(config, nil, policy.NewCurrent(&policy.Snapshot{}), nil, local.Discovery{}, nil, logger)
	if err != nil {
		return nil, err
	}
	return newListStore(config, resolved.unfiltered, logger), nil
}

// hosts finds the addresses of the hosts of sources.
type hosts struct{ handler resolver.Handler }

// Lookup asks for addresses of both families. One that fails does not hide the other.
func (h hosts) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	name, err := wire.ParseName(host)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	var errs []error
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		found, err := h.ask(ctx, name, kind)
		addrs, errs = append(addrs, found...), append(errs, err)
	}
	if len(addrs) > 0 {
		return addrs, nil
	}
	return nil, errors.Join(errs...)
}

func (h hosts) ask(ctx context.Context, name wire.Name, kind uint16) ([]netip.Addr, error) {
	answer, err := h.handler.Resolve(ctx, resolver.NewQuery(name, kind, resolver.NewWork()))
	if err != nil {
		return nil, err
	}
	message, err := answer.Unpack()
	if err != nil {
		return nil, err
	}
	if message.Rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("%s: %s", name, dns.RcodeToString[message.Rcode])
	}
	return addressesAt(message.Answer, name.FQDN()), nil
}

// maxHostAliases bounds the aliases of a host.
const maxHostAliases = 12

// addressesAt are the addresses at the end of the owner's aliases.
func addressesAt(records []dns.RR, owner string) []netip.Addr {
	for range maxHostAliases {
		next := slices.IndexFunc(records, func(record dns.RR) bool {
			_, alias := record.(*dns.CNAME)
			return alias && strings.EqualFold(record.Header().Name, owner)
		})
		if next < 0 {
			break
		}
		owner = records[next].(*dns.CNAME).Target
	}
	var addrs []netip.Addr
	for _, record := range records {
		if !strings.EqualFold(record.Header().Name, owner) {
			continue
		}
		switch record := record.(type) {
		case *dns.A:
			if addr, ok := netip.AddrFromSlice(record.A.To4()); ok {
				addrs = append(addrs, addr)
			}
		case *dns.AAAA:
			if addr, ok := netip.AddrFromSlice(record.AAAA); ok {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs
}
