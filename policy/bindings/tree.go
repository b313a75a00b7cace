package bindings

import (
	"math/bits"
	"sort"
)

const (
	// leafMost is how many entries a leaf has at most: all of them are copied to change one.
	leafMost = 256
	// innerMost is how many children an inner node has at most.
	innerMost = 512
	// maxWords is the length of the longest key.
	maxWords = 4
)

// key is a network or a range of ports, left-aligned in words of 32 bits. Keys are ordered
// by their words, then by length, so that a network comes before all that is in it.
type key struct {
	words  [maxWords]uint32
	length uint8 // of the prefix, in bits
}

// value is what a key is bound to.
type value struct {
	profile      uint32 // index of a name
	until        uint32 // seconds since 1970
	jurisdiction uint16 // index of a code
}

// change sets a key, or takes it away.
type change struct {
	key
	value
	order  uint32 // of two changes of one key the later holds
	remove bool
}

// tree is a B+ tree that is never changed: apply gives another one, which has in common
// with this what did not change. All leaves are equally deep. An entry is flat, some words
// of key, then length and jurisdiction, until, profile: 16 octets for an IPv4 network.
type tree struct {
	words   int // of a key
	root    *node
	count   int
	lengths [129]uint32 // how many entries have each length
}

type node struct {
	entries  []uint32 // of a leaf
	children []*node
	firsts   []uint32 // the key of each child's first entry: its words and its length
}

func (t *tree) width() int { return t.words + 3 }

// compare orders a key and one that begins at some words, its length behind them in the
// high half where packed.
func (t *tree) compare(k *key, at []uint32, packed bool) int {
	for i := range t.words {
		if k.words[i] != at[i] {
			if k.words[i] < at[i] {
				return -1
			}
			return 1
		}
	}
	length := at[t.words]
	if packed {
		length >>= 16
	}
	return int(k.length) - int(length)
}

// floor finds the greatest entry that is not beyond a key; nil where all are.
func (t *tree) floor(k *key) []uint32 {
	n := t.root
	if n == nil {
		return nil
	}
	for n.children != nil {
		i := t.beyond(n.firsts, t.words+1, k, false)
		if i == 0 {
			return nil
		}
		n = n.children[i-1]
	}
	width := t.width()
	i := t.beyond(n.entries, width, k, true)
	if i == 0 {
		return nil
	}
	return n.entries[(i-1)*width : i*width]
}

