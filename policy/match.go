package policy

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// The fixed codes of kinds of block that have no shared entry.
const (
	kindOwnDeny = "own-deny"
	kindService = "service"
	kindSearch  = "safe-search"
	kindOffline = "offline"
	kindPause   = "pause"
	kindSecret  = "secret:" // and the list's ID
	// A canary's kind is the ID of its list.
)

func roleOf(kind bundle.Kind) Role {
	switch kind {
	case bundle.ProfileAllow:
		return ProfileAllow
	case bundle.ProfileDeny:
		return ProfileDeny
	case bundle.OperatorException:
		return OperatorException
	case bundle.Service:
		return Service
	case bundle.SafeSearch:
		return SafeSearch
	case bundle.Help:
		return HelpName
	default:
		return Feed
	}
}

// matched is the explanation of a hit for this client. What all profiles share of their own
// names is put right: whose name it is, and which of the profile's covers the link.
func (h *hearing) matched(i int) Match {
	list, link := h.list(i), h.link(i)
	match := h.snapshot.match(h.hits.ids[i], list, link)
	match.ofProfile(h.who.Profile, list.Kind, link, h.at)
	return match
}

// ofProfile puts right what all profiles share of their own names.
func (m *Match) ofProfile(own *profile.Profile, kind bundle.Kind, link resolver.Link, at time.Time) {
	if own == nil {
		return
	}
	switch kind {
	case bundle.ProfileAllow:
		m.own(own, "allow")
		m.Entry.Name, _ = own.Allows(link.Name, at)
	case bundle.ProfileDeny:
		m.own(own, "deny")
		m.Entry.Name, _ = own.Denies(link.Name)
	case bundle.Service:
		m.own(own, "services")
		var service *profile.Service
		if service, m.Entry.Name = own.Withholds(link.Name); service != nil {
			m.Label = service.Title
		}
	case bundle.SafeSearch:
		m.own(own, "safe_search")
		m.Target, _ = own.Searches(link.Name)
		m.Label = m.Target.Engine
	}
}

// own makes the match the profile's: the index knows only that some profile has it.
func (m *Match) own(p *profile.Profile, key string) {
	m.Profile, m.Entry.Line = p.ID, 0
	m.Entry.List = blocklists.ListID("profile:" + p.ID + ":" + key)
}

// offline is the match of the hour: no entry's.
func (h *hearing) offline() Match {
	return h.snapshot.offline(h.who.Profile, h.phase, copied(resolver.Link{Name: h.question}))
}

func (s *Snapshot) offline(own *profile.Profile, phase profile.Phase, link resolver.Link) Match {
	match := Match{Role: Offline, Profile: own.ID, Link: link, Code: s.Key.Kind(kindOffline), Counts: true}
	if until := phase.Until; !until.IsZero() { // without the zone of the schedule, which says where somebody lives
		match.Lasts = time.Unix(until.Unix(), 0).UTC()
	}
	key := "schedule"
	if phase.State == profile.Paused {
		match.Role, match.Code, key = Pause, s.Key.Kind(kindPause), "pause"
	}
	match.Entry = blocklists.Entry{Name: match.Link.Name, Source: "configuration"}
	match.own(own, key)
	return match
}

// match makes the explanation of an entry. Everything in it is the caller's.
func (s *Snapshot) match(id uint32, list *bundle.List, link resolver.Link) Match {
	entry, _ := s.Bundle.Entry(id)
	return Match{
		Entry:    entry,
		Order:    s.Orders.Of(entry.List, entry.Order),
		Role:     roleOf(list.Kind),
		Manifest: list.Manifest,
		Link:     copied(link),
		Code:     s.code(list, &entry),
		Hold:     s.hold(&entry, list),
		ReviewBy: s.reviewOf(id, list),

		UnreachableSince: s.Unreachable[list.ID],
	}
}

// reviewOf is when the entry's review is due; zero for never.
func (s *Snapshot) reviewOf(id uint32, list *bundle.List) time.Time {
	if list.Kind != bundle.Feed {
		return time.Time{}
	}
	due := guard.ReviewDue(s.Bundle, id, list.Manifest, s.Guard.Ledger())
	if due == 0 {
		return time.Time{}
	}
	return time.Unix(due, 0).UTC()
}

