package bindings

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
)

// kinds of keys, each with a tree of its own.
const (
	ofIPv4     = iota // networks
	ofPorts           // ranges of ports of an IPv4 address
	ofIPv6            // networks up to /64, which most are
	ofIPv6Host        // longer ones
	kinds
)

// wordsOf is how many words the keys of each kind have.
var wordsOf = [kinds]int{ofIPv4: 1, ofPorts: 2, ofIPv6: 2, ofIPv6Host: 4}

// Subject is what can be bound: a network, or a range of ports of one IPv4 address.
type Subject struct {
	Network   netip.Prefix
	FirstPort uint16 // 0 with LastPort 0: all ports
	LastPort  uint16
}

// HasPorts says that the subject is a range of ports.
func (s Subject) HasPorts() bool { return s.LastPort != 0 }

func (s Subject) String() string {
	if s.HasPorts() {
		return fmt.Sprintf("%s:%d-%d", s.Network.Addr(), s.FirstPort, s.LastPort)
	}
	return s.Network.String()
}

// Change binds a subject, or ends what it is bound to.
type Change struct {
	Subject      Subject
	Remove       bool
	Profile      string // "" for none
	Jurisdiction string // "" for what the configuration says
	Until        time.Time
}

// Binding is what a subject is bound to.
type Binding struct {
	Profile      string
	Jurisdiction string
	Until        time.Time
}

// Table is all bindings. Readers never wait, and see each change whole.
type Table struct {
	state   atomic.Pointer[state]
	most    int
	changes sync.Mutex // held by those who change state, never by readers

	profiles, jurisdictions map[string]uint32 // guarded by changes: the index of each name
}

// state is what is bound at a moment. It is never changed; the names only grow, and only
// behind what an earlier state has of them.
type state struct {
	trees                   [kinds]tree
	count                   int // of entries
	profiles, jurisdictions []string
}

// MostBindings bounds a table.
const MostBindings = 12_000_000

// maxNames bounds the different names that bindings give, since the start.
const maxNames = 4_000_000

// New makes an empty table.
func New() *Table {
	t := &Table{most: MostBindings, profiles: map[string]uint32{"": 0}, jurisdictions: map[string]uint32{"": 0}}
	first := &state{profiles: []string{""}, jurisdictions: []string{""}}
	for kind := range first.trees {
		first.trees[kind].words = wordsOf[kind]
	}
	t.state.Store(first)
	return t
}

// Len is how many bindings there are, those included whose time is over and which have not
// been swept.
func (t *Table) Len() int { return t.state.Load().count }

// enforce counts a state's entries and puts it in force.
func (t *Table) enforce(next *state) {
	next.count = 0
	for i := range next.trees {
		next.count += next.trees[i].count
	}
	t.state.Store(next)
}

// Bound finds what an address and port are bound to at a time. A range of ports goes before
// the network, a longer network before a shorter. One whose time is over binds to nothing.
func (t *Table) Bound(addr netip.Addr, port uint16, at time.Time) (profile.Binding, bool) {
	s := t.state.Load()
	if s.count == 0 {
		return profile.Binding{}, false
	}
	tree, entry := s.find(addr, port)
	if entry == nil {
		return profile.Binding{}, false
	}
	bound := tree.valueOf(entry)
	if int64(bound.until) <= at.Unix() {
		return profile.Binding{}, false
	}
	return profile.Binding{Profile: s.profiles[bound.profile], Jurisdiction: s.jurisdictions[bound.jurisdiction], Ports: tree == &s.trees[ofPorts]}, true
}

