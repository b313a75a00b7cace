package policy

import (
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// step is a place in the order of precedence. Decided exceptions have none: they
// take an entry out of its list before any step is asked.
type step uint8

const (
	stepLaw step = iota
	stepOperator
	stepSecurity
	stepAllow
	stepDeny
	stepUser
)

// blocks says what an entry that decides at this step does.
func (s step) blocks() bool { return s != stepOperator && s != stepAllow }

// standing is whether an entry counts for a client, and why not.
type standing uint8

const (
	counts standing = iota
	excepted
	outOfDate      // its list has expired
	elsewhere      // law of another jurisdiction
	exempted       // the operator exempts the name
	exemptsLink    // an operator's exception that covers an alias alone
	notChosen      // a category that the client's profile did not ask for
	otherProfile   // a name of another profile's own
	questionsAlone // what a client asked for judges the question and no alias

	heldBack   // a safeguard holds it
	outOfTerm  // its own dates: not yet, or no more
	unreviewed // security, and its review was not held in time
	notInShare // staged, and the client's network is not in the share
	halted     // staged, and halted
	shadowed   // it would count, and is only counted
)

// hits are the entries that cover the question or its aliases, for any client: the
// question's first, then those of the aliases as the answer has them, for each link
// the longest owner first. No names means that all of them cover the question.
type hits struct {
	ids   []uint32
	names []wire.Name
}

// hearing is one judgment: what matches, who asks, and when. Weighing and deciding
// allocate nothing, for most of what matches concerns other clients.
type hearing struct {
	snapshot *Snapshot
	question wire.Name
	hits     hits
	who      profile.Who
	at       time.Time
	client   netip.Addr // for what is staged; invalid where nobody asks

	lists []bundle.List
	// Whether the operator exempts the question, or any alias.
	exemptQuestion, exemptAlias bool
	// shadows says that a hit of a list in shadow mode would count.
	shadows bool
}

func newHearing(snapshot *Snapshot, question wire.Name, found hits, who profile.Who, at time.Time) hearing {
	h := hearing{snapshot: snapshot, question: question, hits: found, who: who, at: at, lists: snapshot.Bundle.Lists()}
	for i := range found.ids {
		if h.list(i).Kind == bundle.OperatorException {
			alias := h.isAlias(i)
			h.exemptQuestion = h.exemptQuestion || !alias
			h.exemptAlias = h.exemptAlias || alias
		}
	}
	return h
}

func (h *hearing) list(i int) *bundle.List {
	return &h.lists[h.snapshot.Bundle.ListIndex(h.hits.ids[i])]
}

// link is the name that the hit covers.
func (h *hearing) link(i int) wire.Name {
	if h.hits.names == nil {
		return h.question
	}
	return h.hits.names[i]
}

func (h *hearing) isAlias(i int) bool {
	return h.hits.names != nil && h.hits.names[i] != h.question
}

// decide finds the hit that decides: the first that counts by step, then by the
// lists' order in the file, then the longest name. False: nothing counts.
func (h *hearing) decide() (winner int, found bool) {
	for i := range h.hits.ids {
		switch standing := h.weigh(i); {
		case standing == shadowed:
			h.shadows = true
		case standing == counts && (!found || h.before(i, winner)):
			winner, found = i, true
		}
	}
	return winner, found
}

// before says whether hit i is judged before hit j, which came earlier among the hits.
func (h *hearing) before(i, j int) bool {
	if mine, other := h.step(i), h.step(j); mine != other {
		return mine < other
	}
	index := h.snapshot.Bundle.ListIndex
	return index(h.hits.ids[i]) < index(h.hits.ids[j])
}

func (h *hearing) step(i int) step {
	switch list := h.list(i); list.Kind {
	case bundle.OperatorException:
		return stepOperator
	case bundle.ProfileAllow:
		return stepAllow
	case bundle.ProfileDeny:
		return stepDeny
	default:
		return stepOf(list.Manifest.Purpose)
	}
}

func stepOf(purpose blocklists.Purpose) step {
	switch purpose {
	case blocklists.Law:
		return stepLaw
	case blocklists.Security:
		return stepSecurity
	default:
		return stepUser
	}
}

// weigh says whether a hit counts for this client, now.
func (h *hearing) weigh(i int) standing {
	list := h.list(i)
	switch list.Kind {
	case bundle.OperatorException:
		if h.isAlias(i) {
			return exemptsLink
		}
		return counts
	case bundle.ProfileAllow, bundle.ProfileDeny:
		return h.weighOwn(i, list)
	}
	if expired(list.Manifest, h.at) {
		return outOfDate
	}
	if standing := h.weighTerms(i, list); standing != counts {
		return standing
	}
	if h.exception(i, list) != nil {
		return excepted
	}
	standing := h.weighFeed(i, list)
	if standing == counts && h.snapshot.Bundle.Terms(h.hits.ids[i]).Standing == blocklists.Shadow {
		return shadowed
	}
	return standing
}

func (h *hearing) weighOwn(i int, list *bundle.List) standing {
	switch {
	case h.who.Profile == nil || h.who.Profile.ID != list.Profile:
		return otherProfile
	case h.isAlias(i):
		return questionsAlone
	case list.Kind == bundle.ProfileDeny && h.exempt(i):
		return exempted
	}
	return counts
}

func (h *hearing) weighFeed(i int, list *bundle.List) standing {
	if list.Manifest.Purpose == blocklists.Law {
		if !inForce(list.Manifest, h.who.Jurisdiction) {
			return elsewhere
		}
		return counts
	}
	if h.exempt(i) {
		return exempted
	}
	if list.Manifest.Purpose == blocklists.Security {
		return counts
	}
	switch {
	case !h.who.Profile.Chose(list.Manifest.Category):
		return notChosen
	case h.isAlias(i):
		return questionsAlone
	}
	return counts
}

// inForce says whether a law list holds in a jurisdiction. No jurisdiction is none.
func inForce(manifest *blocklists.Manifest, jurisdiction string) bool {
	return jurisdiction != "" && slices.Contains(manifest.Jurisdiction, jurisdiction)
}

// expired says whether a list's end has come.
func expired(manifest *blocklists.Manifest, at time.Time) bool {
	return !manifest.Expires.IsZero() && !at.Before(manifest.Expires)
}

// exempt says whether the operator exempts the hit's link, or the question and with
// it whatever the question leads to. An exempted alias does not exempt the question
// that points to it: anybody can point a name at a name.
func (h *hearing) exempt(i int) bool {
	return h.exemptQuestion || h.exemptAlias && h.exemption(i) >= 0
}

// exemption finds the operator's entry that covers the hit; -1 if none does.
func (h *hearing) exemption(i int) int {
	for j := range h.hits.ids {
		if h.list(j).Kind == bundle.OperatorException && (h.link(j) == h.link(i) || !h.isAlias(j)) {
			return j
		}
	}
	return -1
}

// exception finds the exception in force that takes the hit's link, or the question
// that led to it, out of the list.
func (h *hearing) exception(i int, list *bundle.List) *blocklists.Exception {
	found := h.snapshot.exception(list, h.link(i))
	if found == nil && h.isAlias(i) {
		found = h.snapshot.exception(list, h.question)
	}
	return found
}

// exception finds the exception in force for a name in a list. One that the operator
// made does not go before law.
func (s *Snapshot) exception(list *bundle.List, name wire.Name) *blocklists.Exception {
	found := s.Overlay.Covers(list.ID, name)
	if found != nil && found.Kind == blocklists.Operator && list.Manifest.Purpose == blocklists.Law {
		return nil
	}
	return found
}
