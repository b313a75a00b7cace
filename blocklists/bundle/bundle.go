package bundle

import (
	"iter"
	"net/netip"
	"runtime"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Kind is whose names a list in a bundle holds. The zero value is [Feed].
type Kind uint8

// The kinds: a list with a manifest; the names that any profile allows or denies by itself;
// the names that the operator exempts; the names by which programs ask whether the network
// wants its own resolver used, with a manifest but no source; the names of services and of
// search engines that any profile may withhold or turn to their safe form; the help names
// that no user's filter withholds. Of each kind but Feed and Canary there is one list: whose
// a name is, the profiles know.
const (
	Feed Kind = iota
	ProfileAllow
	ProfileDeny
	OperatorException
	Canary
	Service
	SafeSearch
	Help
)

// List is one list of a bundle. It is shared and must not be changed.
type List struct {
	Kind     Kind
	ID       blocklists.ListID
	Manifest *blocklists.Manifest // nil but for Feed and Canary
	Entries  int
	// Held is how many of the entries a safeguard holds.
	Held int
}

// configured is the source of names that stand in the configuration itself.
const configured = "configuration"

// Bundle is the index of one generation. It is immutable and safe for any number of
// readers. An id is an entry of this bundle only; ids need not be without gaps.
//
// Where a part of the file turns out to be damaged, what was asked fails: nothing that
// could not be read ever means that nothing matches. [Bundle.Err] says so from then on.
type Bundle struct {
	generation uint64
	lists      []List
	strata     []stratum // the lowest first
	entries    int
	has        [triggers]bool
	lengths    [triggers]prefixLengths
	health     *health
	added      []blocklists.Entry // by With, on top of the files
	laid       []blocklists.Entry // by Lay, likewise
	metas      []*meta            // of the strata
}

// Empty is a bundle of generation 0 without lists: nothing matches.
func Empty() *Bundle { return &Bundle{health: new(health)} }

// Generation numbers the bundles of a node, each higher than the one before.
func (b *Bundle) Generation() uint64 { return b.generation }

// Len is how many entries there are.
func (b *Bundle) Len() int { return b.entries }

// Lists gives the lists: feeds in the order of the catalog, then the others in the
// order in which they were given. The slice is shared and must not be changed.
func (b *Bundle) Lists() []List { return b.lists }

// Has says whether any entry has the trigger, so whether matching it can give anything.
func (b *Bundle) Has(trigger blocklists.Trigger) bool {
	return int(trigger) < len(b.has) && b.has[trigger]
}

// Err says that the bundle was found to be damaged: another should take its place.
func (b *Bundle) Err() error { return b.health.get() }

// Match appends the ids of all entries that look at names and cover this one: the longest owner first,
// of one owner exact before the others, then in the order of the lists. Nothing appended
// means that no list says anything of the name. It allocates only if into must grow. An
// error means that it could not be told: the question must not pass as if nothing matched.
func (b *Bundle) Match(name wire.Name, into []uint32) ([]uint32, error) {
	return b.match(blocklists.OnName, name, into)
}

// MatchServer is [Bundle.Match] for the entries that look at names of name servers.
func (b *Bundle) MatchServer(name wire.Name, into []uint32) ([]uint32, error) {
	return b.match(blocklists.OnServer, name, into)
}

func (b *Bundle) match(trigger blocklists.Trigger, name wire.Name, into []uint32) ([]uint32, error) {
	var k key
	if !b.Has(trigger) || !k.begin(trigger, name) {
		return into, nil
	}
	var room [maxLabels + 1]hit
	hits := room[:0]
	seed := &b.strata[0].seed
	for hash := seed.start(byte(trigger)); ; hash = seed.label(hash, k.push(name)) {
		if mask := b.maybe(hash); mask != 0 {
			hits = append(hits, hit{end: uint8(k.length), strata: mask})
		}
		if k.labels == 0 {
			break
		}
	}
	runtime.KeepAlive(b)
	if len(hits) == 0 {
		return into, nil
	}
	return b.confirm(&k, hits, into)
}

// hit is a key that may be there, and in which strata.
type hit struct {
	end    uint8
	strata uint8
}

// maybe says in which strata a key may be.
func (b *Bundle) maybe(hash uint64) (mask uint8) {
	for i := range b.strata {
		if b.strata[i].filter.has(hash) {
			mask |= 1 << i
		}
	}
	return mask
}

// confirm looks hits up by the whole key, the longest first.
func (b *Bundle) confirm(k *key, hits []hit, into []uint32) (found []uint32, err error) {
	defer b.note(&err)
	for i := len(hits) - 1; i >= 0; i-- {
		end := int(hits[i].end)
		if into, err = b.owner(k.octets[:end], end == k.length, hits[i].strata, into); err != nil {
			return into, err
		}
	}
	return into, nil
}

// owner appends the entries of one key: those that cover the key itself, or else what is below it.
func (b *Bundle) owner(key []byte, itself bool, strata uint8, into []uint32) ([]uint32, error) {
	start, from := len(into), 0
	for i := range b.strata {
		if strata&(1<<i) == 0 {
			continue
		}
		first, count, err := b.strata[i].find(key)
		if err != nil {
			return into, err
		}
		before := len(into)
		into = b.strata[i].covering(first, count, itself, into)
		if len(into) > before {
			from++
		}
	}
	if from > 1 || len(b.strata) > 0 && b.strata[0].disordered {
		b.sort(into[start:])
	}
	return into, nil
}

// sort orders the few entries of one owner that come from several strata.
func (b *Bundle) sort(ids []uint32) {
	for i := 1; i < len(ids); i++ {
		for j := i; j > 0 && b.before(ids[j], ids[j-1]); j-- {
			ids[j], ids[j-1] = ids[j-1], ids[j]
		}
	}
}

func (b *Bundle) before(x, y uint32) bool {
	s, i := b.at(x)
	t, j := b.at(y)
	p, q := s.class(i), t.class(j)
	if rank(p.scope) != rank(q.scope) {
		return rank(p.scope) < rank(q.scope)
	}
	if s.lists[p.list] != t.lists[q.list] {
		return s.lists[p.list] < t.lists[q.list]
	}
	if passes(p.action) != passes(q.action) {
		return passes(p.action)
	}
	return x < y
}

// MatchAddress appends the ids of all entries of the trigger whose prefix has the
// address in it, the longest prefix first. It is like [Bundle.Match] otherwise.
func (b *Bundle) MatchAddress(trigger blocklists.Trigger, address netip.Addr, into []uint32) (found []uint32, err error) {
	if !b.Has(trigger) || !trigger.ByAddress() || !address.IsValid() {
		return into, nil
	}
	defer b.note(&err)
	address = address.Unmap().WithZone("")
	seed := &b.strata[0].seed
	for _, length := range b.lengths[trigger].of(address) {
		prefix, err := address.Prefix(int(length))
		if err != nil {
			return into, corrupt("a prefix of %d bits", length)
		}
		var k key
		k.ofPrefix(trigger, prefix)
		mask := b.maybe(seed.of(k.bytes()))
		if mask == 0 {
			continue
		}
		if into, err = b.owner(k.bytes(), true, mask, into); err != nil {
			return into, err
		}
	}
	return into, nil
}

// Find gives the id of a list's own entry of exactly this name and scope, which looks at names.
func (b *Bundle) Find(list blocklists.ListID, name wire.Name, scope blocklists.Scope) (id uint32, found bool) {
	return b.Same(&blocklists.Entry{List: list, Name: name, Scope: scope})
}

// Same gives the id of the entry that the same list has of the same subject: trigger, name
// and scope, or trigger and prefix.
func (b *Bundle) Same(entry *blocklists.Entry) (id uint32, found bool) {
	var k key
	if !b.Has(entry.Trigger) || !k.ofSubject(entry) {
		return 0, false
	}
	list, scope := entry.List, entry.Scope
	var err error
	defer b.note(&err)
	mask := b.maybe(b.strata[0].seed.of(k.bytes()))
	for i := range b.strata {
		if mask&(1<<i) == 0 {
			continue
		}
		var first, count uint32
		if first, count, err = b.strata[i].find(k.bytes()); err != nil {
			return 0, false
		}
		if id, found := b.among(&b.strata[i], first, count, list, scope); found {
			return id, true
		}
	}
	return 0, false
}

func (b *Bundle) among(s *stratum, first, count uint32, list blocklists.ListID, scope blocklists.Scope) (id uint32, found bool) {
	for id := first; id < first+count; id++ {
		c := s.class(id)
		if index := s.lists[c.list]; index >= 0 && c.scope == uint8(scope) && b.lists[index].ID == list {
			return s.base + id, true
		}
	}
	return 0, false
}

// at finds the stratum of an id; nil where there is none.
func (b *Bundle) at(id uint32) (*stratum, uint32) {
	for i := len(b.strata) - 1; i >= 0; i-- {
		if s := &b.strata[i]; id >= s.base {
			if id-s.base < s.entries {
				return s, id - s.base
			}
			return nil, 0
		}
	}
	return nil, 0
}

// Terms gives what decides whether an entry counts, without allocating. What is no id
// has none, and is held.
func (b *Bundle) Terms(id uint32) blocklists.Terms {
	s, at := b.at(id)
	if s == nil {
		return blocklists.Terms{Standing: blocklists.Held}
	}
	c := s.class(at)
	runtime.KeepAlive(b)
	return blocklists.Terms{
		Action: blocklists.Action(c.action), Standing: blocklists.Standing(c.standing), From: c.from, Until: c.until,
	}
}

// FirstSeen is when an entry first was in its list, in seconds since 1970; 0 for unknown.
func (b *Bundle) FirstSeen(id uint32) (seen uint32) {
	s, at := b.at(id)
	if s == nil {
		return 0
	}
	var err error
	defer b.note(&err)
	seen, err = s.seenAt(at)
	return seen
}

// IDs gives the ids of all entries of lists that the bundle has.
func (b *Bundle) IDs() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i := range b.strata {
			s := &b.strata[i]
			for at := range s.entries {
				if s.lists[s.class(at).list] >= 0 && !yield(s.base+at) {
					return
				}
			}
		}
		runtime.KeepAlive(b)
	}
}

