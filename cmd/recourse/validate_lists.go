package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/profile"
)

func (c *Config) checkBundle() {
	if _, said := c.report.lines["bundle.guard"]; said && c.Bundle.Guard == "off" && !c.report.isBad("bundle.guard") {
		c.report.warn("bundle.guard", "is off: lists are loaded as they are, without holds and limits; for tests only")
	}
	for i, text := range c.Bundle.Protected {
		if _, err := guard.ParseProtected(text); err != nil {
			c.report.problem(item("bundle.protected", i), "%s; write NAME, =NAME for the name alone, .NAME for all below it, or a network", err)
		}
	}
	c.checkPopular()
	for i := range c.Bundle.Licensed {
		c.checkLicensed(item("bundle.licensed", i), &c.Bundle.Licensed[i])
	}
	if c.Bundle.Keep == 0 && !c.report.isBad("bundle.keep") {
		c.report.problem("bundle.keep", "must be at least 1: a generation to go back to")
	}
}

func (c *Config) checkPopular() {
	popular := &c.Bundle.Popular
	if popular.File == "" {
		if popular.HoldAbove > 0 {
			c.report.problem("bundle.popular.file", "is missing: hold_above needs the names by rank")
		}
		return
	}
	ranks := c.checkRanks("bundle.popular.file", popular.File)
	switch {
	case ranks == nil:
	case ranks.Sorted && popular.HoldAbove > 0 && int64(popular.HoldAbove) < int64(ranks.Len()):
		c.report.warn("bundle.popular.file", "%s is in the order of the alphabet: its places are no ranks, so that hold_above should take in all of it", quote(popular.File))
	case popular.HoldAbove == 0:
		c.report.warn("bundle.popular.hold_above", "is missing: popular names are reported and never held")
	}
}

func (c *Config) checkLicensed(path string, licensed *Licensed) {
	if licensed.Title == "" {
		c.report.problem(child(path, "title"), "is missing: who licenses the names")
	}
	if licensed.File == "" {
		c.report.problem(child(path, "file"), "is missing: the names, one a line")
		return
	}
	c.checkRanks(child(path, "file"), licensed.File)
}

// checkRanks reads a file of names; nil where it cannot be, which is told.
func (c *Config) checkRanks(path, file string) *guard.Ranks {
	if c.report.isBad(path) {
		return nil
	}
	ranks, err := readRanks(c.File(file))
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) { // a node answers without it; who runs it should know
			c.report.warn(path, "%s cannot be read: %s; until it can, its names are not known", quote(file), reason(err))
			return nil
		}
		c.report.problem(path, "%s", err)
		return nil
	}
	return ranks
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
	c.checkSource(child(path, "source"), manifest)
	if name, builtin := strings.CutPrefix(manifest.Source.File, builtinScheme); !builtin {
		if !c.hasCopy(manifest) { // a file that vanished keeps no node from starting
			c.checkFile(child(path, "source.file"), manifest.Source.File)
		}
	} else if _, err := fs.Stat(builtinLists(), name); err != nil {
		c.report.problem(child(path, "source.file"), "%s is not built in: law, security and user are", quote(manifest.Source.File))
	}
	if manifest.Answer == blocklists.Page && len(c.BlockPage.IPv4)+len(c.BlockPage.IPv6) == 0 {
		c.report.problem(child(path, "answer"), "page needs an address in block_page.ipv4 or block_page.ipv6")
	}
	if manifest.OnlyNetNeutrality() {
		c.report.warn(child(path, "legal_basis"), "Regulation (EU) 2015/2120 is the only basis: its Article 3(3) permits what an act or an order demands, and demands nothing itself; name that act or order")
	}
	if manifest.Shadow {
		c.report.warn(child(path, "shadow"), "list %q is counted, and blocks nothing", manifest.ID)
	}
	if !manifest.Expires.IsZero() && manifest.Expires.Before(time.Now()) {
		c.report.warn(child(path, "expires"), "list %q ended on %s", manifest.ID, manifest.Expires.Format(time.DateOnly))
	}
}

// hasCopy says whether the state has a copy of the list.
func (c *Config) hasCopy(manifest *blocklists.Manifest) bool {
	kept := fetch.New(filepath.Join(c.StateDir(), listsDir), nil, slog.New(slog.DiscardHandler))
	return kept.Status(manifest).SHA256 != ""
}

func (c *Config) checkProfiles() {
	_, problems := profile.NewProfiles(c.Profiles, c.listsOffered())
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
