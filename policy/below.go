package policy

import (
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Below are entries of shared lists, like those of [Snapshot.Matches], that block something below a name and do not cover
// the name itself: in the order of the index, at most so many, and only those whose name passes the test; more
// says that there are others, or may be. Those of secret lists are left out before anything is counted, so that neither
// the number nor more tells of them. It is not for the path of queries.
func (s *Snapshot) Below(name wire.Name, most int, of func(owner wire.Name) bool) (matches []Match, more bool) {
	lists := s.Bundle.Lists()
	ids, more, err := s.Bundle.Below(name, most, func(owner wire.Name, id uint32) bool {
		manifest := lists[s.Bundle.ListIndex(id)].Manifest
		return manifest != nil && manifest.Disclosure != blocklists.Secret && of(owner)
	})
	if err != nil {
		return nil, false // as in Matches
	}
	for _, group := range s.covered(ids) {
		wanted := func(id uint32) bool { return slices.Contains(group.ids, id) }
		matches = append(matches, s.matches(group.name, wanted)...)
	}
	return matches, more
}

// coveredName is a name that entries cover, and their ids.
type coveredName struct {
	name wire.Name
	ids  []uint32
}

// covered finds a name for each entry that it covers: its own, or where it covers only what lies below, one there.
func (s *Snapshot) covered(ids []uint32) (groups []coveredName) {
	for _, id := range ids {
		entry, found := s.Bundle.Entry(id)
		name := entry.Name
		if entry.Scope == blocklists.Below {
			name = "\x01*" + name
		}
		if !found || len(name) > wire.MaxName {
			continue // what has no room for a name below it covers nothing
		}
		if last := len(groups) - 1; last >= 0 && groups[last].name == name {
			groups[last].ids = append(groups[last].ids, id)
		} else {
			groups = append(groups, coveredName{name: name, ids: []uint32{id}})
		}
	}
	return groups
}
