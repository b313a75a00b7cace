package policy

import (
	"sync/atomic"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// recall gives what matches an answer: from its memo, if that is of this bundle,
// else from the answer itself, and then leaves a memo. With a memo of this bundle it
// allocates nothing.
func (s *Snapshot) recall(question wire.Name, answer *resolver.Answer) (hits, error) {
	if answer.Memo == nil {
		return matchAnswer(s.Bundle, question, answer)
	}
	kept := answer.Memo.Load()
	if kept == s.nothing && kept != nil {
		return hits{}, nil
	}
	if kept == nil || kept.Generation != s.Bundle.Generation() {
		found, err := matchAnswer(s.Bundle, question, answer)
		if err == nil {
			s.remember(answer.Memo, kept, found)
		}
		return found, err
	}
	found := hits{ids: kept.IDs, links: kept.Links}
	if kept.Sequence != s.Overlay.Sequence() {
		// Only the overlay moved: what matches is what matched, and is weighed anew.
		s.remember(answer.Memo, kept, found)
	}
	return found, nil
}

// remember leaves a memo where the one that was read still is. Who read an older
// bundle than the memo's, because a new one came meanwhile, leaves that alone.
func (s *Snapshot) remember(slot *atomic.Pointer[resolver.Memo], before *resolver.Memo, found hits) {
	generation := s.Bundle.Generation()
	if before != nil && before.Generation > generation {
		return
	}
	memo := s.nothing
	if memo == nil || len(found.ids) > 0 {
		memo = &resolver.Memo{Generation: generation, Sequence: s.Overlay.Sequence(), IDs: found.ids, Links: found.links}
	}
	slot.CompareAndSwap(before, memo)
}
