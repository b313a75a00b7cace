package main

import (
	"io/fs"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
)

func (c *Config) checkBundle() {
	if _, said := c.report.lines["bundle.guard"]; said && c.Bundle.Guard == "off" && !c.report.isBad("bundle.guard") {
		c.report.warn("bundle.guard", "is off: lists are loaded as they are, without holds and limits; for tests only")
	}
}

func (c *Config) checkLists() {
	first := map[blocklists.ListID]int{}
	for i, manifest := range c.Blocklists {
		path := item("blocklists", i)
		if manifest == nil {
			c.Blocklists[i] = new(blocklists.Manifest)
			continue // the decoder has told why
		}
		for _, problem := range manifest.Problems() {
			c.report.problem(child(path, problem.Key), "%s", problem.Text)
		}
		if earlier, twice := first[manifest.ID]; twice && manifest.ID != "" {
			c.report.problem(child(path, "id"), "%q is the id of blocklists[%d] already", manifest.ID, earlier)
		} else {
			first[manifest.ID] = i
		}
		c.checkList(path, manifest)
	}
}

func (c *Config) checkList(path string, manifest *blocklists.Manifest) {
	if why, supported := manifest.Supported(); !supported {
		c.report.warn(path, "list %q is not loaded: not supported by this version yet (%s)", manifest.ID, why)
		return
	}
	c.checkSource(child(path, "source"), manifest)
	if name, builtin := strings.CutPrefix(manifest.Source.File, builtinScheme); !builtin {
		c.checkFile(child(path, "source.file"), manifest.Source.File)
	} else if _, err := fs.Stat(builtinLists(), name); err != nil {
		c.report.problem(child(path, "source.file"), "%s is not built in: law, security and user are", quote(manifest.Source.File))
	}
	if manifest.Answer == blocklists.Page && len(c.BlockPage.IPv4)+len(c.BlockPage.IPv6) == 0 {
		c.report.problem(child(path, "answer"), "page needs an address in block_page.ipv4 or block_page.ipv6")
	}
	if !manifest.Expires.IsZero() && manifest.Expires.Before(time.Now()) {
		c.report.warn(child(path, "expires"), "list %q ended on %s", manifest.ID, manifest.Expires.Format(time.DateOnly))
	}
}

func (c *Config) checkProfiles() {
	_, problems := profile.NewProfiles(c.Profiles, c.Blocklists)
	unsure := c.unsureCategories()
	for _, problem := range problems {
		if unsure && strings.Contains(problem.Key, ".categories[") {
			continue // the list that would have it may be one with a mistake
		}
		c.report.problem(problem.Key, "%s", problem.Text)
	}
}

// unsureCategories says whether the file does not tell which categories the lists have.
func (c *Config) unsureCategories() bool {
	if c.report.isBad("blocklists") {
		return true
	}
	for i := range c.Blocklists {
		path := item("blocklists", i)
		if c.report.isBad(child(path, "purpose")) || c.report.isBad(child(path, "category")) {
			return true
		}
	}
	return false
}

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
		if c.report.isBad("profiles") && strings.HasSuffix(problem.Key, ".profile") {
			continue
		}
		c.report.problem(problem.Key, "%s", problem.Text)
	}
	c.checkJurisdictions()
}

// checkJurisdictions names the networks for which no law holds although there is
// a law list: it is more often forgotten than meant.
func (c *Config) checkJurisdictions() {
	var law *blocklists.Manifest
	for _, manifest := range c.Blocklists {
		if manifest.Purpose == blocklists.Law {
			law = manifest
			break
		}
	}
	if law == nil {
		return
	}
	for i := range c.Clients {
		path := item("clients", i)
		if len(c.Clients[i].Match.Networks) > 0 && c.Clients[i].Jurisdiction == "" && !c.report.isBad(child(path, "jurisdiction")) {
			c.report.warn(path, "has no jurisdiction, so that no law list, as %q, holds for its networks", law.ID)
		}
	}
}
