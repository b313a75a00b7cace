package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
)

// weighTerms says whether an entry's own terms let it count: the
// safeguards, its review and its stage. Shadow comes last of all, when the entry would
// count: what it would have done is what is counted.
func (h *hearing) weighTerms(i int, list *bundle.List, known *fact) standing {
	switch {
	case known.terms.Standing == blocklists.Held:
		return heldBack
	case known.due != 0 && h.at.Unix() >= known.due: // of security alone
		return unreviewed
	case known.terms.Standing == blocklists.Staged:
		return h.weighStaged(i, list)
	}
	return counts
}

func (h *hearing) weighStaged(i int, list *bundle.List) standing {
	one := h.snapshot.trials.of(h.place(i))
	switch {
	case one != nil && one.counts.halted.Load() != 0:
		return halted
	case list.Manifest.Stage.Over(h.snapshot.Bundle.FirstSeen(h.hits.ids[i]), h.at):
		return counts
	case one == nil || !h.snapshot.trials.inShare(one, h.client):
		return notInShare
	}
	return counts
}

// staged says whether the hit is of an entry that is still on trial.
func (h *hearing) staged(i int) bool {
	id := h.hits.ids[i]
	return h.hits.facts[i].terms.Standing == blocklists.Staged &&
		!h.list(i).Manifest.Stage.Over(h.snapshot.Bundle.FirstSeen(id), h.at)
}

// Hold is what a safeguard holds of a match, or held before people released it.
type Hold struct {
	Safeguard  blocklists.Safeguard
	Detail     string
	Since      time.Time // zero where it is not written down yet
	ReleasedBy []string
	Needed     int // different people, in all
	Released   bool
}

// hold finds what is known of the hold on an entry; nil if there is none.
func (s *Snapshot) hold(entry *blocklists.Entry, list *bundle.List) *Hold {
	if list.Kind != bundle.Feed {
		return nil
	}
	if entry.Order != "" {
		return s.holdOfOrder(entry)
	}
	ledger := s.Guard.Ledger()
	known := ledger.Of(list.ID, blocklists.SubjectOf(entry))
	if known != nil && (entry.Standing == blocklists.Held || known.Released()) {
		return holdOf(known)
	}
	if entry.Standing != blocklists.Held {
		return nil
	}
	if found, is := s.Guard.FindEntry(entry); is {
		return &Hold{Safeguard: found.Safeguard, Detail: found.String(), Needed: list.Manifest.Purpose.Needed()}
	}
	if known = ledger.OfList(list.ID, blocklists.Growth); known != nil {
		return holdOf(known)
	}
	return &Hold{Safeguard: blocklists.Growth, Needed: list.Manifest.Purpose.Needed()}
}

// holdOfOrder is what a safeguard found in a name of an order that it holds.
func (s *Snapshot) holdOfOrder(entry *blocklists.Entry) *Hold {
	if entry.Standing != blocklists.Held {
		return nil
	}
	made := &Hold{Safeguard: blocklists.Overruled, Detail: "lifted before by another decision", Since: entry.FirstSeen, Needed: blocklists.Law.Needed()}
	if found, is := s.Guard.FindOrdered(entry); is {
		made.Safeguard, made.Detail = found.Safeguard, found.String()
	}
	return made
}

func holdOf(known *blocklists.Hold) *Hold {
	return &Hold{Safeguard: known.Safeguard, Detail: known.Detail, Since: known.Since.UTC(), ReleasedBy: known.ReleasedBy(),
		Needed: known.Purpose.Needed(), Released: known.Released()}
}

// String says it as an explanation does.
func (h *Hold) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "held by safeguard %s", h.Safeguard)
	if !h.Since.IsZero() {
		fmt.Fprintf(&text, " since %s", h.Since.Format(time.RFC3339))
	}
	switch {
	case len(h.ReleasedBy) == 0:
		text.WriteString(", released by nobody")
	default:
		fmt.Fprintf(&text, ", released by %s", strings.Join(h.ReleasedBy, ", "))
	}
	if missing := h.Needed - len(h.ReleasedBy); missing > 0 {
		fmt.Fprintf(&text, " (%d of %d people)", len(h.ReleasedBy), h.Needed)
	}
	return text.String()
}
