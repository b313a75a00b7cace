package policy

import (
	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

// fact is what of an entry that matches depends on the snapshot alone, and not on who asks or
// when. It is read once and asked for again and again.
type fact struct {
	place int32 // of its list among the bundle's
	terms blocklists.Terms
	due   int64 // when its review is due, in seconds since 1970; 0 for never
}

func (s *Snapshot) fact(id uint32, lists []bundle.List) fact {
	made := fact{place: int32(s.Bundle.ListIndex(id)), terms: s.Bundle.Terms(id)}
	if manifest := lists[made.place].Manifest; manifest != nil && manifest.Purpose == blocklists.Security {
		made.due = guard.ReviewDue(s.Bundle, id, manifest, s.Guard.Ledger())
	}
	return made
}

// fact is that of a hit: remembered, or read when the hearing began.
func (h *hearing) fact(i int) fact {
	switch {
	case h.hits.facts != nil:
		return h.hits.facts[i]
	case i < len(h.facts):
		return h.facts[i]
	}
	return h.more[i-len(h.facts)]
}

// look reads the facts, where they are not remembered, and gives those that are more than there is
// room for. The snapshot is the hearing's; by itself it may be kept, and what matches then need not
// leave the caller's stack.
func (h *hearing) look(snapshot *Snapshot, lists []bundle.List) (more []fact) {
	for i, id := range h.hits.ids {
		switch {
		case h.hits.facts != nil:
		case i < len(h.facts):
			h.facts[i] = snapshot.fact(id, lists)
		default:
			more = append(more, snapshot.fact(id, lists))
		}
	}
	return more
}
