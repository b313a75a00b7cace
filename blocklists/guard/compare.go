package guard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
)

// comparison is one plan in the making.
type comparison struct {
	changes  map[blocklists.ListID]*Change
	guard    *Guard   // may be nil
	ids      []uint32 // scratch
	overlaps overlaps
}

// begin makes an empty change for each list, the new bundle's first, and gives their order.
func (c *comparison) begin(old, next *bundle.Bundle, reports []bundle.ListReport) []blocklists.ListID {
	var order []blocklists.ListID
	note := func(list *bundle.List, removed bool) {
		if list.Kind != bundle.Feed || c.changes[list.ID] != nil {
			return
		}
		c.changes[list.ID] = &Change{List: list.ID, Purpose: list.Manifest.Purpose.String(), Removed: removed, Shadow: list.Manifest.Shadow}
		order = append(order, list.ID)
	}
	for i := range next.Lists() {
		note(&next.Lists()[i], false)
	}
	for i := range old.Lists() {
		note(&old.Lists()[i], true)
	}
	for i := range reports {
		if change := c.changes[reports[i].List]; change != nil {
			change.report(&reports[i])
		}
	}
	return order
}

func (c *Change) report(r *bundle.ListReport) {
	c.State = r.Fetch.State
	if r.Fetch.Err != nil {
		c.Trouble = r.Fetch.Err.Error()
	}
	c.Refused, c.Duplicates, c.RefusedLines = r.Parse.Refused, r.Duplicates, r.Parse.Samples
	c.HeldBecause, c.Pinned = r.Because, r.Pinned
}

// forward counts an entry of the new bundle.
func (c *comparison) forward(old, next *bundle.Bundle, id uint32, entry *blocklists.Entry) {
	change := c.change(next, id)
	if change == nil {
		return
	}
	c.overlaps.see(next.ListOf(id), entry)
	if entry.Standing == blocklists.Held {
		change.Held++
		if because := change.HeldBecause; because != "" {
			change.HeldNames = keep(change.HeldNames, MaxNames, entry, Name{Because: because, Safeguard: blocklists.Growth})
		}
		return
	}
	if doesAlike(old, entry) {
		change.Unchanged++
		return
	}
	if entry.Action == blocklists.Passthru {
		change.Pass++
		change.PassNames = keep(change.PassNames, MaxNames, entry, Name{})
		return
	}
	change.Block++
	also := c.coveredBy(old, entry)
	if len(also) > 0 {
		change.AlreadyBlocked++
	}
	change.BlockNames = keep(change.BlockNames, MaxNames, entry, Name{Also: also})
}

// backward counts an entry of the old bundle if the new one does not have it.
func (c *comparison) backward(old, next *bundle.Bundle, id uint32, entry *blocklists.Entry) {
	change := c.change(old, id)
	if change == nil {
		return
	}
	if entry.Standing == blocklists.Held {
		return
	}
	if doesAlike(next, entry) {
		return
	}
	if entry.Action == blocklists.Passthru {
		change.NoPass++
		change.NoPassNames = keep(change.NoPassNames, MaxNames, entry, Name{})
		return
	}
	change.Unblock++
	also := c.coveredBy(next, entry)
	if len(also) > 0 {
		change.StillBlocked++
	}
	change.UnblockNames = keep(change.UnblockNames, MaxNames, entry, Name{Also: also})
}

// doesAlike says whether a bundle has the same list's entry of the same subject in force,
// and it blocks, or lets pass, as this one does.
func doesAlike(in *bundle.Bundle, entry *blocklists.Entry) bool {
	id, found := in.Same(entry)
	if !found {
		return false
	}
	terms := in.Terms(id)
	return terms.Standing != blocklists.Held && (terms.Action == blocklists.Passthru) == (entry.Action == blocklists.Passthru)
}

// change finds the change that an entry belongs to; nil for names that are no list's.
func (c *comparison) change(of *bundle.Bundle, id uint32) *Change {
	list := of.ListOf(id)
	if list.Kind != bundle.Feed {
		return nil
	}
	return c.changes[list.ID]
}

// coveredBy names the lists of a bundle that cover all that the entry covers.
func (c *comparison) coveredBy(in *bundle.Bundle, entry *blocklists.Entry) []blocklists.ListID {
	if entry.Trigger != blocklists.OnName {
		return nil // whether another trigger sees the same, the answer tells
	}
	var lists []blocklists.ListID
	ids, err := in.Match(entry.Name, c.ids[:0])
	if err != nil {
		return nil // the bundle says so itself
	}
	c.ids = ids
	for _, id := range c.ids {
		list := in.ListOf(id)
		if terms := in.Terms(id); terms.Standing == blocklists.Held || terms.Action == blocklists.Passthru {
			continue
		}
		if list.Kind != bundle.Feed || slices.Contains(lists, list.ID) {
			continue
		}
		// What matches the name covers what is below it too, unless it is the name alone.
		other, _ := in.Entry(id)
		if entry.Scope == blocklists.Exact || other.Scope != blocklists.Exact {
			lists = append(lists, list.ID)
		}
	}
	return lists
}

// keep puts an entry into a sorted sample of bounded length.
func keep(sample []Name, most int, entry *blocklists.Entry, shown Name) []Name {
	shown.Name, shown.Scope, shown.Line, shown.Trigger = entry.Subject(), entry.Scope, entry.Line, entry.Trigger
	place, _ := slices.BinarySearchFunc(sample, shown, compareNames)
	if place >= most {
		return sample
	}
	sample = slices.Insert(sample, place, shown)
	return sample[:min(len(sample), most)]
}

func compareNames(a, b Name) int {
	if order := strings.Compare(a.Name, b.Name); order != 0 {
		return order
	}
	return cmp.Or(int(a.Scope)-int(b.Scope), int(a.Trigger)-int(b.Trigger))
}
