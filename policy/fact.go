package policy

import (
	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/guard"
)

// fact is what of an entry that matches depends on the snapshot alone, and not on who asks or
// when. It is read once and asked for again and again.
type fact struct {
	place  int32 // of its list among the bundle's
	lifted lifted
	terms  blocklists.Terms
	due    int64             // when its review is due, in seconds since 1970; 0 for never
	order  *blocklists.Order // nil for a list's own
}

// lifted is whether an exception takes the question out of the entry's list.
type lifted uint8

const (
	notAsked lifted = iota // it is looked up where it matters
	isLifted
	notLifted
)

// commonHits is how many hits find room on the stack; seldom are there more.
const commonHits = 8

// facts appends those of all hits.
func (s *Snapshot) facts(ids []uint32, into []fact) []fact {
	for _, id := range ids {
		made := fact{place: int32(s.Bundle.ListIndex(id)), terms: s.Bundle.Terms(id)}
		if list := &s.Bundle.Lists()[made.place]; list.Manifest != nil && list.Manifest.Purpose == blocklists.Security {
			made.due = guard.ReviewDue(s.Bundle, id, list.Manifest, s.Guard.Ledger())
		}
		made.order = s.orderOf(id, s.Bundle.Lists()[made.place].Manifest)
		into = append(into, made)
	}
	return into
}

// lasting are the facts of hits that the question's own name has all matched, as they are
// remembered.
func (h *hearing) lasting() []fact {
	facts := make([]fact, len(h.hits.facts))
	for i, known := range h.hits.facts {
		if list := &h.lists[known.place]; list.Manifest != nil {
			if h.snapshot.Overlay.varies(list.ID, h.question) {
				known.lifted = notAsked
				facts[i] = known
				continue
			}
			known.lifted = notLifted
			if h.exception(i, list) != nil {
				known.lifted = isLifted
			}
		}
		facts[i] = known
	}
	return facts
}

// isExcepted says whether an exception takes the hit out of its list.
func (h *hearing) isExcepted(i int) bool {
	known := &h.hits.facts[i]
	if known.lifted != notAsked {
		return known.lifted == isLifted
	}
	return h.exception(i, &h.lists[known.place]) != nil
}
