package portal

import (
	"maps"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
)

// titleOf is a list's title in the reader's language, in English, or in the first language that it has.
func titleOf(language string, titles map[string]string) string {
	for _, wanted := range []string{language, "en"} {
		if title := titles[wanted]; title != "" {
			return title
		}
	}
	for _, other := range slices.Sorted(maps.Keys(titles)) {
		return titles[other]
	}
	return ""
}

// venuesFor are the venues that hear one question. One that says nothing hears the merits.
func venuesFor(question string, venues []blocklists.Venue) []blocklists.Venue {
	var fitting []blocklists.Venue
	for _, venue := range venues {
		if venue.For == question || venue.For == "" && question == "merits" {
			fitting = append(fitting, venue)
		}
	}
	return fitting
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}