func (s *state) find(addr netip.Addr, port uint16) (*tree, []uint32) {
	if addr.Is4() {
		octets := addr.As4()
		word := binary.BigEndian.Uint32(octets[:])
		if ports := &s.trees[ofPorts]; ports.root != nil {
			if entry := ports.floor(portKey(word, port, 0xffff)); entry != nil && entry[0] == word && uint16(entry[1]) >= port {
				return ports, entry
			}
		}
		return &s.trees[ofIPv4], s.trees[ofIPv4].longest([maxWords]uint32{word}, 32)
	}
	if s.trees[ofIPv6].root == nil && s.trees[ofIPv6Host].root == nil {
		return nil, nil
	}
	words := wordsOfIPv6(addr)
	if entry := s.trees[ofIPv6Host].longest(words, 128); entry != nil {
		return &s.trees[ofIPv6Host], entry
	}
	return &s.trees[ofIPv6], s.trees[ofIPv6].longest(words, 64)
}

// portKey is of a range of ports. Their lengths are all alike.
func portKey(word uint32, first, last uint16) *key {
	return &key{words: [maxWords]uint32{word, uint32(first)<<16 | uint32(last)}, length: 32}
}

func wordsOfIPv6(addr netip.Addr) [maxWords]uint32 {
	octets := addr.As16()
	var words [maxWords]uint32
	for i := range words {
		words[i] = binary.BigEndian.Uint32(octets[4*i:])
	}
	return words
}

// keyFor gives the tree and the key of a subject.
func keyFor(subject Subject) (kind int, k key) {
	addr, length := subject.Network.Addr(), subject.Network.Bits()
	switch {
	case addr.Is4():
		octets := addr.As4()
		word := binary.BigEndian.Uint32(octets[:])
		if subject.HasPorts() {
			return ofPorts, *portKey(word, subject.FirstPort, subject.LastPort)
		}
		return ofIPv4, key{words: [maxWords]uint32{word}, length: uint8(length)}
	case length <= 64:
		return ofIPv6, key{words: wordsOfIPv6(addr), length: uint8(length)}
	}
	return ofIPv6Host, key{words: wordsOfIPv6(addr), length: uint8(length)}
}

// subjectOf is the other way.
func subjectOf(kind int, k key) Subject {
	var octets [16]byte
	for i, word := range k.words {
		binary.BigEndian.PutUint32(octets[4*i:], word)
	}
	switch kind {
	case ofIPv4:
		return Subject{Network: netip.PrefixFrom(netip.AddrFrom4([4]byte(octets[:4])), int(k.length))}
	case ofPorts:
		return Subject{Network: netip.PrefixFrom(netip.AddrFrom4([4]byte(octets[:4])), 32), FirstPort: uint16(k.words[1] >> 16), LastPort: uint16(k.words[1])}
	}
	return Subject{Network: netip.PrefixFrom(netip.AddrFrom16(octets), int(k.length))}
}

// Get finds the binding of just that subject, also one whose time is over.
func (t *Table) Get(subject Subject) (Binding, bool) {
	s := t.state.Load()
	kind, k := keyFor(subject)
	entry := s.trees[kind].get(&k)
	if entry == nil {
		return Binding{}, false
	}
	return s.bindingOf(&s.trees[kind], entry), true
}

func (s *state) bindingOf(t *tree, entry []uint32) Binding {
	bound := t.valueOf(entry)
	return Binding{Profile: s.profiles[bound.profile], Jurisdiction: s.jurisdictions[bound.jurisdiction], Until: time.Unix(int64(bound.until), 0).UTC()}
}

// Errors of a change.
var (
	ErrSubject = errors.New("is neither a network nor a range of ports of one IPv4 address")
	ErrNoEnd   = errors.New("has no end: say until when the binding holds")
	ErrEnd     = errors.New("ends after the year 2100")
	ErrOverlap = errors.New("overlaps another range of ports of the address, which is to be ended first")
	ErrFull    = fmt.Errorf("there are %d bindings, which is the most", MostBindings)
)

// lastEnd keeps ends within what an entry has room for.
var lastEnd = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *Change) check() error {
	network := c.Subject.Network
	switch {
	case !network.IsValid(), network != network.Masked(), network.Addr().Is4In6(), c.Subject.FirstPort > c.Subject.LastPort,
		c.Subject.HasPorts() && (!network.Addr().Is4() || !network.IsSingleIP()):
		return ErrSubject
	case c.Remove:
		return nil
	case c.Until.IsZero():
		return ErrNoEnd
	case !c.Until.Before(lastEnd) || c.Until.Unix() < 0:
		return ErrEnd
	}
	return nil
}

