package main

import (
	"net/netip"
	"net/url"

	"github.com/recourse-dns/recourse/redress"
)

// checkFleet holds what a node follows to being there, and to fit its roles.
func (c *Config) checkFleet() {
	if len(c.Roles) == 0 && !c.report.isBad("roles") {
		c.report.problem("roles", "is empty: name resolve, desk or both, or leave the key out for both")
	}
	c.checkFleetFiles()
	c.checkDesks()
	if c.hasDesk() || len(c.Roles) == 0 {
		if c.Fleet.Desk != "" {
			c.report.problem("fleet.desk", "is for a node that resolves only, and this one has a desk: take it out, or say roles: [resolve]")
		}
		return
	}
	c.checkFollowed()
	for i, token := range c.Desk.Tokens {
		if token.Role == string(redress.Node) {
			c.report.warn(item("desk.tokens", i), "lets a node follow this desk, and with roles: [resolve] there is none here")
		}
	}
}

func (c *Config) checkFollowed() {
	switch at, err := url.Parse(c.Fleet.Desk); {
	case c.Fleet.Desk == "":
		c.report.problem("fleet.desk", "is missing: with roles: [resolve] this node follows a desk elsewhere, as https://dns.isp.example")
	case !isDeskAddress(at, err):
		c.report.problem("fleet.desk", "%s is not an https address, as https://dns.isp.example", quote(c.Fleet.Desk))
	case at.Scheme == "http" && !isLoopback(at.Hostname()):
		c.report.problem("fleet.desk", "sends the node's token unencrypted: write https://%s", at.Host)
	}
	if c.Fleet.KeyFile == "" {
		c.report.problem("fleet.key_file", "is missing: the public key of the desk, which `recourse fleet key` prints there")
	}
	if c.Fleet.TokenFile == "" {
		c.report.problem("fleet.token_file", "is missing: the token of role node that the desk has under desk.tokens")
	}
	if c.Fleet.DeploymentKeyFile == "" {
		c.report.warn("fleet.deployment_key_file", "is missing: the codes that this node's blocks show lead nowhere, and nobody can have a pass here, unless its state has a copy of the desk's deployment.key")
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || host == "localhost"
}

// checkFleetFiles reads every file that is named.
func (c *Config) checkFleetFiles() {
	for _, one := range []struct {
		key, path string
		read      func(path string) error
	}{
		{"fleet.key_file", c.Fleet.KeyFile, func(path string) error { _, err := readDeskKeys(path); return err }},
		{"fleet.signing_key_file", c.Fleet.SigningKeyFile, func(path string) error { _, err := readSigningKey(path); return err }},
		{"fleet.ca_file", c.Fleet.CAFile, func(string) error { _, err := c.fleetClient(); return err }},
		{"fleet.token_file", c.Fleet.TokenFile, func(string) error { _, err := c.ReadToken(&Token{File: c.Fleet.TokenFile}); return err }},
		{"fleet.deployment_key_file", c.Fleet.DeploymentKeyFile, func(string) error { _, err := c.deploymentKey(nil); return err }},
	} {
		if one.path == "" {
			continue
		}
		if err := one.read(c.File(one.path)); err != nil {
			c.fileProblem(one.key, one.path, err)
		}
	}
}
