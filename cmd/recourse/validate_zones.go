package main

import (
	"regexp"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/rpz"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var jurisdictionForm = regexp.MustCompile(`^[A-Z]{2}$`)

// checkServeRPZ looks at the zone in which the policy is given to other resolvers.
func (c *Config) checkServeRPZ() {
	said := &c.ServeRPZ
	if _, given := c.report.lines["serve_rpz"]; !given || c.report.isBad("serve_rpz") {
		return
	}
	if _, err := wire.ParseName(said.Zone); err != nil {
		c.report.problem("serve_rpz.zone", "%s is not a name of a zone, as policy.rpz.example.net", quote(said.Zone))
	}
	if len(said.Purposes) == 0 {
		c.report.problem("serve_rpz.purposes", "is missing: which lists the zone holds, as [law, security]")
	}
	for i, text := range said.Notify {
		if primary, err := blocklists.ParsePrimary(text); err != nil || primary.TLS {
			c.report.problem(item("serve_rpz.notify", i), "%s is not an address of a server, as 192.0.2.54 or 192.0.2.54@5353", quote(text))
		}
	}
	c.checkTransferKeys()
	c.checkPublishedLaw()
	for _, list := range c.Blocklists {
		if len(said.AllowUnsigned) > 0 && list.Disclosure == blocklists.Secret && slices.Contains(said.Purposes, list.Purpose) {
			c.report.warn("serve_rpz.allow_unsigned", "list %s is secret, so that no zone has it which is given without a key: whoever transfers it enforces it not", list.ID)
		}
	}
}

// checkTransferKeys: without a key anybody could read the lists, those without names too.
func (c *Config) checkTransferKeys() {
	said := &c.ServeRPZ
	if said.TSIG == (blocklists.TSIG{}) && len(said.AllowUnsigned) > 0 {
		c.report.warn("serve_rpz.allow_unsigned", "lets who has one of these addresses transfer the lists without a key")
		return
	}
	for _, problem := range said.TSIG.Problems() {
		c.report.problem(child("serve_rpz.tsig", problem.Key), "%s", problem.Text)
	}
	c.checkTSIG("serve_rpz.tsig", said.TSIG)
}

func (c *Config) checkPublishedLaw() {
	said := &c.ServeRPZ
	switch {
	case said.Jurisdiction != "" && !jurisdictionForm.MatchString(said.Jurisdiction):
		c.report.problem("serve_rpz.jurisdiction", "%s is not an ISO 3166 code of two capitals, as IT", quote(said.Jurisdiction))
	case said.Jurisdiction == "" && !said.PerList && slices.Contains(said.Purposes, blocklists.Law) && rpz.MixesLaw(c.Blocklists):
		c.report.warn("serve_rpz.jurisdiction", "is missing, and the law lists are not all in force in the same places: "+
			"a zone does not know who asks, so none of them is in it; say whose law, or per_list: true for a zone each")
	}
}
