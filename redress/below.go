package redress

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds of what is done about names below a contested one.
const (
	// MaxBelow is for the entries of how many names one proof opens cases at the most, and MaxBelowCases
	// how many cases those are.
	MaxBelow      = 50
	MaxBelowCases = 100
	// maxLooked is how many entries below a name are looked at.
	maxLooked = 1000
	// maxNamed is how many names below that are still blocked the party is told.
	maxNamed = 20
)

// Below is what blocks names below that of a filing. What secret lists have is not in it.
type Below struct {
	// Names is how many names below are blocked now, and More that there are at least so many.
	Names int
	More  bool
	// Open is for how many of them no case of the filing stands.
	Open int
	// Blocking are the first entries of those names, once control is proved, and Listed of how many names.
	Blocking []policy.Match
	Listed   int
	// HostAlone: control was proved in a way that says nothing of names below.
	HostAlone bool
}

// Elsewhere is an open case of another filing that stands for an entry, so that none was opened anew. It opens
// with its own link.
type Elsewhere struct {
	ID    CaseID
	List  blocklists.ListID
	Name  wire.Name
	Order string
}

// Contested is the name that the case is about: of an entry that a proof of control brought in the entry's own, else the filing's.
func (c *Case) Contested() wire.Name {
	if c.Entry != nil && !c.Confidential && c.Entry.Name.IsBelow(c.Filing.Name) {
		return c.Entry.covered()
	}
	return c.Filing.Name
}

// covered is a name that the entry covers: its own, or where it covers only what lies below that, one there.
func (e *Entry) covered() wire.Name {
	if e.Scope != blocklists.Below || len(e.Name)+2 > wire.MaxName {
		return e.Name
	}
	return "\x01*" + e.Name
}

// opened is when the case began: with the filing, or with the proof that brought it in.
func (c *Case) opened() time.Time {
	for _, event := range c.Events {
		if event.Kind == FiledEvent {
			return event.At
		}
	}
	return c.Filing.At
}

// reachesBelow says whether a proof by the method is one for names below too. A file and a page are of the very host, which
// may be another's than the zone.
func (m Method) reachesBelow() bool { return m == ByDNS || m == ByMail || m == ByDocument }

// reaches says whether control of a name is control of one at or below it: not where a public suffix lies between,
// or is one of the two, as names of other owners begin there.
func reaches(proved, name wire.Name) bool {
	suffix, _ := publicsuffix.PublicSuffix(strings.TrimSuffix(name.String(), "."))
	above, err := wire.ParseName(suffix)
	return err == nil && name.IsBelow(proved) && proved != above && proved.IsBelow(above)
}

// blockedBelow are the entries, none of a secret list, that block names below one whose owner controls them too.
func (d *Desk) blockedBelow(name wire.Name) (blocking []policy.Match, more bool) {
	if !reaches(name, name) {
		return nil, false // a public suffix: nobody controls what lies below
	}
	found, more := d.index().Below(name, maxLooked, func(owner wire.Name) bool { return reaches(name, owner) })
	for _, match := range found {
		if Blocks(&match) && !Secret(&match) {
			blocking = append(blocking, match)
		}
	}
	return blocking, more
}

// below is what the party of a case is told of names below: a mere reporter nothing, as a report opens no cases for them; and in a
// case of such a name nothing either.
func (d *Desk) below(ctx context.Context, shown *Case) (Below, error) {
	filing := &shown.Filing
	if filing.Role == Reporter || shown.Contested() != filing.Name {
		return Below{}, nil
	}
	blocking, more := d.blockedBelow(filing.Name)
	told := Below{More: more, HostAlone: !filing.Verified.IsZero() && !Method(filing.Method).reachesBelow()}
	if len(blocking) == 0 {
		return told, nil
	}
	covered, err := d.covered(ctx, shown)
	if err != nil {
		return Below{}, err
	}
	names, open := make(map[wire.Name]bool), make(map[wire.Name]bool)
	for _, match := range blocking {
		entry := entryOf(&match)
		names[entry.Name] = true
		if !covered[entry.subject()] {
			open[entry.Name] = true
		}
		if !filing.Verified.IsZero() && len(names) <= maxNamed {
			told.Blocking, told.Listed = append(told.Blocking, match), len(names)
		}
	}
	told.Names, told.Open = len(names), len(open)
	return told, nil
}

// subject is what a decision about the entry is about, whatever its scope: an exception is of a list and a name.
func (e *Entry) subject() Elsewhere { return Elsewhere{List: e.List, Name: e.Name, Order: e.Order} }

// covered are the entries for which a case of the filing stands, or one elsewhere.
func (d *Desk) covered(ctx context.Context, shown *Case) (map[Elsewhere]bool, error) {
	cases, err := d.store.Standing(ctx, shown.ID)
	if err != nil {
		return nil, fmt.Errorf("read cases below: %w", err)
	}
	covered := make(map[Elsewhere]bool)
	for _, one := range cases {
		if one.Entry != nil && !one.Confidential {
			covered[one.Entry.subject()] = true
		}
	}
	for _, other := range shown.Elsewhere {
		other.ID = ""
		covered[other] = true
	}
	return covered, nil
}

// openBelow makes the cases that a proof of control opens: one of each entry that blocks a name below which the party
// controls too, as if filed at the proof and proved by it. A report opens none, what was withdrawn none, and a proof of the very host none either.
func (d *Desk) openBelow(cases []*Case, blocking []policy.Match, method Method, by Actor, at time.Time) []Opened {
	if cases[0].Filing.Role == Reporter || !method.reachesBelow() || withdrawn(cases) {
		return nil
	}
	known := make(map[Elsewhere]bool)
	for _, one := range cases {
		if one.Entry != nil && !one.Confidential {
			known[one.Entry.subject()] = true
		}
	}
	var opened []Opened
	names := make(map[wire.Name]bool)
	for _, match := range blocking {
		entry := entryOf(&match)
		if names[entry.Name] = true; len(names) > MaxBelow || len(opened) == MaxBelowCases {
			break
		}
		if !known[entry.subject()] {
			opened = append(opened, d.provedCase(cases[0], &entry, method, by, at))
		}
	}
	return opened
}

// withdrawn says whether the party took back all of its filing.
func withdrawn(cases []*Case) bool {
	for _, one := range cases {
		if one.Implementation.State != Withdrawn || one.Merits.State != Withdrawn {
			return false
		}
	}
	return true
}

// provedCase is a case of an entry below, beside one of the filing: with its own clocks from the proof on, and what the party wrote there.
func (d *Desk) provedCase(beside *Case, entry *Entry, method Method, by Actor, at time.Time) Opened {
	made := &Case{ID: newCaseID(), Filing: beside.Filing, Entry: entry}
	made.Filing.At = at
	made.Implementation, made.Merits = tracks(entry, at, d.config.Holiday)
	var commitments map[TextKind]string
	for _, event := range beside.Events {
		if event.Kind == FiledEvent {
			commitments = event.Content.Texts
			if !beside.Unconfirmed() && event.Content.Merits == Withdrawn { // only the implementation was asked
				leaveMerits([]*Case{made})
			}
		}
	}
	events := firstEvents(made, commitments)
	clocks := openingClocks(made)
	made.Merits = hastened(entry, made.Merits, at)
	clocks = append(clocks, proofClocks(made, made.Merits, at)...)
	events = append(events, Event{Case: made.ID, At: at, Kind: VerifiedEvent, Actor: by, Content: Content{Method: string(method)}})
	return Opened{Case: made, Events: events, Clocks: clocks}
}
