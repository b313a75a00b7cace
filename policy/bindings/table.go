package bindings

import (
	"encoding/binary"
	"fmt"
	"net/netip"
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
