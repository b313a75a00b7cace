package policy

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// maxAliases bounds the alias records of one answer that are judged. No client
// follows so many, and an answer that cannot be judged whole is not handed on.
const maxAliases = 64

var errTooManyAliases = errors.New("more alias records than are followed")

// recall gives what matches an answer: from its memo, if that is of this bundle,
// else from the answer itself, and then leaves a memo. With a memo of this bundle it
// allocates nothing.
func (s *Snapshot) recall(question wire.Name, answer *resolver.Answer) (hits, error) {
	if answer.Memo == nil {
		return matchAnswer(s.Bundle, question, answer.Signed.Wire)
	}
	kept := answer.Memo.Load()
	if kept == nil || kept.Generation != s.Bundle.Generation() {
		found, err := matchAnswer(s.Bundle, question, answer.Signed.Wire)
		if err == nil {
			s.remember(answer.Memo, kept, found)
		}
		return found, err
	}
	found := hits{ids: kept.IDs, names: kept.Names}
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
	memo := &resolver.Memo{Generation: generation, Sequence: s.Overlay.Sequence(), IDs: found.ids, Names: found.names}
	slot.CompareAndSwap(before, memo)
}

// matchAnswer looks up the question and the targets of all alias records in the
// answer section. It does not follow the chain: an alias that is there and leads to
// a listed name is one that some client follows. A DNAME is judged by the CNAME that
// goes with it (RFC 6672, section 3.1).
func matchAnswer(index *bundle.Bundle, question wire.Name, message []byte) (hits, error) {
	ids, err := index.Match(question, nil)
	if err != nil {
		return hits{}, err
	}
	found := hits{ids: ids}
	found.name(question)
	aliases := 0
	var buffer [wire.MaxName]byte
	for record, err := range wire.Records(message) {
		if err != nil {
			return hits{}, err
		}
		if record.Section != wire.AnswerSection {
			break
		}
		if record.Type != wire.TypeCNAME {
			continue
		}
		if aliases++; aliases > maxAliases {
			return hits{}, errTooManyAliases
		}
		target, _, err := wire.ReadName(message, record.DataOffset, &buffer)
		if err != nil {
			return hits{}, err
		}
		if target != question && !slices.Contains(found.names, target) {
			if found.ids, err = index.Match(target, found.ids); err != nil {
				return hits{}, err
			}
			found.name(target)
		}
	}
	return found, nil
}

// name notes the link that the newest ids were found by, as a copy of its own.
func (h *hits) name(link wire.Name) {
	if len(h.names) == len(h.ids) {
		return
	}
	kept := wire.Name(strings.Clone(string(link)))
	for len(h.names) < len(h.ids) {
		h.names = append(h.names, kept)
	}
}
