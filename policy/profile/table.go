package profile

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/gaissmai/bart"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// Who is a client as policy sees it: where the law of which place holds, what was
// asked for, and the row of the configuration that says so.
type Who struct {
	Jurisdiction string   // ISO 3166 code; "" where no law list is in force
	Profile      *Profile // nil: nothing was asked for
	Shared       bool     // many homes are behind the address
	Row          int
}

// Client is one row of clients as the configuration writes it.
type Client struct {
	Match        Match  `yaml:"match"`
	Jurisdiction string `yaml:"jurisdiction"`
	Profile      string `yaml:"profile"`
	Shared       bool   `yaml:"shared"` // many homes are behind each address
}

// Match is what a row matches by; all that it says must hold.
type Match struct {
	Networks []netip.Prefix `yaml:"networks"`

	MAC        []string `yaml:"mac" later:"clients by hardware address"`
	ServerName string   `yaml:"server_name" later:"profiles by server name"`
}

// unknown says whether the row asks for something that this version cannot see.
func (m *Match) unknown() bool { return len(m.MAC) > 0 || m.ServerName != "" }

// Table finds who asks by address. It is immutable; the nil table admits nobody.
type Table struct {
	networks bart.Table[uint32] // prefix to index of rows
	few      []binding          // the same, the longest first, where there are no more than maxFew
	rows     []Who
	profiles map[string]*Profile
}

// binding is a network with its row.
type binding struct {
	network netip.Prefix
	row     uint32
}

// maxFew networks are looked through faster than the table is. Each query is looked up.
const maxFew = 8

const maxNetworks = 1_000_000

var countryForm = regexp.MustCompile(`^[A-Z]{2}$`)

// NewTable compiles rows and the profiles that they name. A table with problems
// binds the rows that have none; whoever must not run with it looks at the problems.
func NewTable(clients []Client, profiles []*Profile) (*Table, []blocklists.Problem) {
	var found problems
	table := &Table{rows: make([]Who, 0, len(clients)), profiles: make(map[string]*Profile, len(profiles))}
	for _, profile := range profiles {
		table.profiles[profile.ID] = profile
	}
	for i := range clients {
		table.add(i, &clients[i], &found)
		if table.networks.Size() > maxNetworks {
			found.add("clients", "have more than %d networks", maxNetworks)
			return table, found
		}
	}
	table.settle()
	table.findShadowed(clients, &found)
	return table, found
}

// add checks one row and enters its networks, the earlier row keeping its own.
func (t *Table) add(row int, client *Client, found *problems) {
	before, key := len(*found), fmt.Sprintf("clients[%d]", row)
	profile, known := t.profiles[client.Profile]
	if client.Profile != "" && !known {
		found.add(key+".profile", "no profile has the id %q", client.Profile)
	}
	if client.Shared && client.Profile != "" {
		found.add(key+".profile", "cannot be of a row that is shared: what one home behind an address asked for must not filter the others")
	}
	if client.Jurisdiction != "" && !countryForm.MatchString(client.Jurisdiction) {
		found.add(key+".jurisdiction", "%q is not an ISO 3166 code of two capitals", client.Jurisdiction)
	}
	if len(client.Match.Networks) == 0 && !client.Match.unknown() {
		found.add(key+".match.networks", "is missing: the row matches nobody; give at least one, as [\"192.0.2.0/24\"]")
	}
	for i, network := range client.Match.Networks {
		checkNetwork(fmt.Sprintf("%s.match.networks[%d]", key, i), network, found)
	}
	t.rows = append(t.rows, Who{Jurisdiction: client.Jurisdiction, Profile: profile, Shared: client.Shared, Row: row})
	if len(*found) > before || client.Match.unknown() {
		return
	}
	for _, network := range client.Match.Networks {
		if _, earlier := t.networks.Get(network); !earlier {
			t.networks.Insert(network, uint32(row))
		}
	}
}

func checkNetwork(key string, network netip.Prefix, found *problems) {
	switch {
	case !network.IsValid():
		found.add(key, "is not a network, as 192.0.2.0/24")
	case network.Addr().Is4In6():
		found.add(key, "%s is an IPv4 network written as IPv6: write it as IPv4", network)
	case network != network.Masked():
		found.add(key, "%s has bits beyond its length: write %s", network, network.Masked())
	}
}

// settle gives each network the first row among its own and those of all
// networks around it, so that the longest prefix finds the first match.
func (t *Table) settle() {
	var moved []binding
	for network, row := range t.networks.All() {
		if least := t.first(network, row); least != row {
			moved = append(moved, binding{network, least})
		}
	}
	for _, move := range moved {
		t.networks.Insert(move.network, move.row)
	}
	if t.networks.Size() > maxFew {
		return
	}
	for network, row := range t.networks.All() {
		t.few = append(t.few, binding{network, row})
	}
	slices.SortFunc(t.few, func(a, b binding) int { return b.network.Bits() - a.network.Bits() })
}

func (t *Table) first(network netip.Prefix, row uint32) uint32 {
	for _, around := range t.networks.Supernets(network) {
		row = min(row, around)
	}
	return row
}

// findShadowed names the rows that none of their networks leads to.
func (t *Table) findShadowed(clients []Client, found *problems) {
	for i := range clients {
		networks := clients[i].Match.Networks
		if len(networks) == 0 || clients[i].Match.unknown() {
			continue
		}
		own := func(network netip.Prefix) bool {
			row, entered := t.networks.Get(network)
			return !entered || int(row) == i
		}
		if slices.ContainsFunc(networks, own) {
			continue
		}
		row, _ := t.networks.Get(networks[0])
		found.add(fmt.Sprintf("clients[%d]", i), "never matches: clients[%d] above it takes in %s; put the narrower row first", row, networks[0])
	}
}

// Who finds who a client is at a time; false means that it is not admitted. The invalid
// address, that of no client at all, is not admitted either.
func (t *Table) Who(client resolver.Client, _ time.Time) (Who, bool) {
	addr := client.Addr
	if t == nil || !addr.IsValid() {
		return Who{}, false
	}
	if addr.Is4In6() {
		addr = addr.Unmap()
	}
	// A zone says on which link an address is, which no row asks for.
	if addr.Zone() != "" {
		addr = addr.WithZone("")
	}
	row, found := t.row(addr)
	if !found {
		return Who{}, false
	}
	return t.rows[row], true
}

func (t *Table) row(addr netip.Addr) (row uint32, found bool) {
	if t.few == nil {
		return t.networks.Lookup(addr)
	}
	for i := range t.few {
		if t.few[i].network.Contains(addr) {
			return t.few[i].row, true
		}
	}
	return 0, false
}

// Profile finds a profile by its ID; nil where there is none.
func (t *Table) Profile(id string) *Profile {
	if t == nil {
		return nil
	}
	return t.profiles[id]
}

// Profiles are all of them, by ID. The map is shared and must not be changed.
func (t *Table) Profiles() map[string]*Profile {
	if t == nil {
		return nil
	}
	return t.profiles
}

// Jurisdictions are the codes that some row binds, each once, in row order.
func (t *Table) Jurisdictions() []string {
	if t == nil {
		return nil
	}
	var codes []string
	for _, who := range t.rows {
		if who.Jurisdiction != "" && !slices.Contains(codes, who.Jurisdiction) {
			codes = append(codes, who.Jurisdiction)
		}
	}
	return codes
}
