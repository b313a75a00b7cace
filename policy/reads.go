package policy

import (
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// reads says whether a list judges links of a kind. A list that says nothing judges
// what its entries look at, hints excepted: the question, addresses and name servers;
// and aliases, unless it is a household's, which means the names that it sees.
func reads(manifest *blocklists.Manifest, kind resolver.LinkKind) bool {
	if len(manifest.Match) > 0 {
		return slices.Contains(manifest.Match, matchWord(kind))
	}
	switch kind {
	case resolver.Hint:
		return false
	case resolver.Alias:
		return manifest.Purpose != blocklists.User
	}
	return true
}

// matchWord is the word of a manifest's match for a kind of link.
func matchWord(kind resolver.LinkKind) string {
	switch kind {
	case resolver.Asked:
		return "question"
	case resolver.Alias:
		return "alias"
	case resolver.Address:
		return "address"
	case resolver.Hint:
		return "hint"
	case resolver.Asker:
		return "client"
	}
	return "nameserver"
}
