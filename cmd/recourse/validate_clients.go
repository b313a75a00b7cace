package main

import (
	"regexp"
	"runtime"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
)

func (c *Config) checkClients() {
	if len(c.Clients) == 0 && !c.report.isBad("clients") {
		c.report.warn("clients", "is missing: nobody is admitted, so every question is refused")
	}
	// A profile with a problem of its own is still one that a client may name.
	known := make([]*profile.Profile, len(c.Profiles))
	for i := range c.Profiles {
		known[i] = &profile.Profile{ID: c.Profiles[i].ID}
	}
	_, problems := profile.NewTable(c.Clients, known)
	for _, problem := range problems {
		if c.report.isBad("profiles") && (strings.HasSuffix(problem.Key, ".profile") || strings.HasSuffix(problem.Key, ".default_profile")) {
			continue
		}
		c.report.problem(problem.Key, "%s", problem.Text)
	}
	c.checkJurisdictions()
	c.checkHardware(runtime.GOOS)
}

// checkJurisdictions finds the networks of which nobody has said whose law holds, although
// there is a law list: no list would hold for them, and they would be found out by the
// authority.
func (c *Config) checkJurisdictions() {
	law := c.firstLaw()
	if law == nil {
		return
	}
	for i := range c.Clients {
		client, path := &c.Clients[i], item("clients", i)
		switch {
		case client.Jurisdiction != "" || c.report.isBad(child(path, "jurisdiction")):
		case client.Anyone:
			c.report.warn(path, "admits anyone by name, and no law list, as %q, holds for whom no network is known; say so with jurisdiction: none, because: …", law.ID)
		case len(client.Match.MAC) == 0 && client.Match.ServerName == "" && client.Match.Path == "" && len(client.Match.Networks) > 0:
			c.report.problem(path, "has no jurisdiction, so that no law list, as %q, would hold for its networks: give it one, as jurisdiction: %s, or say jurisdiction: none, because: \"…\", which the disclosure page shows", law.ID, law.Jurisdiction[0])
		}
	}
}

// firstLaw is the first law list that says where it holds; nil where there is none.
func (c *Config) firstLaw() *blocklists.Manifest {
	for _, manifest := range c.Blocklists {
		if manifest.Purpose == blocklists.Law && len(manifest.Jurisdiction) > 0 {
			return manifest
		}
	}
	return nil
}

// checkHardware warns where the system does not tell who is on the link.
func (c *Config) checkHardware(system string) {
	if system == "linux" {
		return
	}
	for i := range c.Clients {
		if len(c.Clients[i].Match.MAC) > 0 {
			c.report.warn(child(item("clients", i), "match.mac"), "matches nobody on %s: hardware addresses are known on Linux alone; match by networks or by server_name", system)
		}
	}
}

// checkClientRole looks at a token that binds clients. What bounds an authority bounds no such token.
func (c *Config) checkClientRole(path string, token *Token) {
	if token.Authority != "" || len(token.Lists) > 0 || token.DailyMax > 0 || token.Mail != "" {
		c.report.problem(path, "authority, lists, daily_max and mail bind tokens of role authority only")
	}
	if token.Role == "household" && len(token.Jurisdiction) > 0 {
		c.report.problem(child(path, "jurisdiction"), "is of roles authority and provisioning: a household cannot choose whose law holds")
	}
	for i, code := range token.Jurisdiction {
		if !countryForm.MatchString(code) {
			c.report.problem(item(child(path, "jurisdiction"), i), "%s is not an ISO 3166 code of two capitals", quote(code))
		}
	}
}

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