// Apply puts changes in force together, a later one of the same subject after an earlier. It
// gives what is wrong with each that could not be, by its index; the others are in force.
func (t *Table) Apply(changes []Change, at time.Time) map[int]error {
	t.changes.Lock()
	defer t.changes.Unlock()
	refused := make(map[int]error)
	before := t.state.Load()
	next := *before
	var sorted [kinds][]change
	for i := range changes {
		kind, made, err := t.compile(&changes[i], &next)
		if err != nil {
			refused[i] = err
			continue
		}
		made.order = uint32(i)
		sorted[kind] = append(sorted[kind], made)
	}
	room := t.most - before.count
	for kind := range sorted {
		tree := &before.trees[kind]
		ready := tree.settle(sorted[kind])
		if kind == ofPorts {
			ready = tree.apart(ready, uint32(at.Unix()), refused)
		}
		ready = tree.within(ready, &room, refused)
		next.trees[kind] = tree.apply(ready)
	}
	t.enforce(&next)
	return refused
}

func (t *Table) compile(from *Change, into *state) (kind int, made change, err error) {
	if err := from.check(); err != nil {
		return 0, change{}, err
	}
	kind, k := keyFor(from.Subject)
	made = change{key: k, remove: from.Remove}
	if from.Remove {
		return kind, made, nil
	}
	named, err := intern(t.profiles, &into.profiles, from.Profile, maxNames)
	if err != nil {
		return 0, change{}, err
	}
	code, err := intern(t.jurisdictions, &into.jurisdictions, from.Jurisdiction, 1<<16)
	if err != nil {
		return 0, change{}, err
	}
	made.value = value{profile: named, jurisdiction: uint16(code), until: uint32(from.Until.Unix())}
	return kind, made, nil
}

// intern gives a name's index.
func intern(known map[string]uint32, names *[]string, name string, most int) (uint32, error) {
	if index, found := known[name]; found {
		return index, nil
	}
	if len(*names) == most {
		return 0, fmt.Errorf("gives one name too many: %d are the most", most)
	}
	index := uint32(len(*names))
	known[name], *names = index, append(*names, name)
	return index, nil
}

// settle orders changes and keeps the last of each key.
func (t *tree) settle(changes []change) []change {
	slices.SortFunc(changes, func(a, b change) int {
		for i := range t.words {
			if a.words[i] != b.words[i] {
				if a.words[i] < b.words[i] {
					return -1
				}
				return 1
			}
		}
		if a.length != b.length {
			return int(a.length) - int(b.length)
		}
		return int(int64(a.order) - int64(b.order))
	})
	kept := changes[:0]
	for i := range changes {
		if i+1 == len(changes) || changes[i].key != changes[i+1].key {
			kept = append(kept, changes[i])
		}
	}
	return kept
}

// within keeps what there is room for. Only when that runs short is it asked which changes
// are of subjects that are bound already.
func (t *tree) within(changes []change, room *int, refused map[int]error) []change {
	scarce := *room < len(changes)
	kept := changes[:0]
	for i := range changes {
		c := changes[i]
		if !c.remove && (!scarce || t.get(&c.key) == nil) {
			if *room--; *room < 0 {
				refused[int(c.order)] = ErrFull
				continue
			}
		}
		kept = append(kept, c)
	}
	return kept
}

// apart keeps ranges of ports that overlap no other: which home has a port must be one.
// Others whose time is over make room.
func (t *tree) apart(changes []change, now uint32, refused map[int]error) []change {
	kept := changes[:0]
	removed := make(map[key]bool)
	for i := range changes {
		if changes[i].remove {
			removed[changes[i].key] = true
		}
	}
	for i := range changes {
		c := changes[i]
		if !c.remove && (t.overlaps(&c.key, now, removed) || overlapsLast(kept, &c.key)) {
			refused[int(c.order)] = ErrOverlap
			continue
		}
		kept = append(kept, c)
	}
	kept = slices.Clone(kept) // what is added has no room in the changes
	for over, fresh := range removed {
		if !fresh {
			kept = append(kept, change{key: over, remove: true})
		}
	}
	return t.settle(kept)
}