// ListIndex says at which place of [Bundle.Lists] the entry's list stands; -1 where the
// bundle has no such id.
func (b *Bundle) ListIndex(id uint32) int {
	s, at := b.at(id)
	if s == nil {
		return -1
	}
	index := int(s.lists[s.class(at).list])
	runtime.KeepAlive(b)
	return index
}

// ListOf gives the list of an entry; nil where the bundle has no such id.
func (b *Bundle) ListOf(id uint32) *List {
	if i := b.ListIndex(id); i >= 0 {
		return &b.lists[i]
	}
	return nil
}

// Entry gives a copy of an entry; false where the bundle has no such id, or cannot be read.
func (b *Bundle) Entry(id uint32) (entry blocklists.Entry, found bool) {
	s, at := b.at(id)
	if s == nil || s.lists[s.class(at).list] < 0 {
		return blocklists.Entry{}, false
	}
	var err error
	defer b.note(&err)
	var c cursor
	buffer := s.held.pages.borrow()
	defer s.held.pages.giveBack(buffer)
	key, err := s.keyOf(at, &c, buffer)
	if err != nil {
		return blocklists.Entry{}, false
	}
	entry, err = b.entryOf(s, at, key)
	return entry, err == nil
}

// AppendIdentity appends what makes an entry the same one in every generation: its list, what it
// looks at, and its scope, whatever it does and until when. It allocates only if into must grow.
// False: the bundle has no such id, or cannot be read.
func (b *Bundle) AppendIdentity(id uint32, into []byte) ([]byte, bool) {
	s, at := b.at(id)
	if s == nil || s.lists[s.class(at).list] < 0 {
		return into, false
	}
	var err error
	defer b.note(&err)
	var c cursor
	// Room for keys that needs no allocation: a page has more than two of them.
	keys := s.held.pages.borrow()
	defer s.held.pages.giveBack(keys)
	c.first, c.key = keys[:0:maxKey+1], keys[pageSize/2:pageSize/2:pageSize]
	buffer := s.held.pages.borrow()
	defer s.held.pages.giveBack(buffer)
	owner, err := s.keyOf(at, &c, buffer)
	if err != nil {
		return into, false
	}
	class := s.class(at)
	into = append(into, b.lists[s.lists[class.list]].ID...)
	into = append(into, 0, class.scope)
	return append(into, owner...), true
}

