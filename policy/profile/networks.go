package profile

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// networks finds the first row in file order that has an address.
type networks struct {
	table *bart.Table[uint32] // prefix to row
	few   []binding           // the same, the longest first, where there are no more than maxFew
}

// binding is a network with its row.
type binding struct {
	network netip.Prefix
	row     uint32
}

const (
	// maxFew networks are looked through faster than the table is. Each query is looked up.
	maxFew = 8

	maxNetworks = 1_000_000
)

func newNetworks() networks { return networks{table: new(bart.Table[uint32])} }

// add enters a row's networks, earlier rows keeping theirs. Where they keep all, the row is
// a problem.
func (n *networks) add(row uint32, own []netip.Prefix, found *problems) {
	if !slices.ContainsFunc(own, func(network netip.Prefix) bool { return !n.covers(network) }) {
		found.add(fmt.Sprintf("clients[%d]", row), "never matches: %s above it; put the narrower row first", n.takers(own[0]))
	}
	for _, network := range own {
		if _, earlier := n.table.Get(network); !earlier {
			n.table.Insert(network, row)
		}
	}
}

// covers says whether the networks entered so far hold all addresses of one, be it together.
func (n *networks) covers(network netip.Prefix) bool {
	if _, _, around := n.table.LookupPrefixLPM(network); around {
		return true
	}
	if network.IsSingleIP() || !n.table.OverlapsPrefix(network) {
		return false
	}
	lower, upper := halves(network)
	return n.covers(lower) && n.covers(upper)
}

// halves are the two networks that are one bit longer.
func halves(network netip.Prefix) (lower, upper netip.Prefix) {
	octets, bit := network.Addr().AsSlice(), network.Bits()
	octets[bit/8] |= 0x80 >> (bit % 8)
	other, _ := netip.AddrFromSlice(octets) // as long as it was
	return netip.PrefixFrom(network.Addr(), bit+1), netip.PrefixFrom(other, bit+1)
}

// takers says which rows have a network that is taken.
func (n *networks) takers(network netip.Prefix) string {
	if _, row, around := n.table.LookupPrefixLPM(network); around {
		return fmt.Sprintf("clients[%d] takes in %s", row, network)
	}
	return fmt.Sprintf("rows take in all parts of %s", network)
}

// settle gives each network the first row among its own and those of all
// networks around it, so that the longest prefix finds the first match.
func (n *networks) settle() {
	var moved []binding
	for network, row := range n.table.All() {
		if least := n.first(network, row); least != row {
			moved = append(moved, binding{network, least})
		}
	}
	for _, move := range moved {
		n.table.Insert(move.network, move.row)
	}
	if n.table.Size() > maxFew {
		return
	}
	n.few = make([]binding, 0, maxFew)
	for network, row := range n.table.All() {
		n.few = append(n.few, binding{network, row})
	}
	slices.SortFunc(n.few, func(a, b binding) int { return b.network.Bits() - a.network.Bits() })
}

func (n *networks) first(network netip.Prefix, row uint32) uint32 {
	for _, around := range n.table.Supernets(network) {
		row = min(row, around)
	}
	return row
}

func (n *networks) find(addr netip.Addr) (row uint32, found bool) {
	if n.few == nil {
		return n.table.Lookup(addr)
	}
	for i := range n.few {
		if n.few[i].network.Contains(addr) {
			return n.few[i].row, true
		}
	}
	return 0, false
}

// around finds the row of all of a network.
func (n *networks) around(network netip.Prefix) (row uint32, found bool) {
	return n.table.LookupPrefix(network)
}
