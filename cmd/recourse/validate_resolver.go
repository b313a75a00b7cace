package main

import (
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds of the resolver's keys.
const (
	minCache = 1 << 20
	// minEDNS and maxEDNS: RFC 6891, section 6.2.3, and what goes through unfragmented in practice.
	minEDNS = 512
	maxEDNS = 4096

	maxStaleAfter = 5 * time.Second
	maxStaleUpTo  = 7 * 24 * time.Hour
	maxStaleTTL   = time.Hour
)

func (c *Config) checkResolver() {
	settings := &c.Resolver
	if settings.Cache < minCache {
		c.report.problem("resolver.cache", "is smaller than 1MiB")
	}
	if settings.EDNSSize < minEDNS || settings.EDNSSize > maxEDNS {
		c.report.problem("resolver.edns_size", "%d is not from %d to %d", settings.EDNSSize, minEDNS, maxEDNS)
	}
	if settings.UpstreamPort == 0 {
		c.report.problem("resolver.upstream_port", "0 is no port")
	}
	if settings.TTL.Min > settings.TTL.Max {
		c.report.problem("resolver.ttl.min", "%s is longer than resolver.ttl.max, %s", settings.TTL.Min, settings.TTL.Max)
	}
	c.checkStale()
	c.checkStructured()
	c.checkUpstreams()
	c.checkZones()
	c.checkRecords()
	c.checkLocal()
	c.checkValidation()
	if !settings.IPv4 && !settings.IPv6 {
		c.report.problem("resolver.ipv4", "is false, and so is ipv6: no server can be reached")
	}
}

// checkStale holds the timers to what RFC 8767, section 5, calls reasonable. Longer ones
// are the operator's choice.
func (c *Config) checkStale() {
	stale := &c.Resolver.ServeStale
	if stale.UpTo == 0 {
		if stale.After > 0 || stale.TTL > 0 {
			c.report.warn("resolver.serve_stale", "does nothing without up_to, as 24h")
		}
		return
	}
	if stale.After > maxStaleAfter {
		c.report.warn("resolver.serve_stale.after", "%s is longer than %s; clients have given up by then", stale.After, maxStaleAfter)
	}
	if stale.UpTo > maxStaleUpTo {
		c.report.warn("resolver.serve_stale.up_to", "%s is longer than %s; by then addresses may belong to others", stale.UpTo, maxStaleUpTo)
	}
	if stale.TTL > maxStaleTTL {
		c.report.warn("resolver.serve_stale.ttl", "%s is longer than %s; clients keep what may be wrong for that long", stale.TTL, maxStaleTTL)
	}
}

// checkRecords reads the zone files as serve will.
func (c *Config) checkRecords() {
	settings := &c.Resolver
	if _, err := c.RootHints(); err != nil {
		c.fileProblem("resolver.root_hints", settings.RootHints, err)
	}
	if _, _, err := c.TrustAnchors(); err != nil {
		c.fileProblem("resolver.trust_anchors", settings.TrustAnchors, err)
	}
	if settings.TrustAnchors == noAnchors && settings.DNSSEC == "validate" {
		c.report.warn("resolver.trust_anchors", "there is no anchor, so nothing can be validated; dnssec: process says the same")
	}
}

func (c *Config) checkZones() {
	seen := make(map[wire.Name]bool)
	for i, zone := range c.Resolver.Zones {
		path := item("resolver.zones", i)
		name, err := wire.ParseName(zone.Zone)
		switch {
		case zone.Zone == "":
			c.report.problem(child(path, "zone"), "is missing")
		case err != nil:
			c.report.problem(child(path, "zone"), "%s is not a name", quote(zone.Zone))
		case seen[name] && zone.List == "":
			c.report.problem(child(path, "zone"), "%s is there twice", quote(zone.Zone))
		}
		seen[name] = seen[name] || zone.List == ""
		if err == nil && zone.List == "" {
			c.checkOwnZone(child(path, "zone"), name)
		}
		c.checkZoneData(path, &zone)
		c.checkNames(child(path, "forward"), zone.Forward)
		c.checkAddresses(child(path, "stub"), zone.Stub)
	}
}

// checkValidation reads what validation is told beside its anchors.
func (c *Config) checkValidation() {
	settings := &c.Resolver
	for i, anchor := range settings.NegativeTrustAnchors {
		path := item("resolver.negative_trust_anchors", i)
		c.checkName(child(path, "zone"), anchor.Zone)
		switch {
		case anchor.Until.IsZero():
			c.report.warn(path, "has no end: RFC 7646 wants one, as until: 2027-01-31")
		case anchor.Until.Before(time.Now()):
			c.report.warn(child(path, "until"), "is past: the zone is validated again")
		}
	}
	for i, name := range settings.NTPNames {
		c.checkName(item("resolver.ntp_names", i), name)
	}
	if !settings.ValidationTime.IsZero() {
		c.report.warn("resolver.validation_time", "signatures are judged as of %s: for tests and replays only", settings.ValidationTime.Format(time.RFC3339))
	}
}

func (c *Config) checkName(path, name string) {
	if name == "" {
		c.report.problem(path, "is missing")
		return
	}
	if _, err := wire.ParseName(name); err != nil {
		c.report.problem(path, "%s is not a domain name", quote(name))
	}
}
