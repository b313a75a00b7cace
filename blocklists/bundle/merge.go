package bundle

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/parse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// source gives items in the order of their keys.
type source interface {
	next() (bool, error)
	// at is the key and the item; both are good until next.
	at() ([]byte, *item)
}

// merge is several sources as one: a heap of them, the least key first, of equal keys the
// source that was given first.
type merge struct {
	heap []queued
}

type queued struct {
	source
	key   []byte
	order int
}

func newMerge(sources []source) (*merge, error) {
	m := &merge{}
	for i, s := range sources {
		more, err := s.next()
		if err != nil {
			return nil, err
		}
		if more {
			key, _ := s.at()
			m.heap = append(m.heap, queued{s, key, i})
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

func (m *merge) less(i, j int) bool {
	if order := bytes.Compare(m.heap[i].key, m.heap[j].key); order != 0 {
		return order < 0
	}
	return m.heap[i].order < m.heap[j].order
}

func (m *merge) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.heap) {
			return
		}
		if child+1 < len(m.heap) && m.less(child+1, child) {
			child++
		}
		if !m.less(child, i) {
			return
		}
		m.heap[i], m.heap[child] = m.heap[child], m.heap[i]
		i = child
	}
}

// advance goes to the next item.
func (m *merge) advance() error {
	top := &m.heap[0]
	more, err := top.next()
	if err != nil {
		return err
	}
	if more {
		top.key, _ = top.at()
	} else {
		m.heap[0] = m.heap[len(m.heap)-1]
		m.heap = m.heap[:len(m.heap)-1]
	}
	m.sink(0)
	return nil
}

// carried gives what a bundle before has of some lists.
type carried struct {
	walker
	bundle *Bundle
	// numbers is what the lists of the stratum are in the new bundle; -1: not wanted.
	numbers []int32
	left    uint32 // entries of the owner that are still to come
	item    item
}

func (c *carried) next() (bool, error) {
	for {
		for c.left == 0 {
			more, err := c.bundle.step(&c.walker)
			if err != nil || !more {
				return false, err
			}
			c.left = c.count
		}
		id := c.id + c.count - c.left
		c.left--
		class := c.class(id)
		if number := c.numbers[class.list]; number >= 0 {
			return true, c.load(id, class, uint32(number))
		}
	}
}

func (c *carried) load(id uint32, class class, number uint32) (err error) {
	defer c.bundle.note(&err)
	c.item = item{list: number, scope: class.scope, action: class.action, standing: class.standing, from: class.from, until: class.until, old: true}
	if c.item.line, c.item.seen, err = c.provenance(id); err != nil {
		return err
	}
	if class.kind&hasExtra != 0 {
		more, err := c.textsOf(id)
		c.item.texts = &more
		return err
	}
	return nil
}

func (c *carried) at() ([]byte, *item) { return c.key, &c.item }

// joiner makes entries of all items of one key.
type joiner struct {
	lists     []joined
	now       uint32
	inspector Inspector
	items     []item
	row       parse.Row
	name      [wire.MaxName]byte // of the row
}

// joined is what becomes of one list.
type joined struct {
	manifest *blocklists.Manifest // nil for own names
	// carried: the entries are those of the bundle before; else they only say since when.
	carried    bool
	duplicates int
	// ruled says that the safeguards have judged the list as a whole; holdNew, that they hold
	// all that is new in it, and why.
	ruled   bool
	holdNew string
	// kept are entries that were in force before, added those that were not, held those
	// that are not in force.
	kept, added, held int
	notes             []Note
}

// take adds an item of the key.
func (j *joiner) take(i *item) { j.items = append(j.items, *i) }

