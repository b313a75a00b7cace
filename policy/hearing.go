package policy

import (
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// step is a place in the order of precedence. Decided exceptions have none: they
// take an entry out of its list before any step is asked.
type step uint8

const (
	stepLaw step = iota
	stepOperator
	stepSecurity
	stepHelp
	stepOffline // no entry's: all that the steps above it let through is withheld
	stepAllow
	stepDeny
	stepService
	stepUser
	stepSearch
)

// blocks says what an entry that decides at this step does.
func (s step) blocks() bool { return s != stepOperator && s != stepHelp && s != stepAllow }

// offlineHit stands for a hit where it is no entry that withholds the name but the hour.
const offlineHit = -1

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
	otherProfile   // a name of another profile's own, or of a service that this one did not choose
	resting        // the profile's filters rest
	otherType      // safe search, and the question is for other records
	questionsAlone // what a client asked for judges the question and no alias
	notRead        // the list's match leaves this kind of link out
	disabled       // the list's override is disabled

	heldBack   // a safeguard holds it
	unreviewed // security, and its review was not held in time
	notInShare // staged, and the client's network is not in the share
	halted     // staged, and halted
	passed     // the client has a pass
	shadowed   // it would count, and is only counted
)

// hearing is one judgment: what matches, who asks, and when. Weighing and deciding
// allocate nothing, for most of what matches concerns other clients.
type hearing struct {
	snapshot *Snapshot
	question wire.Name
	hits     hits
	who      profile.Who
	door     resolver.Door
	at       time.Time
	client   netip.Addr // for what is staged; invalid where nobody asks
	qtype    uint16     // 0 where any address is meant
	phase    profile.Phase
	// anybody: nobody asks, and what does not count for every client blocks for somebody.
	anybody bool

	lists []bundle.List
	// Whether the operator exempts the question, or any alias.
	exemptQuestion, exemptAlias bool
	// shadows says that a hit of a list in shadow mode would count.
	shadows bool
	// caller is who asks, as passes know it; passUntil is when the first pass ends that let a
	// hit by, zero where none did.
	caller    pass.Client
	passUntil time.Time
}

func newHearing(snapshot *Snapshot, question wire.Name, found hits, who profile.Who, at time.Time) hearing {
	if found.facts == nil {
		found.facts = snapshot.facts(found.ids, nil)
	}
	h := hearing{snapshot: snapshot, question: question, hits: found, who: who, at: at, lists: snapshot.Bundle.Lists(), phase: who.Profile.Phase(at)}
	for i := range h.hits.ids {
		if h.list(i).Kind == bundle.OperatorException {
			asked := h.kind(i) == resolver.Asked
			h.exemptQuestion = h.exemptQuestion || asked
			h.exemptAlias = h.exemptAlias || !asked
		}
	}
	return h
}

// place is where the list of a hit stands among the bundle's.
func (h *hearing) place(i int) int { return int(h.hits.facts[i].place) }

func (h *hearing) list(i int) *bundle.List { return &h.lists[h.place(i)] }

// link is what the hit covers.
func (h *hearing) link(i int) resolver.Link {
	if h.hits.links == nil {
		return resolver.Link{Name: h.question}
	}
	return h.hits.links[i]
}

func (h *hearing) kind(i int) resolver.LinkKind {
	if h.hits.links == nil {
		return resolver.Asked
	}
	return h.hits.links[i].Kind
}

// decide finds the hit that decides: the first that counts by step, then by the
// lists' order in the file, then by what it looks at, then the longest name. One that
// lets pass ends the search of its own step, but of law that of its own list alone: no
// order lifts another. False: nothing counts. In offline hours it may be no hit at all.
func (h *hearing) decide() (winner int, found bool) {
	winner, found = h.decideHits()
	if !h.phase.Withholds() || found && h.step(winner) != stepOperator && h.step(winner) < stepOffline {
		return winner, found
	}
	// The operator's exceptions mend lists, and no hour.
	if help, is := h.first(stepHelp, 0); is && h.step(help) == stepHelp {
		return help, true
	}
	return offlineHit, true
}

func (h *hearing) decideHits() (winner int, found bool) {
	from, list := stepLaw, 0
	for {
		winner, found = h.first(from, list)
		if !found || h.action(winner) != blocklists.Passthru {
			return winner, found
		}
		if from, list = h.step(winner), h.place(winner)+1; from != stepLaw {
			from, list = from+1, 0
		}
	}
}

