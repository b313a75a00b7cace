package redress

import (
	"context"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Triage is what a reviewer sees first: facts, gathered without anybody. They decide nothing. As a part
// of an event they name no list that is secret and no person.
type Triage struct {
	At time.Time `json:"at"`
	// Listed says whether the entry is in its list now, as it was at the filing; false where the
	// list has taken it away or changed it. It is of cases that have an entry.
	Listed bool `json:"listed"`
	// Matches are all entries that cover the name now.
	Matches []FactMatch `json:"matches"`
	// Safeguard is the one that would hold the entry, and Rank how popular the name is; 0: not
	// among those that are known.
	Safeguard string `json:"safeguard,omitempty"`
	Why       string `json:"why,omitempty"`
	Rank      uint32 `json:"rank,omitempty"`
	// Feeds are how many security lists of different publishers have the name.
	Feeds      int        `json:"feeds"`
	Duplicates Duplicates `json:"duplicates"`
	// Retest is the last look at the site; empty where nobody looked.
	Retest []Vantage `json:"retest,omitempty"`
	// Registered is since when the name's registry has it; zero where that is not known, or nobody asked.
	Registered time.Time `json:"registered,omitzero"`
	// FirstSeen is since when a list has had the name, so that it is at least as old; zero where none has.
	FirstSeen time.Time `json:"first_seen,omitzero"`
}

// FactMatch is an entry that covers the name, for a reviewer.
type FactMatch struct {
	List      blocklists.ListID  `json:"list"`
	Purpose   blocklists.Purpose `json:"purpose"`
	Name      string             `json:"name"`
	Scope     string             `json:"scope"`
	Code      policy.Code        `json:"reason_code"`
	Source    string             `json:"source,omitempty"`
	Line      uint32             `json:"line,omitempty"`
	FirstSeen time.Time          `json:"first_seen,omitzero"`
	Order     string             `json:"order,omitempty"`
	Counts    bool               `json:"counts"`
	// Exception says that a decision has lifted it.
	Exception bool      `json:"exception"`
	ReviewBy  time.Time `json:"review_by,omitzero"`
}

// Duplicates are other filings about the same name.
type Duplicates struct {
	Filings int       `json:"filings"`
	Last    time.Time `json:"last,omitzero"`
}

// Sources are what the facts of a case are gathered from; what is nil is not known.
type Sources struct {
	// Safeguard says which safeguard would hold an entry, why, and the name's rank.
	Safeguard func(entry *blocklists.Entry) (safeguard, why string, rank uint32)
	// Retester looks at the site.
	Retester Retester
	// Age knows since when names exist at the least, and Registry since when they are registered.
	Age      Age
	Registry Registry
}

// Registry knows since when names are registered.
type Registry interface {
	// Registered is since when a name is; false where its registry does not say.
	Registered(ctx context.Context, name string) (since time.Time, known bool, err error)
}

// Age knows since when names exist.
type Age interface {
	// FirstSeen is since when a name is known; false where it is not.
	FirstSeen(ctx context.Context, name wire.Name) (time.Time, bool)
}

// Facts gathers what is known about a case now.
func (d *Desk) Facts(ctx context.Context, actor Actor, id CaseID) (Triage, error) {
	if !actor.MayRead() {
		return Triage{}, ErrNotPermitted
	}
	one, err := d.store.Case(ctx, id)
	if err == nil && one.Confidential && !actor.Cleared {
		err = ErrNotFound
	}
	if err != nil {
		return Triage{}, fmt.Errorf("facts: %w", err)
	}
	return d.facts(ctx, one, actor.Cleared)
}

// facts gathers them; those of secret lists only where cleared.
func (d *Desk) facts(ctx context.Context, one *Case, cleared bool) (Triage, error) {
	facts := Triage{At: now(), Matches: []FactMatch{}}
	publishers := make(map[string]bool)
	for _, match := range d.index().Matches(one.Contested()) {
		if match.Role != policy.Feed || match.Manifest == nil || Secret(&match) && !cleared {
			continue
		}
		if one.Entry != nil && entryOf(&match) == *one.Entry {
			facts.Listed = true
			facts.safeguard(d.config.Sources, &match.Entry)
		}
		if match.Purpose() == blocklists.Security {
			publishers[publisherOf(&match)] = true
		}
		facts.Matches = append(facts.Matches, factOf(&match))
	}
	facts.Feeds = len(publishers)
	for _, event := range one.Events {
		if event.Kind == RetestedEvent && event.Content.Triage != nil {
			facts.Retest, facts.Registered = event.Content.Triage.Retest, event.Content.Triage.Registered
		}
	}
	if age := d.config.Sources.Age; age != nil {
		if since, known := age.FirstSeen(ctx, one.Contested()); known {
			facts.FirstSeen = since
		}
	}
	var err error
	facts.Duplicates, err = d.store.Filed(ctx, one)
	return facts, err
}

func (f *Triage) safeguard(sources Sources, entry *blocklists.Entry) {
	if sources.Safeguard != nil {
		f.Safeguard, f.Why, f.Rank = sources.Safeguard(entry)
	}
}

func factOf(match *policy.Match) FactMatch {
	return FactMatch{
		List: match.Entry.List, Purpose: match.Purpose(), Name: match.Entry.Name.String(), Scope: match.Entry.Scope.String(), Code: match.Code,
		Source: match.Entry.Source, Line: match.Entry.Line, FirstSeen: match.Entry.FirstSeen, Order: match.OrderRef(),
		Counts: match.Counts, Exception: match.Exception != nil, ReviewBy: match.ReviewBy,
	}
}

// publisherOf tells feeds of one publisher from those of several.
func publisherOf(match *policy.Match) string {
	if name := match.Manifest.Publisher.Name; name != "" {
		return blocklists.Person(name)
	}
	return string(match.Entry.List)
}

// match finds the entry of a case in the policy in force; false where it is not there any more.
func (d *Desk) match(entry *Entry) (policy.Match, bool) {
	for _, match := range d.index().Matches(entry.covered()) {
		if entryOf(&match) == *entry {
			return match, true
		}
	}
	return policy.Match{}, false
}
