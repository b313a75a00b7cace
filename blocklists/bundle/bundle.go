package bundle

import (
	"iter"
	"sort"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Kind is whose names a list in a bundle holds. The zero value is [Feed].
type Kind uint8

// The kinds: a list with a manifest; the names that a profile allows or denies by
// itself; the names that the operator exempts.
const (
	Feed Kind = iota
	ProfileAllow
	ProfileDeny
	OperatorException
)

// List is one list of a bundle. It is shared and must not be changed.
type List struct {
	Kind     Kind
	ID       blocklists.ListID
	Profile  string               // whose names, for ProfileAllow and ProfileDeny
	Manifest *blocklists.Manifest // nil but for Feed
	Entries  int
}

// configured is the source of names that stand in the configuration itself.
const configured = "configuration"

// entry is an entry without its name, which its place among the owners gives.
type entry struct {
	line  uint32
	seen  uint32 // seconds since 1970; 0 for unknown
	list  uint16
	scope blocklists.Scope
}

// Bundle is the index of one generation. It is immutable and safe for any number of
// readers. An id is an entry of this bundle only.
type Bundle struct {
	generation uint64
	lists      []List
	names      *index
	// first is the id of each owner's first entry, and one past the last.
	first   []uint32
	entries []entry
}

// Empty is a bundle of generation 0 without lists: nothing matches.
func Empty() *Bundle {
	return &Bundle{names: newIndex(), first: []uint32{0}}
}

// Generation numbers the bundles of a process, each with one more than the one before.
func (b *Bundle) Generation() uint64 { return b.generation }

// Len is how many entries there are; ids run from 0 to Len-1.
func (b *Bundle) Len() int { return len(b.entries) }

// Lists gives the lists: feeds in the order of the catalog, then the others in the
// order in which they were given. The slice is shared and must not be changed.
func (b *Bundle) Lists() []List { return b.lists }

// Match appends the ids of all entries that cover the name: the longest owner first,
// of one owner exact before the others, then in the order of the lists. Nothing appended
// means that no list says anything of the name. It allocates only if into must grow.
func (b *Bundle) Match(name wire.Name, into []uint32) []uint32 {
	if len(b.entries) == 0 {
		return into
	}
	for i := 0; i < len(name); i += 1 + int(name[i]) {
		if owner, found := b.names.find(name[i:]); found {
			into = b.covering(owner, i == 0, into)
		}
		if name[i] == 0 {
			break
		}
	}
	return into
}

// covering appends the owner's entries that cover the owner itself, or else what is below it.
func (b *Bundle) covering(owner uint32, itself bool, into []uint32) []uint32 {
	except := blocklists.Exact
	if itself {
		except = blocklists.Below
	}
	for id := b.first[owner]; id < b.first[owner+1]; id++ {
		if b.entries[id].scope != except {
			into = append(into, id)
		}
	}
	return into
}

// Find gives the id of a list's own entry of exactly this name and scope.
func (b *Bundle) Find(list blocklists.ListID, name wire.Name, scope blocklists.Scope) (id uint32, found bool) {
	owner, found := b.names.find(name)
	if !found {
		return 0, false
	}
	for id := b.first[owner]; id < b.first[owner+1]; id++ {
		if e := b.entries[id]; e.scope == scope && b.lists[e.list].ID == list {
			return id, true
		}
	}
	return 0, false
}

// Entry gives a copy of an entry; false where the bundle has no such id.
func (b *Bundle) Entry(id uint32) (blocklists.Entry, bool) {
	if int64(id) >= int64(len(b.entries)) {
		return blocklists.Entry{}, false
	}
	owner := sort.Search(len(b.first)-1, func(i int) bool { return b.first[i+1] > id })
	return b.entryOf(wire.Name(b.names.name(uint32(owner))), id), true
}

func (b *Bundle) entryOf(name wire.Name, id uint32) blocklists.Entry {
	e := b.entries[id]
	list := &b.lists[e.list]
	full := blocklists.Entry{List: list.ID, Name: name, Scope: e.scope, Line: e.line, Source: configured}
	if list.Manifest != nil {
		full.Source = list.Manifest.Source.String()
	}
	if e.seen != 0 {
		full.FirstSeen = time.Unix(int64(e.seen), 0).UTC()
	}
	return full
}

// ListIndex says at which place of [Bundle.Lists] the entry's list stands; -1 where the
// bundle has no such id.
func (b *Bundle) ListIndex(id uint32) int {
	if int64(id) >= int64(len(b.entries)) {
		return -1
	}
	return int(b.entries[id].list)
}

// ListOf gives the list of an entry; nil where the bundle has no such id.
func (b *Bundle) ListOf(id uint32) *List {
	if i := b.ListIndex(id); i >= 0 {
		return &b.lists[i]
	}
	return nil
}

// All gives every entry with its id, in the order of the ids.
func (b *Bundle) All() iter.Seq2[uint32, blocklists.Entry] {
	return func(yield func(uint32, blocklists.Entry) bool) {
		for owner := range uint32(len(b.first) - 1) {
			name := wire.Name(b.names.name(owner))
			for id := b.first[owner]; id < b.first[owner+1]; id++ {
				if !yield(id, b.entryOf(name, id)) {
					return
				}
			}
		}
	}
}
