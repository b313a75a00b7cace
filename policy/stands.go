package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/profile"
)

// Stands says whether safeguards and review let an entry of a list act for every client at
// a time, and when that changes by itself; zero for never. It is what others are told who
// enforce the lists: they know no share of the clients and count no would-be blocks.
func (s *Snapshot) Stands(id uint32, at time.Time) (stands bool, turns time.Time) {
	list := s.Bundle.ListOf(id)
	if list == nil || list.Kind != bundle.Feed {
		return list != nil, time.Time{}
	}
	h := newHearing(s, "", hits{ids: []uint32{id}}, profile.Who{}, at)
	known := &h.hits.facts[0]
	standing := h.weighTerms(0, list, known)
	if known.terms.Standing == blocklists.Shadow || list.Manifest.Override == overrideDisabled {
		return false, time.Time{}
	}
	switch standing {
	case counts:
		if list.Manifest.Purpose == blocklists.Security {
			turns = s.reviewOf(id, list)
		}
	case notInShare:
		turns = time.Unix(int64(s.Bundle.FirstSeen(id)), 0).Add(list.Manifest.Stage.For)
	}
	return standing == counts, turns
}

// StandsBy is what [Snapshot.Stands] depends on beside the bundle and the time: another
// text means that it may say something else.
func (s *Snapshot) StandsBy() string {
	var text strings.Builder
	latest, confirmations := time.Time{}, s.Guard.Ledger().Records().Confirmations
	for i := range confirmations {
		if confirmations[i].At.After(latest) {
			latest = confirmations[i].At
		}
	}
	fmt.Fprint(&text, len(confirmations), latest.UnixNano())
	halted := s.trials.Halted()
	var lists []blocklists.ListID
	for list := range halted {
		lists = append(lists, list)
	}
	slices.Sort(lists)
	for _, list := range lists {
		fmt.Fprintf(&text, " %s@%d", list, halted[list].Unix())
	}
	return text.String()
}
