package scenario

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/forward"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// ErrUnbuilt is the cause where a file sets what the resolver does not know yet.
var ErrUnbuilt = errors.New("the resolver has no such feature yet")

// build joins the chain as the program does, without policy.
func build(config *Config, world *world, upstream *upstream, logger *slog.Logger) (resolver.Handler, error) {
	if err := unbuilt(config); err != nil {
		return nil, err
	}
	search, err := newSearch(config, world, upstream, logger)
	if err != nil {
		return nil, err
	}
	validator, err := newValidator(config, world, logger)
	if err != nil {
		return nil, err
	}
	kept := cache.New(cache.Config{Size: config.CacheSize, MinTTL: config.TTLMin, MaxTTL: config.TTLMax, MaxNegative: config.TTLMaxNegative})
	return resolver.Chain(search,
		local.Stage(local.Config{Zones: config.LocalZones}),
		kept.Lookup,
		kept.Flight,
		validator.Stage,
	), nil
}

func unbuilt(config *Config) error {
	for _, feature := range []struct {
		name string
		set  bool
	}{
		{"qname-minimisation", config.Minimisation != "off"},
		{"randomise-case", config.RandomiseCase},
		{"cookies", config.Cookies},
		{"forward-zone, stub-zone", len(config.Zones) > 0},
		{"harden-glue", !config.HardenGlue},
		{"harden-referral-path", config.HardenReferralPath},
		{"serve-stale", config.Stale != nil},
		{"prefetch", config.Prefetch},
		{"aggressive-nsec", config.AggressiveNSEC},
		{"minimal-responses", config.MinimalResponses},
		{"negative-anchor", len(config.NegativeAnchor) > 0},
		{"sha1", config.SHA1 != "validate"},
		{"root-sentinel", config.RootSentinel},
		{"report-errors", config.ReportErrors},
		{"dns64", config.DNS64.IsValid()},
		{"private-address", len(config.PrivateAddresses) > 0},
		{"snoop", len(config.Snoop) > 0},
		{"validation-time", config.ValidationTime != 0},
	} {
		if feature.set {
			return fmt.Errorf("%s: %w", feature.name, ErrUnbuilt)
		}
	}
	return nil
}

func newSearch(config *Config, world *world, upstream *upstream, logger *slog.Logger) (resolver.Handler, error) {
	if len(config.Forward) > 0 {
		return forward.New(forward.Config{Servers: config.Forward, Validating: config.Validation == "validate", EDNSSize: config.EDNSSize}, upstream, logger)
	}
	hints, err := world.hints(config)
	if err != nil {
		return nil, err
	}
	return recurse.New(recurse.Config{
		Hints: hints, IPv4: config.IPv4, IPv6: config.IPv6, QueryLocalhost: config.QueryLocalhost,
		EDNSSize: config.EDNSSize, Priming: config.Priming,
	}, upstream, logger)
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

func newValidator(config *Config, world *world, logger *slog.Logger) (*dnssec.Validator, error) {
	settings := dnssec.Config{}
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
