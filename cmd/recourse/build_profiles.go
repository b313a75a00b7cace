package main

import (
	"context"
	"net/netip"
	"net/url"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// startProfiles reads the profiles that were changed over the API, before any lists are loaded.
func (n *node) startProfiles(ctx context.Context, held *state, database *store.DB, from decisions, current *policy.Current) error {
	n.profiles = newProfileBook(database, from, current, held.path(profilesFile), n.logger)
	n.profiles.rules = func() *rules { return n.importer.last.Load().rules }
	n.profiles.compile = func(ctx context.Context) error {
		n.importer.importing.Lock()
		defer n.importer.importing.Unlock()
		return n.importer.again(ctx)
	}
	if err := n.later(n.profiles.begin(ctx)); err != nil {
		return err
	}
	n.profiles.warnOfChanged(n.config.Profiles)
	return nil
}

// checkHousehold holds a household's token to profiles that there are.
func (c *Config) checkHousehold(path string, token *Token) {
	if token.Role != string(redress.Household) && len(token.Profiles) > 0 {
		c.report.problem(child(path, "profiles"), "binds tokens of role household only")
	}
	if token.Role == string(redress.Household) && len(token.Profiles) == 0 {
		c.report.warn(path, "has no profiles: it may change every profile; name those of its home, as profiles: [tablet]")
	}
}

// helpNames are the names that nothing which a user asked for withholds: those that are built
// in, the operator's, and the portal's own.
func (c *Config) helpNames() ([]wire.Name, error) {
	builtIn, err := profile.HelpNames()
	if err != nil {
		return nil, err
	}
	names := make([]wire.Name, 0, len(builtIn)+len(c.Operator.HelpNames)+1)
	for i := range builtIn {
		names = append(names, builtIn[i].Name)
	}
	for _, text := range c.Operator.HelpNames {
		name, err := wire.ParseName(text)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if name := hostOf(c.Operator.Portal); name != "" {
		names = append(names, name)
	}
	return names, nil
}

// hostOf is the name that an address of the web is at; "" where it has none.
func hostOf(address string) wire.Name {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(parsed.Hostname()); err == nil {
		return ""
	}
	name, err := wire.ParseName(parsed.Hostname())
	if err != nil || name.Labels() < 2 {
		return "" // localhost, and what is no name
	}
	return name
}

// checkHelpNames holds the operator's names of help to being names: one of a whole top-level
// domain would take everybody's filters away.
func (c *Config) checkHelpNames() {
	for i, text := range c.Operator.HelpNames {
		switch name, err := wire.ParseName(text); {
		case err != nil:
			c.report.problem(item("operator.help_names", i), "%s", err)
		case name.Labels() < 2:
			c.report.problem(item("operator.help_names", i), "%s is a whole top-level domain: name who helps, as childline.org.uk", quote(text))
		}
	}
}