// first finds the hit that decides among those of a step's lists from the given one
// on, and of the steps behind it.
func (h *hearing) first(from step, list int) (winner int, found bool) {
	for i := range h.hits.ids {
		if step := h.step(i); step < from || step == from && h.place(i) < list {
			continue
		}
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
	if mine, other := h.place(i), h.place(j); mine != other {
		return mine < other
	}
	return rank(h.kind(i)) < rank(h.kind(j))
}

// rank is the order within one list of what an entry looks at, which is that of
// response policy zones (draft-vixie-dnsop-dns-rpz-00, section 5).
func rank(kind resolver.LinkKind) int {
	switch kind {
	case resolver.Asker:
		return 0
	case resolver.Asked, resolver.Alias:
		return 1
	case resolver.Address, resolver.Hint:
		return 2
	case resolver.Nameserver:
		return 3
	}
	return 4
}

func (h *hearing) step(i int) step {
	if i == offlineHit {
		return stepOffline
	}
	switch list := h.list(i); list.Kind {
	case bundle.OperatorException:
		return stepOperator
	case bundle.ProfileAllow:
		return stepAllow
	case bundle.ProfileDeny:
		return stepDeny
	case bundle.Service:
		return stepService
	case bundle.SafeSearch:
		return stepSearch
	case bundle.Help:
		return stepHelp
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
	known := &h.hits.facts[i]
	list := &h.lists[known.place]
	switch list.Kind {
	case bundle.OperatorException:
		if h.kind(i) != resolver.Asked {
			return exemptsLink
		}
		return counts
	case bundle.Help:
		if h.kind(i) != resolver.Asked {
			return questionsAlone
		}
		return counts
	case bundle.ProfileAllow, bundle.ProfileDeny, bundle.Service, bundle.SafeSearch:
		return h.weighOwn(i, list)
	}
	switch {
	case expired(list.Manifest, h.at), !known.terms.InForce(h.at):
		return outOfDate
	case list.Manifest.Override == overrideDisabled:
		return disabled
	case !reads(list.Manifest, h.kind(i)):
		return notRead
	}
	if standing := h.weighTerms(i, list, known); standing != counts {
		return standing
	}
	if h.isExcepted(i) {
		return excepted
	}
	standing := h.weighFeed(i, list)
	if standing == counts && known.terms.Standing == blocklists.Shadow {
		return shadowed
	}
	return standing
}

// weighOwn weighs a hit of a list that all profiles share. Where several entries of it cover
// the link the first stands for all: what this profile says is asked of the profile.
func (h *hearing) weighOwn(i int, list *bundle.List) standing {
	for j := range i {
		if h.place(j) == h.place(i) && h.kind(j) == h.kind(i) && h.link(j).Name == h.link(i).Name {
			return otherProfile
		}
	}
	switch {
	case !h.isOwn(list.Kind, h.link(i).Name):
		return otherProfile
	case h.kind(i) != resolver.Asked:
		return questionsAlone
	case list.Kind == bundle.ProfileAllow:
		return counts
	case h.exempt(i):
		return exempted
	case h.phase.State == profile.Resting:
		return resting
	case list.Kind == bundle.SafeSearch && !isSearched(h.qtype):
		return otherType
	}
	return counts
}

// isOwn says whether the client's profile says of a name what a list of this kind holds.
func (h *hearing) isOwn(kind bundle.Kind, name wire.Name) bool {
	var found bool
	switch kind {
	case bundle.ProfileAllow:
		_, found = h.who.Profile.Allows(name, h.at)
	case bundle.ProfileDeny:
		_, found = h.who.Profile.Denies(name)
	case bundle.Service:
		service, _ := h.who.Profile.Withholds(name)
		found = service != nil
	case bundle.SafeSearch:
		_, found = h.who.Profile.Searches(name)
	}
	return found
}

func (h *hearing) weighFeed(i int, list *bundle.List) standing {
	if list.Manifest.Purpose == blocklists.Law {
		if !h.hits.facts[i].inForce(list.Manifest, h.who.Jurisdiction) {
			return elsewhere
		}
		return counts
	}
	if h.exempt(i) {
		return exempted
	}
	if list.Manifest.Purpose == blocklists.Security {
		if h.isPassed(i, list.Manifest) {
			return passed
		}
		return counts
	}
	if !h.who.Profile.Chose(list.Manifest.Category) {
		return notChosen
	}
	if h.phase.State == profile.Resting {
		return resting
	}
	return counts
}

// inForce says whether an entry of a law list holds in a jurisdiction: its order, or else the
// list. No jurisdiction is none.
func (f *fact) inForce(manifest *blocklists.Manifest, jurisdiction string) bool {
	if f.order != nil {
		return f.order.InForceIn(jurisdiction)
	}
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
		if h.list(j).Kind == bundle.OperatorException && (h.link(j) == h.link(i) || h.kind(j) == resolver.Asked) {
			return j
		}
	}
	return -1
}

// exception finds the exception in force that takes the hit's link, or the question
// that led to it, out of the list.
func (h *hearing) exception(i int, list *bundle.List) *blocklists.Exception {
	link := h.link(i)
	if link.Kind == resolver.Asked || link.Kind == resolver.Alias {
		if found := h.exceptionFor(list, link.Name); found != nil {
			return found
		}
	}
	if link.Kind == resolver.Asked {
		return nil
	}
	return h.exceptionFor(list, h.question)
}

// exceptionFor finds the exception in force for a name in a list and this client, or where
// nobody asks for all. One that the operator made does not go before law.
func (h *hearing) exceptionFor(list *bundle.List, name wire.Name) *blocklists.Exception {
	var found *blocklists.Exception
	if h.anybody {
		found = h.snapshot.Overlay.Covers(list.ID, name)
	} else {
		found = h.snapshot.Overlay.CoversIn(list.ID, name, h.who.Jurisdiction)
	}
	if found != nil && found.Kind == blocklists.Operator && list.Manifest.Purpose == blocklists.Law {
		return nil
	}
	return found
}
