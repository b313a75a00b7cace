package policy

import (
	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// maxAlso is how many entries beside the deciding one a justification names at most.
const maxAlso = 8

// also are the entries that would block a name for one client if the deciding one did not. Two
// are compared: what is said of them is remembered, and never told to a client of whom it is
// not true.
type also struct {
	ids   [maxAlso]uint32
	count int
}

// also finds them: in each list the one that decides there, as long as nothing lets the name
// pass before it is reached.
func (h *hearing) also(winner int) also {
	var found also
	from, list := h.step(winner), 0
	if winner != offlineHit { // which is in no list
		list = h.place(winner) + 1
	}
	for found.count < maxAlso {
		next, any := h.first(from, list)
		if !any || h.step(next) == stepAllow || h.step(next) == stepHelp || h.step(next) == stepSearch {
			break // what lets the name pass, and what blocks nothing
		}
		from, list = h.step(next), h.place(next)+1
		passes := h.action(next) == blocklists.Passthru
		switch {
		case !from.blocks(), passes && from != stepLaw:
			from, list = from+1, 0
		case !passes:
			found.ids[found.count] = h.hits.ids[next]
			found.count++
		}
	}
	return found
}

// also are the entries with what explains them, whatever they cover of the question.
func (s *Snapshot) also(others *also) []Match {
	made := make([]Match, 0, others.count)
	for _, id := range others.ids[:others.count] {
		made = append(made, s.match(id, &s.Bundle.Lists()[s.Bundle.ListIndex(id)], resolver.Link{}))
	}
	return made
}
