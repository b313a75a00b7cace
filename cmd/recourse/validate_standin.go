package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// checkOwnZone refuses zones of the public DNS that other servers are to answer for
// without saying why: that withholds what their owners publish, unless the owner is the
// operator.
func (c *Config) checkOwnZone(path string, name wire.Name) {
	own := parsedNames(c.Resolver.PrivateNames)
	if portal, err := url.Parse(c.Operator.Portal); err == nil {
		if domain, err := publicsuffix.EffectiveTLDPlusOne(portal.Hostname()); err == nil {
			own = append(own, parsedNames([]string{domain})...)
		}
	}
	suffix, icann := publicsuffix.PublicSuffix(name.String())
	if name == wire.Root || local.MayHold(name, own) || !icann && !strings.Contains(suffix, ".") { // nothing is delegated below an unknown suffix
		return
	}
	if c.protects(name) {
		c.report.warn(path, "%s is a public name, and in bundle.protected: it is taken for the operator's own way to a zone of its own; if it is somebody else's, name a list with a purpose, as list: ID", quote(name.String()))
		return
	}
	c.withholds(path, name, "name that list, as list: ID")
}

// protects says whether a name is one that the operator protects, or lies below one.
func (c *Config) protects(name wire.Name) bool {
	return slices.ContainsFunc(c.Bundle.Protected, func(text string) bool {
		alone := strings.HasPrefix(text, "=")
		protected, err := wire.ParseName(strings.TrimLeft(text, "=."))
		return err == nil && protected != wire.Root && (name == protected || !alone && name.IsBelow(protected))
	})
}

// checkZoneData looks at what answers in a zone.
func (c *Config) checkZoneData(path string, zone *Zone) {
	given := 0
	for _, some := range []int{len(zone.Forward), len(zone.Stub), len(zone.Records)} {
		if some > 0 {
			given++
		}
	}
	switch {
	case zone.List == "" && len(zone.Records) > 0:
		c.report.problem(child(path, "records"), "stand in for what a list blocks, which list: ID names; records of private names go into resolver.local_records")
	case given != 1 && zone.List == "":
		c.report.problem(path, "must have one of forward and stub")
	case given != 1:
		c.report.problem(path, "must have one of forward, stub and records")
	}
	if zone.List == "" {
		return
	}
	if zone.Zone == "." {
		c.report.problem(child(path, "zone"), "the root would stand in for whatever the list blocks: name the zone")
	}
	if !slices.ContainsFunc(c.Blocklists, func(list *blocklists.Manifest) bool { return list != nil && list.ID == zone.List }) {
		c.report.problem(child(path, "list"), "no list has the id %s", quote(string(zone.List)))
	}
	c.checkZoneRecords(child(path, "records"), zone)
}

func (c *Config) checkZoneRecords(path string, zone *Zone) {
	if len(zone.Records) > local.MaxRecords {
		c.report.problem(path, "has more than %d records", local.MaxRecords)
		return
	}
	top, err := wire.ParseName(zone.Zone)
	var sound []dns.RR
	for i, line := range zone.Records {
		record, wrong := local.ParseRecord(line)
		if wrong != nil {
			c.report.problem(item(path, i), "%s", wrong)
			continue
		}
		name, wrong := wire.ParseName(record.Header().Name)
		if err == nil && (wrong != nil || !name.IsBelow(top)) {
			c.report.problem(item(path, i), "%s is not in zone %s", quote(record.Header().Name), quote(zone.Zone))
			continue
		}
		sound = append(sound, record)
	}
	if _, err := local.NewRecords(sound); err != nil {
		c.report.problem(path, "%s", err)
	}
}
