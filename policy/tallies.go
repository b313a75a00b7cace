package policy

import (
	"sync/atomic"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/tally"
)

// Counter gives the counters of blocks, per list and purpose and never per name or client.
// The blocks of profiles' own names count under [OwnList].
type Counter interface {
	Blocked(list blocklists.ListID, purpose blocklists.Purpose) tally.Counter
	// WouldBlock counts what a list in shadow mode would have blocked.
	WouldBlock(list blocklists.ListID, purpose blocklists.Purpose) tally.Counter
}

// What profiles ask for counts a kind, for all of them together.
const (
	ServiceList blocklists.ListID = "service"
	SearchList  blocklists.ListID = "safe-search"
	OfflineList blocklists.ListID = "offline"
)

// counted is under which id the blocks of a list count.
func counted(list *bundle.List) (blocklists.ListID, blocklists.Purpose) {
	switch {
	case list.Manifest != nil:
		return list.ID, list.Manifest.Purpose
	case list.Kind == bundle.Service:
		return ServiceList, blocklists.User
	case list.Kind == bundle.SafeSearch:
		return SearchList, blocklists.User
	}
	return OwnList, blocklists.User
}

// OwnList stands, in counters, for the names that profiles deny by themselves: an id
// of its own would say which profile blocks how much.
const OwnList blocklists.ListID = "own-deny"

// tallies are the counters of one bundle's lists, looked up once.
type tallies struct {
	lists   []bundle.List   // not the bundle, which would stay mapped as long
	blocks  []tally.Counter // as the bundle's lists
	shadows []tally.Counter
	offline tally.Counter // of hours and pauses, which are no list's
}

// tallied keeps the counters of the bundle that is in force.
type tallied struct {
	counts Counter
	kept   atomic.Pointer[tallies]
}

// of gives the counters of a bundle. While two are in force, at the moment of a change, each
// may be looked up anew.
func (t *tallied) of(index *bundle.Bundle) *tallies {
	lists := index.Lists()
	if kept := t.kept.Load(); kept != nil && len(kept.lists) == len(lists) && (len(lists) == 0 || &kept.lists[0] == &lists[0]) {
		return kept
	}
	made := &tallies{lists: lists, offline: t.counts.Blocked(OfflineList, blocklists.User)}
	for i := range lists {
		id, purpose := counted(&lists[i])
		made.blocks = append(made.blocks, t.counts.Blocked(id, purpose))
		made.shadows = append(made.shadows, t.counts.WouldBlock(id, purpose))
	}
	t.kept.Store(made)
	return made
}