// overlaps says whether a range of ports has some in common with another that stays. One
// whose time is over is noted among those that are removed, as false.
func (t *tree) overlaps(k *key, now uint32, removed map[key]bool) bool {
	last := uint16(k.words[1])
	for at := portKey(k.words[0], last, 0xffff); ; {
		entry := t.floor(at)
		if entry == nil || entry[0] != k.words[0] || uint16(entry[1]) < uint16(k.words[1]>>16) {
			return false
		}
		found := t.keyOf(entry)
		if found != *k && !removed[found] {
			if t.valueOf(entry).until > now {
				return true
			}
			removed[found] = false
		}
		first := uint16(entry[1] >> 16)
		if first == 0 {
			return false
		}
		at = portKey(k.words[0], first-1, 0xffff)
	}
}

// overlapsLast says the same of the last change that sets one.
func overlapsLast(kept []change, k *key) bool {
	for i := len(kept) - 1; i >= 0; i-- {
		if last := &kept[i]; !last.remove {
			return last.words[0] == k.words[0] && uint16(last.words[1]) >= uint16(k.words[1]>>16)
		}
	}
	return false
}

// sweepAtOnce bounds how many bindings one sweep takes away, so that others who change the
// table come in between.
const sweepAtOnce = 1 << 16

// Sweep takes away bindings whose time is over and says how many. One that lies in a longer
// lasting one stays, since without it the other would hold there.
func (t *Table) Sweep(at time.Time) int {
	swept := 0
	for {
		count := t.sweepSome(at)
		swept += count
		if count < sweepAtOnce {
			return swept
		}
	}
}

func (t *Table) sweepSome(at time.Time) int {
	t.changes.Lock()
	defer t.changes.Unlock()
	before, now := t.state.Load(), uint32(at.Unix())
	next, count := *before, 0
	for kind := range before.trees {
		tree := &before.trees[kind]
		var over []change
		for entry := range tree.all {
			if entry[tree.words+1] <= now && !before.covered(kind, tree.keyOf(entry), now) {
				over = append(over, change{key: tree.keyOf(entry), remove: true})
			}
			if count+len(over) == sweepAtOnce {
				break
			}
		}
		next.trees[kind] = tree.apply(over)
		count += len(over)
	}
	if count > 0 {
		t.enforce(&next)
	}
	return count
}

// covered says whether a binding that holds is around another or, for a range of ports, is
// of its address.
func (s *state) covered(kind int, k key, now uint32) bool {
	for length := int(k.length) - 1; length >= 0; {
		around := s.trees[kind].longestOf(kind, k.words, length)
		if around == nil {
			break
		}
		t := &s.trees[kind]
		if t.valueOf(around).until > now {
			return true
		}
		length = int(t.keyOf(around).length) - 1
	}
	if kind == ofPorts {
		entry := s.trees[ofIPv4].longest(k.words, 32)
		return entry != nil && s.trees[ofIPv4].valueOf(entry).until > now
	}
	if kind == ofIPv6Host {
		entry := s.trees[ofIPv6].longest(k.words, 64)
		return entry != nil && s.trees[ofIPv6].valueOf(entry).until > now
	}
	return false
}

// longestOf is longest where keys are networks.
func (t *tree) longestOf(kind int, words [maxWords]uint32, most int) []uint32 {
	if kind == ofPorts {
		return nil
	}
	return t.longest(words, most)
}

// All yields each binding, in no order that means anything.
func (t *Table) All(yield func(Subject, Binding) bool) {
	s := t.state.Load()
	for kind := range s.trees {
		tree := &s.trees[kind]
		for entry := range tree.all {
			if !yield(subjectOf(kind, tree.keyOf(entry)), s.bindingOf(tree, entry)) {
				return
			}
		}
	}
}
