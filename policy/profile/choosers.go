package profile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/resolver"
)

// chooser is a row that chooses the profile of clients. All that it asks for must hold.
type chooser struct {
	row        int
	profile    *Profile
	anyone     bool
	name, path string
	networks   []netip.Prefix
	macs       [][6]byte
}

func (c *checkedRow) chooser(client *Client) *chooser {
	return &chooser{
		row: c.row, profile: c.who.Profile, anyone: client.Anyone, name: c.name, path: strings.TrimPrefix(client.Match.Path, PathPrefix),
		networks: client.Match.Networks, macs: c.macs,
	}
}

// choosers finds the first row in file order. Each stands in one of the maps, by what
// fewest clients have.
type choosers struct {
	names  map[string][]*chooser
	paths  map[string][]*chooser
	macs   map[[6]byte][]*chooser
	anyone bool // some row is open
	size   int
}

// maxChoosers bounds the rows, each of which is compared with those before it.
const maxChoosers = 10_000

func newChoosers() choosers {
	return choosers{names: make(map[string][]*chooser), paths: make(map[string][]*chooser), macs: make(map[[6]byte][]*chooser)}
}

func (c *choosers) none() bool { return c.size == 0 }

func (c *choosers) add(row *chooser, found *problems) {
	if c.size++; c.size > maxChoosers {
		if c.size == maxChoosers+1 {
			found.add("clients", "have more than %d rows with a hardware address, server name or path; devices can be named over the API", maxChoosers)
		}
		return
	}
	if earlier := c.shadow(row); earlier != nil {
		found.add(fmt.Sprintf("clients[%d]", row.row), "never matches: clients[%d] above it takes whomever it asks for; put the narrower row first", earlier.row)
	}
	c.anyone = c.anyone || row.anyone
	switch {
	case row.name != "":
		c.names[row.name] = append(c.names[row.name], row)
	case row.path != "":
		c.paths[row.path] = append(c.paths[row.path], row)
	default:
		for _, mac := range row.macs {
			if rows := c.macs[mac]; len(rows) == 0 || rows[len(rows)-1] != row {
				c.macs[mac] = append(rows, row)
			}
		}
	}
}

// shadow finds an earlier row that takes what a row asks for, where each part of that is
// taken: nil, where one is not.
func (c *choosers) shadow(row *chooser) *chooser {
	var taker *chooser
	for part := range row.parts {
		before := c.candidates(&part)
		found := slices.IndexFunc(before, func(earlier *chooser) bool { return earlier.takes(&part) })
		if found < 0 {
			return nil
		}
		taker = before[found]
	}
	return taker
}

// parts are the row for one hardware address and one network at a time.
func (c *chooser) parts(yield func(chooser) bool) {
	for i := range max(len(c.macs), 1) {
		for j := range max(len(c.networks), 1) {
			part := *c
			part.macs, part.networks = c.macs[min(i, len(c.macs)):min(i+1, len(c.macs))], c.networks[min(j, len(c.networks)):min(j+1, len(c.networks))]
			if !yield(part) {
				return
			}
		}
	}
}

// candidates are the earlier rows that may take all of one: those which ask for no more.
func (c *choosers) candidates(row *chooser) []*chooser {
	rows := slices.Clone(c.names[row.name])
	if row.path != "" {
		rows = append(rows, c.paths[row.path]...)
	}
	if len(row.macs) > 0 {
		rows = append(rows, c.macs[row.macs[0]]...)
	}
	return rows
}

// takes says whether whomever another asks for is asked for here. A row that is open to
// anyone has more clients than one that is not.
func (c *chooser) takes(other *chooser) bool {
	within := func(network netip.Prefix) bool {
		return slices.ContainsFunc(c.networks, func(own netip.Prefix) bool { return own.Bits() <= network.Bits() && own.Contains(network.Addr()) })
	}
	switch {
	case c.name != "" && c.name != other.name, c.path != "" && c.path != other.path, other.anyone && !c.anyone:
		return false
	case len(c.networks) > 0 && (len(other.networks) == 0 || !all(other.networks, within)):
		return false
	}
	has := func(mac [6]byte) bool { return slices.Contains(c.macs, mac) }
	return len(c.macs) == 0 || len(other.macs) > 0 && all(other.macs, has)
}

func all[T any](values []T, hold func(T) bool) bool {
	return !slices.ContainsFunc(values, func(value T) bool { return !hold(value) })
}

// find gives the first row that the client is asked for by; nil where there is none.
func (c *choosers) find(client *resolver.Client, mac [6]byte, onLink bool) *chooser {
	if c.none() {
		return nil
	}
	var first *chooser
	look := func(rows []*chooser) {
		for _, row := range rows {
			if first != nil && first.row < row.row {
				return
			}
			if row.matches(client, mac, onLink) {
				first = row
				return
			}
		}
	}
	if client.Name != "" {
		look(c.names[client.Name])
	}
	if client.Path != "" {
		look(c.paths[client.Path])
	}
	if onLink {
		look(c.macs[mac])
	}
	return first
}

func (c *chooser) matches(client *resolver.Client, mac [6]byte, onLink bool) bool {
	if c.name != "" && c.name != client.Name || c.path != "" && c.path != client.Path {
		return false
	}
	if len(c.macs) > 0 && (!onLink || !slices.Contains(c.macs, mac)) {
		return false
	}
	addr := bare(client.Addr)
	return len(c.networks) == 0 || slices.ContainsFunc(c.networks, func(network netip.Prefix) bool { return network.Contains(addr) })
}
