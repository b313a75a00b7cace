package main

import (
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
)

// listsOffered are what a profile can ask for a category of: the lists, and the canaries that
// are switched on.
func (c *Config) listsOffered() []*blocklists.Manifest {
	return slices.Concat(c.Blocklists, c.Canaries.Manifests())
}

func (c *Config) checkCanaries() {
	for _, problem := range c.Canaries.Problems() {
		c.report.problem(child("canaries", problem.Key), "%s", problem.Text)
	}
	for _, one := range c.Canaries.On() {
		if one.Manifest.Purpose != blocklists.User {
			continue
		}
		wanted := false
		for i := range c.Profiles {
			wanted = wanted || slices.Contains(c.Profiles[i].Categories, one.Manifest.Category)
		}
		if !wanted {
			c.report.warn(child("canaries", one.Key), "is of purpose user, and no profile asks for category %s: it is answered for nobody", one.Manifest.Category)
		}
	}
}