// copied is a link that shares nothing with the query that it belongs to, not even for
// the compiler, which would else move what matches to the heap for every query.
func copied(link resolver.Link) resolver.Link {
	own := resolver.Link{Kind: link.Kind, Name: wire.Name(strings.Clone(string(link.Name)))}
	if link.Addr.IsValid() {
		own.Addr = netip.AddrFrom16(link.Addr.As16()).Unmap()
	}
	return own
}

func (s *Snapshot) code(list *bundle.List, entry *blocklists.Entry) Code {
	switch list.Kind {
	case bundle.ProfileDeny:
		return s.Key.Kind(kindOwnDeny)
	case bundle.Service:
		return s.Key.Kind(kindService)
	case bundle.SafeSearch:
		return s.Key.Kind(kindSearch)
	case bundle.Canary:
		return s.Key.Kind(string(list.ID))
	case bundle.ProfileAllow, bundle.OperatorException, bundle.Help:
		return 0 // they block nothing that could be explained
	}
	if list.Manifest.Disclosure == blocklists.Secret {
		return s.Key.Kind(kindSecret + string(list.ID))
	}
	return s.Key.Entry(list.Manifest, entry)
}

// CodeOf is the reason code of an entry of a list of this snapshot; zero, no code,
// for a list that is not in it.
func (s *Snapshot) CodeOf(entry blocklists.Entry) Code {
	lists := s.Bundle.Lists()
	for i := range lists {
		if lists[i].Manifest != nil && lists[i].ID == entry.List {
			return s.code(&lists[i], &entry)
		}
	}
	return 0
}

// Matches are all entries of shared lists that cover a name, in the order of
// precedence, for whomever they are: of every purpose and jurisdiction, with the
// exception that covers each, and those of secret lists too; who shows them to
// somebody looks at [blocklists.Manifest.Disclosure]. Names of profiles are left
// out. A match counts when neither an exception nor the end of its list stops it.
func (s *Snapshot) Matches(name wire.Name) []Match {
	return s.matches(name, func(uint32) bool { return true })
}

// matches are those of [Snapshot.Matches] whose ids are wanted.
func (s *Snapshot) matches(name wire.Name, wanted func(id uint32) bool) []Match {
	var room [32]uint32
	ids, err := s.Bundle.Match(name, room[:0])
	if err != nil {
		return nil // a damaged bundle: the one before takes its place at once
	}
	h := newHearing(s, name, hits{ids: ids}, profile.Who{}, time.Now())
	h.anybody = true
	var matches []Match
	for _, i := range h.order() {
		if list := h.list(i); list.Manifest != nil && wanted(h.hits.ids[i]) {
			matches = append(matches, h.shared(i, list))
		}
	}
	return matches
}

func (h *hearing) shared(i int, list *bundle.List) Match {
	match := h.snapshot.match(h.hits.ids[i], list, h.link(i))
	match.Action = h.action(i)
	match.Exception = h.covering(i, list)
	match.Counts = match.Exception == nil && !expired(list.Manifest, h.at) && h.blocksSomebody(i, list)
	return match
}

// blocksSomebody says whether the entry's own terms let it count for any client. What is
// staged does: for those in the share.
func (h *hearing) blocksSomebody(i int, list *bundle.List) bool {
	known := &h.hits.facts[i]
	standing := h.weighTerms(i, list, known)
	return (standing == counts || standing == notInShare) && known.terms.Standing != blocklists.Shadow
}

// covering is the exception that goes before the hit: a decided one, or one made of
// the operator's entry.
func (h *hearing) covering(i int, list *bundle.List) *blocklists.Exception {
	if found := h.exception(i, list); found != nil {
		copied := *found
		return &copied
	}
	if list.Manifest.Purpose == blocklists.Law || !h.exempt(i) {
		return nil
	}
	entry, _ := h.snapshot.Bundle.Entry(h.hits.ids[h.exemption(i)])
	return &blocklists.Exception{Kind: blocklists.Operator, List: list.ID, Name: entry.Name}
}

// order gives the indices of the hits in the order of precedence.
func (h *hearing) order() []int {
	indices := make([]int, len(h.hits.ids))
	for i := range indices {
		indices[i] = i
	}
	slices.SortStableFunc(indices, func(i, j int) int {
		switch {
		case h.before(i, j):
			return -1
		case h.before(j, i):
			return 1
		}
		return 0
	})
	return indices
}
