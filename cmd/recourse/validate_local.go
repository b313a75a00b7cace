package main

import (
	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// checkLocal looks at what is answered or changed here.
func (c *Config) checkLocal() {
	settings := &c.Resolver
	if settings.DNS64.IsValid() {
		if err := local.CheckDNS64(settings.DNS64); err != nil {
			c.report.problem("resolver.dns64", "%s", err)
		}
	}
	c.checkPrivateNames()
	if len(settings.LocalRecords) > local.MaxRecords {
		c.report.problem("resolver.local_records", "has more than %d records", local.MaxRecords)
		return
	}
	own := parsedNames(settings.PrivateNames)
	var sound []dns.RR
	for i, line := range settings.LocalRecords {
		if record := c.checkLocalRecord(item("resolver.local_records", i), line, own); record != nil {
			sound = append(sound, record)
		}
	}
	if _, err := local.NewRecords(sound); err != nil {
		c.report.problem("resolver.local_records", "%s", err)
	}
}

func (c *Config) checkLocalRecord(path, line string, own []wire.Name) dns.RR {
	record, err := local.ParseRecord(line)
	if err != nil {
		c.report.problem(path, "%s", err)
		return nil
	}
	name, err := wire.ParseName(record.Header().Name)
	if err != nil {
		c.report.problem(path, "%s", err)
		return nil
	}
	if !local.MayHold(name, own) {
		c.withholds(path, name, "write it as resolver.zones: [{zone: "+name.String()+", records: [...], list: ID}]")
	}
	return record
}

// withholds tells that a public name would be answered with other data than its owner's,
// for no stated purpose. It is a warning where the safeguards are off, which is for tests
// alone, and where another root than the public one is asked, whose names these are not.
func (c *Config) withholds(path string, name wire.Name, remedy string) {
	tell := c.report.problem
	if c.Bundle.Guard == "off" || c.Resolver.Mode == "recurse" && c.Resolver.RootHints != "" {
		tell = c.report.warn
	}
	tell(path, "%s is a public name: other data for it is a block, which needs a list with a purpose: %s; if the name is yours, put it into private_names", quote(name.String()), remedy)
}

// checkPrivateNames refuses names that nobody can own, and points out those that
// the public DNS knows.
func (c *Config) checkPrivateNames() {
	for i, text := range c.Resolver.PrivateNames {
		path := item("resolver.private_names", i)
		name, err := wire.ParseName(text)
		if err != nil {
			c.report.problem(path, "%s", err)
			continue
		}
		suffix, listed := publicsuffix.PublicSuffix(name.String())
		switch {
		case name == wire.Root, listed && suffix == name.String():
			c.report.problem(path, "%s is no name of one operator", quote(text))
		case listed:
			c.report.warn(path, "%s can be registered by anybody: it must be yours, since its answers may hold private addresses and local records", quote(text))
		}
	}
}
