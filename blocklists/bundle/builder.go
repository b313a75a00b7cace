package bundle

import (
	"cmp"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	maxEntries = 200_000_000
	maxLists   = 1 << 16 // what an entry's list number holds
)

// row is an entry on its way into the index, with its owner's number.
type row struct {
	owner uint32
	entry entry
}

// builder collects rows list by list.
type builder struct {
	names *index
	lists []List
	rows  []row
}

// mark is a state that a builder can go back to.
type mark struct{ names, rows int }

func (b *builder) mark() mark { return mark{b.names.count(), len(b.rows)} }

// back drops all that came after the mark.
func (b *builder) back(to mark) {
	b.names.truncate(to.names)
	b.rows = b.rows[:to.rows]
}

// add adds an entry to the list that was begun last.
func (b *builder) add(name wire.Name, scope blocklists.Scope, line, seen uint32, standing blocklists.Standing) error {
	if len(b.rows) >= maxEntries {
		return errFull
	}
	owner, err := b.names.add(name)
	if err != nil {
		return err
	}
	list := uint16(len(b.lists) - 1)
	b.rows = append(b.rows, row{owner: owner, entry: entry{line: line, seen: seen, list: list, scope: scope, standing: standing}})
	return nil
}

// build orders the rows by owner and drops, of a list's entries with one name and
// scope, all but the first line. It gives the number dropped of each list.
func (b *builder) build(generation uint64) (*Bundle, []int) {
	b.names.pack()
	made := &Bundle{generation: generation, lists: b.lists, names: b.names}
	made.first, made.entries = b.byOwner()
	duplicates := made.compact()
	for i := range made.entries {
		list := &made.lists[made.entries[i].list]
		list.Entries++
		if made.entries[i].standing == blocklists.Held {
			list.Held++
		}
	}
	return made, duplicates
}

// byOwner is a counting sort: rows keep their order within an owner.
func (b *builder) byOwner() (first []uint32, entries []entry) {
	first = make([]uint32, b.names.count()+1)
	for i := range b.rows {
		first[b.rows[i].owner+1]++
	}
	for i := 1; i < len(first); i++ {
		first[i] += first[i-1]
	}
	next := slices.Clone(first)
	entries = make([]entry, len(b.rows))
	for i := range b.rows {
		place := &next[b.rows[i].owner]
		entries[*place] = b.rows[i].entry
		*place++
	}
	b.rows = nil
	return first, entries
}

// compact orders the entries of each owner and drops duplicates in place.
func (b *Bundle) compact() []int {
	duplicates := make([]int, len(b.lists))
	kept := uint32(0)
	for owner := range len(b.first) - 1 {
		group := b.entries[b.first[owner]:b.first[owner+1]]
		slices.SortStableFunc(group, compareEntries)
		b.first[owner] = kept
		for i, e := range group {
			if i > 0 && compareEntries(group[i-1], e) == 0 {
				duplicates[e.list]++
				continue
			}
			b.entries[kept] = e // kept is never beyond e's own place
			kept++
		}
	}
	b.first[len(b.first)-1] = kept
	b.entries = append(make([]entry, 0, kept), b.entries[:kept]...)
	return duplicates
}

// compareEntries is the order of one owner's entries: exact first, then by list.
func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(rank(a.scope), rank(b.scope)), cmp.Compare(a.list, b.list), cmp.Compare(a.scope, b.scope))
}

func rank(scope blocklists.Scope) int {
	if scope == blocklists.Exact {
		return 0
	}
	return 1
}