// beyond counts the keys in a row that are not beyond one.
func (t *tree) beyond(row []uint32, width int, k *key, packed bool) int {
	low, high := 0, len(row)/width
	for low < high {
		middle := int(uint(low+high) / 2)
		if t.compare(k, row[middle*width:], packed) < 0 {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// longest finds the entry of the longest prefix that an address is in. Where the floor of
// the address is not around it, what is around both can be no longer than what both begin
// with: so few steps find it, and one where all prefixes are of a length.
func (t *tree) longest(address [maxWords]uint32, most int) []uint32 {
	if t.root == nil {
		return nil
	}
	for length := t.present(most); length >= 0; {
		wanted := key{words: masked(address, length), length: uint8(length)}
		entry := t.floor(&wanted)
		if entry == nil {
			return nil
		}
		common := t.common(address, entry)
		if own := int(entry[t.words] >> 16); own <= common {
			return entry
		}
		length = t.present(min(common, length-1))
	}
	return nil
}

// present is the greatest length up to one that any entry has; -1 for none.
func (t *tree) present(most int) int {
	for length := most; length >= 0; length-- {
		if t.lengths[length] > 0 {
			return length
		}
	}
	return -1
}

// common is how many bits an address and an entry's have in common.
func (t *tree) common(address [maxWords]uint32, entry []uint32) int {
	for i := range t.words {
		if differ := address[i] ^ entry[i]; differ != 0 {
			return 32*i + bits.LeadingZeros32(differ)
		}
	}
	return 32 * t.words
}

// masked clears what stands behind a length.
func masked(address [maxWords]uint32, length int) [maxWords]uint32 {
	for i := range address {
		switch kept := length - 32*i; {
		case kept <= 0:
			address[i] = 0
		case kept < 32:
			address[i] &= ^uint32(0) << (32 - kept)
		}
	}
	return address
}

// get finds the entry of just that key.
func (t *tree) get(k *key) []uint32 {
	entry := t.floor(k)
	if entry == nil || t.compare(k, entry, true) != 0 {
		return nil
	}
	return entry
}

// apply gives the tree with changes, which are in order and of a key each.
func (t *tree) apply(changes []change) tree {
	next := *t
	if len(changes) == 0 {
		return next
	}
	nodes := next.rewrite(t.root, changes)
	for len(nodes) > 1 {
		nodes = next.group(nodes)
	}
	next.root = nil
	if len(nodes) == 1 {
		next.root = nodes[0]
	}
	for next.root != nil && len(next.root.children) == 1 {
		next.root = next.root.children[0]
	}
	return next
}

// rewrite gives the nodes that take the place of one, as deep as it.
func (t *tree) rewrite(n *node, changes []change) []*node {
	if n == nil || n.children == nil {
		var before []uint32
		if n != nil {
			before = n.entries
		}
		return t.leaves(t.merge(before, changes))
	}
	out := make([]*node, 0, len(n.children)+1)
	for i, child := range n.children {
		mine := changes
		if i+1 < len(n.children) {
			first := n.firsts[(i+1)*(t.words+1):]
			mine = changes[:sort.Search(len(changes), func(j int) bool { return t.compare(&changes[j].key, first, false) >= 0 })]
		}
		changes = changes[len(mine):]
		if len(mine) == 0 {
			out = append(out, child)
		} else {
			out = append(out, t.rewrite(child, mine)...)
		}
	}
	return t.group(t.joined(out))
}

// joined puts small leaves together with the next.
func (t *tree) joined(nodes []*node) []*node {
	out := nodes[:0]
	for _, n := range nodes {
		if last := len(out) - 1; last >= 0 && n.children == nil && len(out[last].entries)+len(n.entries) <= leafMost/2*t.width() {
			out[last] = &node{entries: append(append(make([]uint32, 0, len(out[last].entries)+len(n.entries)), out[last].entries...), n.entries...)}
			continue
		}
		out = append(out, n)
	}
	return out
}

// merge gives the entries of a leaf after changes, and counts them.
func (t *tree) merge(before []uint32, changes []change) []uint32 {
	width := t.width()
	out := make([]uint32, 0, len(before)+len(changes)*width)
	for i := range changes {
		c := &changes[i]
		smaller := t.beyond(before, width, &c.key, true) * width
		if smaller > 0 && t.compare(&c.key, before[smaller-width:], true) == 0 {
			out = append(out, before[:smaller-width]...)
			t.count--
			t.lengths[c.length]--
		} else {
			out = append(out, before[:smaller]...)
		}
		before = before[smaller:]
		if c.remove {
			continue
		}
		out = append(out, c.words[:t.words]...)
		out = append(out, uint32(c.length)<<16|uint32(c.jurisdiction), c.until, c.profile)
		t.count++
		t.lengths[c.length]++
	}
	return append(out, before...)
}

// leaves cuts entries into leaves of about one size, each with no more room than it needs.
func (t *tree) leaves(entries []uint32) []*node {
	var out []*node
	for _, part := range cut(len(entries)/t.width(), leafMost) {
		size := part * t.width()
		out = append(out, &node{entries: append(make([]uint32, 0, size), entries[:size]...)})
		entries = entries[size:]
	}
	return out
}

// group puts nodes below others.
func (t *tree) group(nodes []*node) []*node {
	var out []*node
	for _, part := range cut(len(nodes), innerMost) {
		above := &node{children: append(make([]*node, 0, part), nodes[:part]...), firsts: make([]uint32, 0, part*(t.words+1))}
		for _, child := range above.children {
			above.firsts = t.appendFirst(above.firsts, child)
		}
		out, nodes = append(out, above), nodes[part:]
	}
	return out
}

func (t *tree) appendFirst(firsts []uint32, n *node) []uint32 {
	if n.children != nil {
		return append(firsts, n.firsts[:t.words+1]...)
	}
	firsts = append(firsts, n.entries[:t.words]...)
	return append(firsts, n.entries[t.words]>>16)
}

// cut says how many of a number go into each of as few parts as there must be.
func cut(number, most int) []int {
	parts := (number + most - 1) / most
	sizes := make([]int, parts)
	for i := range sizes {
		sizes[i] = number * (i + 1) / parts
		sizes[i] -= number * i / parts
	}
	return sizes
}

// all yields the entries in order.
func (t *tree) all(yield func(entry []uint32) bool) {
	if t.root != nil {
		t.walk(t.root, yield)
	}
}

func (t *tree) walk(n *node, yield func([]uint32) bool) bool {
	for _, child := range n.children {
		if !t.walk(child, yield) {
			return false
		}
	}
	for width, rest := t.width(), n.entries; len(rest) > 0; rest = rest[width:] {
		if !yield(rest[:width]) {
			return false
		}
	}
	return true
}

// keyOf and valueOf read an entry.
func (t *tree) keyOf(entry []uint32) key {
	k := key{length: uint8(entry[t.words] >> 16)}
	copy(k.words[:], entry[:t.words])
	return k
}

func (t *tree) valueOf(entry []uint32) value {
	return value{jurisdiction: uint16(entry[t.words]), until: entry[t.words+1], profile: entry[t.words+2]}
}