// Because says why a safeguard gave an entry its standing; "" for an active one.
func (b *Bundle) Because(id uint32) string {
	s, at := b.at(id)
	if s == nil || s.class(at).kind&hasExtra == 0 {
		return ""
	}
	var err error
	defer b.note(&err)
	more, err := s.textsOf(at)
	return more.because
}

func (b *Bundle) entryOf(s *stratum, id uint32, key []byte) (blocklists.Entry, error) {
	c := s.class(id)
	list := &b.lists[s.lists[c.list]]
	entry := blocklists.Entry{
		List: list.ID, Trigger: blocklists.Trigger(key[0]), Scope: blocklists.Scope(c.scope), Source: configured,
		Terms: blocklists.Terms{Action: blocklists.Action(c.action), Standing: blocklists.Standing(c.standing), From: c.from, Until: c.until},
	}
	if list.Kind == Feed {
		entry.Source = list.Manifest.Source.String()
	}
	ok := false
	if entry.Trigger.ByAddress() {
		entry.Prefix, ok = prefixOf(key)
	} else {
		entry.Name, ok = nameOf(key)
	}
	if !ok {
		return entry, errBlock
	}
	line, seen, err := s.provenance(id)
	if err != nil {
		return entry, err
	}
	entry.Line = line
	if seen != 0 {
		entry.FirstSeen = time.Unix(int64(seen), 0).UTC()
	}
	if c.kind&hasExtra != 0 {
		var more texts
		more, err = s.textsOf(id)
		entry.Data, entry.Order = more.data, more.order
		if entry.Order != "" {
			entry.Source = "order " + entry.Order
		}
	}
	return entry, err
}

// All gives every entry with its id, in the order of the ids. Where the bundle turns out
// to be damaged it ends early, and [Bundle.Err] says so.
func (b *Bundle) All() iter.Seq2[uint32, blocklists.Entry] {
	return func(yield func(uint32, blocklists.Entry) bool) {
		for i := range b.strata {
			if !b.all(&b.strata[i], yield) {
				return
			}
		}
	}
}

func (b *Bundle) all(s *stratum, yield func(uint32, blocklists.Entry) bool) bool {
	w := walker{stratum: s}
	for {
		more, err := b.step(&w)
		if err != nil || !more {
			return err == nil
		}
		for id := w.id; id < w.id+w.count; id++ {
			if s.lists[s.class(id).list] < 0 {
				continue
			}
			entry, err := b.read(s, id, w.key)
			if err != nil || !yield(s.base+id, entry) {
				return false
			}
		}
	}
}

func (b *Bundle) step(w *walker) (more bool, err error) {
	defer b.note(&err)
	return w.next()
}

func (b *Bundle) read(s *stratum, id uint32, key []byte) (entry blocklists.Entry, err error) {
	defer b.note(&err)
	return b.entryOf(s, id, key)
}
