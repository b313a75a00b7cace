package main

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
)

// checkSignIn looks at how people sign in.
func (c *Config) checkSignIn() {
	c.checkOIDC()
	c.checkPlainSignIn()
}

func (c *Config) checkOIDC() {
	oidc := &c.Desk.OIDC
	if oidc.Issuer == "" {
		if oidc.ClientID != "" || oidc.ClientSecretFile != "" || oidc.Roles.Claim != "" || len(oidc.Roles.Map) > 0 {
			c.report.problem("desk.oidc.issuer", "is missing: the provider of identities, as https://login.example.net")
		}
		return
	}
	issuer, err := url.Parse(oidc.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		c.report.problem("desk.oidc.issuer", "%s is no address of a provider, as https://login.example.net", quote(oidc.Issuer))
	case issuer.Scheme != "https":
		c.report.problem("desk.oidc.issuer", "%s is not https: whoever is on the way could let anybody in", quote(oidc.Issuer))
	}
	if oidc.ClientID == "" {
		c.report.problem("desk.oidc.client_id", "is missing: the name that the provider knows this desk by")
	}
	if oidc.ClientSecretFile == "" {
		c.report.problem("desk.oidc.client_secret_file", "is missing: the file that holds the client's secret")
	} else if _, err := readSecret(c.File(oidc.ClientSecretFile)); err != nil {
		c.fileProblem("desk.oidc.client_secret_file", oidc.ClientSecretFile, err)
	}
	if portal, err := url.Parse(c.Operator.Portal); err == nil && portal.Scheme != "https" && !loopbackHost(portal.Hostname()) {
		c.report.problem("desk.oidc", "needs operator.portal over https, where the provider sends browsers back to")
	}
	c.checkClaims()
}

func (c *Config) checkClaims() {
	var names []string
	for _, role := range accounts.Roles() {
		if role != redress.Authority {
			names = append(names, string(role))
		}
	}
	for _, word := range slices.Sorted(maps.Keys(c.Desk.OIDC.Roles.Map)) {
		role := c.Desk.OIDC.Roles.Map[word]
		switch path := child("desk.oidc.roles.map", word); {
		case role == string(redress.Authority):
			c.report.problem(path, "an authority's account says whose it is, which no provider does: make it with recourse accounts add")
		case !slices.Contains(names, role):
			hint := ""
			if near := nearest(role, names); near != "" {
				hint = ", did you mean " + near + "?"
			}
			c.report.problem(path, "%s is no role%s", quote(role), hint)
		}
	}
}

// checkPlainSignIn keeps passwords from crossing a public network in clear.
func (c *Config) checkPlainSignIn() {
	if !c.Desk.PlainSignIn {
		return
	}
	portal, err := url.Parse(c.Operator.Portal)
	secured := err == nil && portal.Scheme == "https" // a plain one at a public address is refused by itself
	for _, address := range c.Listen.Web {
		if secured && isPublic(address.Addr()) {
			c.report.problem("desk.plain_sign_in", "would let passwords cross a public network in clear: listen.web has the public address %s", address.Addr())
			return
		}
	}
	c.report.warn("desk.plain_sign_in", "passwords and codes cross the local network in clear, for clients on private addresses and on the same link; with a certificate (listen.web_tls) they need not")
}

func loopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