// join orders the items of a key, as a bundle has them, and gives those that are entries.
func (j *joiner) join(key []byte) []item {
	if len(j.items) > 1 {
		slices.SortStableFunc(j.items, compareItems)
	}
	kept := j.items[:0]
	for i := 0; i < len(j.items); {
		end := i + 1
		for end < len(j.items) && sameEntry(&j.items[i], &j.items[end]) {
			end++
		}
		if entry, has := j.entry(key, j.items[i:end]); has {
			kept = append(kept, entry)
		}
		i = end
	}
	return kept
}

// compareItems is the order of one owner's entries: exact first, then by list, and of a
// list what lets pass before what blocks; the entry of the bundle before precedes the
// same one of the list.
func compareItems(a, b item) int {
	return cmp.Or(cmp.Compare(rank(a.scope), rank(b.scope)), cmp.Compare(a.list, b.list), -compareBool(passes(a.action), passes(b.action)),
		cmp.Compare(a.scope, b.scope), cmp.Compare(a.action, b.action), cmp.Compare(a.from, b.from), cmp.Compare(a.until, b.until),
		-compareBool(a.old, b.old), cmp.Compare(a.line, b.line))
}

func passes(action uint8) bool { return blocklists.Action(action) == blocklists.Passthru }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func sameEntry(a, b *item) bool {
	return a.list == b.list && a.scope == b.scope && a.action == b.action && a.from == b.from && a.until == b.until
}

// entry makes one entry of items that say the same.
func (j *joiner) entry(key []byte, alike []item) (item, bool) {
	list := &j.lists[alike[0].list]
	before := alike[0]
	if before.old {
		if list.carried {
			return before, true
		}
		if alike = alike[1:]; len(alike) == 0 {
			return item{}, false
		}
	}
	made := alike[0]
	if blocklists.Action(made.action) == blocklists.LocalData {
		made.texts = joinData(alike)
	} else {
		list.duplicates += len(alike) - 1
	}
	if list.manifest == nil {
		return made, true
	}
	made.seen = j.now
	if before.old {
		made.seen = before.seen
	}
	if j.inspector != nil {
		j.inspect(key, list, &made, &before)
	}
	return made, true
}

func (l *joined) count(standing blocklists.Standing, there bool) {
	if there {
		l.kept++
	}
	switch {
	case standing == blocklists.Held:
		l.held++
	case !there:
		l.added++
	}
}

// joinData puts the records of several rows together.
func joinData(alike []item) *texts {
	if len(alike) == 1 {
		return alike[0].texts
	}
	made := new(texts)
	for i := range alike {
		if t := alike[i].texts; t != nil {
			made.data += t.data
		}
	}
	return made
}

// inspect asks the safeguards of an entry; before is what stood in its place.
func (j *joiner) inspect(key []byte, list *joined, made, before *item) {
	known := before.old && blocklists.Standing(before.standing) == blocklists.Active
	there := before.old && blocklists.Standing(before.standing) != blocklists.Held
	j.row = parse.Row{
		Trigger: blocklists.Trigger(key[0]), Scope: blocklists.Scope(made.scope), Action: blocklists.Action(made.action),
		From: made.from, Until: made.until, Line: made.line,
	}
	if j.row.Trigger.ByAddress() {
		j.row.Prefix, _ = prefixOf(key)
	} else {
		j.row.Name, _ = octetsOf(key, &j.name)
	}
	if made.texts != nil {
		j.row.Data = []byte(made.texts.data)
	}
	standing, because := j.inspector.Inspect(list.manifest, &j.row, known)
	if list.holdNew != "" && !there && standing != blocklists.Held && j.row.Action != blocklists.Passthru {
		standing, because = blocklists.Held, list.holdNew
	} else if because != "" && len(list.notes) < MaxNotes {
		list.notes = append(list.notes, noteOf(&j.row, standing, because))
	}
	list.count(standing, there)
	made.standing = uint8(standing)
	if because != "" {
		more := texts{because: because}
		if made.texts != nil {
			more.data, more.order = made.texts.data, made.texts.order
		}
		made.texts = &more
	}
}
