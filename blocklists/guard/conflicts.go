package guard

import (
	"cmp"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Hit is an entry that covers a popular name.
type Hit struct {
	Rank    uint32            `json:"rank"`
	Popular string            `json:"popular"`
	Name    string            `json:"name"` // the entry's
	Scope   blocklists.Scope  `json:"scope"`
	List    blocklists.ListID `json:"list"`
	Line    uint32            `json:"line"`
	Held    bool              `json:"held"`
}

// Conflict is a name that somebody allows and a list blocks.
type Conflict struct {
	Name    string            `json:"name"`
	Allowed string            `json:"allowed_by"` // the licence, or the list
	List    blocklists.ListID `json:"blocked_by"`
	Purpose string            `json:"purpose"`
	Entry   string            `json:"entry"` // what blocks it
	Scope   blocklists.Scope  `json:"scope"`
	Line    uint32            `json:"line"`
	Held    bool              `json:"held,omitempty"`
}

// Overlap is two lists of different purposes that have some entries in common.
type Overlap struct {
	Lists    [2]blocklists.ListID `json:"lists"`
	Purposes [2]string            `json:"purposes"`
	Entries  int                  `json:"entries"`
	Names    []string             `json:"names"` // the first
}

// maxConflicts is how many conflicts a plan shows.
const maxConflicts = 500

// Licence is names that an authority allows, and so a reason to look twice where a
// list blocks one. It changes no verdict.
type Licence struct {
	Title        string
	Jurisdiction []string
	Names        *Ranks
}

// notes puts what the safeguards said of a list's entries into its change.
func (c *comparison) notes(plan *Plan, report *bundle.ListReport) {
	change := c.changes[report.List]
	if change == nil || c.guard == nil {
		return
	}
	for i := range report.Noted {
		note := &report.Noted[i]
		finding, found := c.guard.find(&note.Row)
		if !found {
			continue
		}
		entry := blocklists.Entry{Trigger: note.Row.Trigger, Name: wire.Name(note.Row.Name), Scope: note.Row.Scope, Prefix: note.Row.Prefix, Line: note.Row.Line}
		name := Name{Because: note.Because, Safeguard: finding.Safeguard, Rank: finding.Rank}
		held := note.Standing == blocklists.Held
		switch {
		case held:
			change.HeldNames = keep(change.HeldNames, MaxHeld, &entry, name)
		case finding.Safeguard == blocklists.PopularName:
			change.Popular++
			change.PopularNames = keep(change.PopularNames, MaxNames, &entry, name)
		}
		if finding.Safeguard == blocklists.PopularName {
			plan.TopHits = keepHit(plan.TopHits, Hit{Rank: finding.Rank, Popular: finding.Name.String(), Name: entry.Name.String(),
				Scope: entry.Scope, List: report.List, Line: entry.Line, Held: held})
		}
	}
}

func keepHit(hits []Hit, hit Hit) []Hit {
	place, _ := slices.BinarySearchFunc(hits, hit, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.List, b.List), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Line, b.Line))
	})
	if place >= MaxNames {
		return hits
	}
	hits = slices.Insert(hits, place, hit)
	return hits[:min(len(hits), MaxNames)]
}

// conflicts are the names that a licence or a list's own exception allows, and that
// a list in the bundle covers.
func (g *Guard) conflicts(in *bundle.Bundle) ([]Conflict, int) {
	var all []Conflict
	count := 0
	var ids []uint32
	for i := range g.config.Licences {
		licence := &g.config.Licences[i]
		for _, name := range licence.Names.names() {
			var err error
			if ids, err = in.Match(name, ids[:0]); err != nil {
				return all, count // the bundle itself says that it is damaged
			}
			for _, id := range ids {
				list := in.ListOf(id)
				if list.Kind != bundle.Feed {
					continue
				}
				if count++; len(all) < maxConflicts {
					all = append(all, conflictOf(in, id, list, name, licence.Title))
				}
			}
		}
	}
	return all, count
}

func conflictOf(in *bundle.Bundle, id uint32, list *bundle.List, name wire.Name, allowed string) Conflict {
	entry, _ := in.Entry(id)
	return Conflict{Name: name.String(), Allowed: allowed, List: list.ID, Purpose: list.Manifest.Purpose.String(),
		Entry: entry.Name.String(), Scope: entry.Scope, Line: entry.Line, Held: entry.Standing == blocklists.Held}
}

// names are the names, the most popular first.
func (r *Ranks) names() []wire.Name {
	if r == nil {
		return nil
	}
	all := make([]wire.Name, 0, r.Len())
	for name := range r.byName {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b wire.Name) int { return cmp.Or(cmp.Compare(r.byName[a], r.byName[b]), cmp.Compare(a, b)) })
	return all
}

// overlaps counts entries of one name in lists of different purposes, as the entries
// of a name come one after another.
type overlaps struct {
	name  wire.Name
	here  []*bundle.List
	pairs map[[2]blocklists.ListID]*Overlap
}

const maxOverlapNames = 5

func (o *overlaps) see(list *bundle.List, entry *blocklists.Entry) {
	if entry.Name != o.name {
		o.name, o.here = entry.Name, o.here[:0]
	}
	if slices.Contains(o.here, list) {
		return
	}
	for _, other := range o.here {
		if other.Manifest.Purpose != list.Manifest.Purpose {
			o.add(other, list, entry)
		}
	}
	o.here = append(o.here, list)
}

func (o *overlaps) add(one, other *bundle.List, entry *blocklists.Entry) {
	if one.Manifest.Purpose > other.Manifest.Purpose {
		one, other = other, one
	}
	key := [2]blocklists.ListID{one.ID, other.ID}
	pair := o.pairs[key]
	if pair == nil {
		if o.pairs == nil {
			o.pairs = make(map[[2]blocklists.ListID]*Overlap)
		}
		pair = &Overlap{Lists: key, Purposes: [2]string{one.Manifest.Purpose.String(), other.Manifest.Purpose.String()}}
		o.pairs[key] = pair
	}
	if pair.Entries++; len(pair.Names) < maxOverlapNames {
		pair.Names = append(pair.Names, entry.Name.String())
	}
}

func (o *overlaps) sorted() []Overlap {
	all := make([]Overlap, 0, len(o.pairs))
	for _, pair := range o.pairs {
		all = append(all, *pair)
	}
	slices.SortFunc(all, func(a, b Overlap) int {
		return cmp.Or(cmp.Compare(b.Entries, a.Entries), cmp.Compare(a.Lists[0], b.Lists[0]), cmp.Compare(a.Lists[1], b.Lists[1]))
	})
	return all
}
