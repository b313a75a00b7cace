package profile

import (
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
)

// Who is a client as policy sees it: where the law of which place holds, what was
// asked for, and what says so.
type Who struct {
	Jurisdiction string   // ISO 3166 code; "" where no law list is in force
	Profile      *Profile // nil: nothing was asked for
	Shared       bool     // many homes are behind the address
	Row          int      // of clients, that admits; -1 where a device of its own does
	Chosen       Chosen   // by what the profile is the client's
	Chooser      int      // the row that chose it, if Chosen is ByRow
}

// Chosen is by what a client has its profile, or none.
type Chosen uint8

// What chooses, a closed set: the first that knows the client, in this order but for
// ByNetwork, which comes after ByDevice.
const (
	ByNetwork Chosen = iota // the row that admits
	ByRow                   // a row that matches by hardware address, server name or path
	ByDevice                // a name or path of the device's own, or what a person named it
	ByBinding               // what was bound over the API
	ByDefault               // nothing knew the client
)

// Client is one row of clients as the configuration writes it.
type Client struct {
	Match        Match  `yaml:"match"`
	Jurisdiction string `yaml:"jurisdiction"` // or none
	Because      string `yaml:"because"`      // why there is none
	Profile      string `yaml:"profile"`
	// DefaultProfile is for whom nothing else in the networks has a profile for: no row, no
	// name, no binding.
	DefaultProfile string `yaml:"default_profile"`
	Shared         bool   `yaml:"shared"` // many homes are behind each address
	Anyone         bool   `yaml:"anyone"` // whoever knows the name is admitted, from anywhere
}

// Match is what a row matches by; all that it says must hold. Networks alone admit.
type Match struct {
	Networks   []netip.Prefix `yaml:"networks"`
	MAC        []string       `yaml:"mac"`
	ServerName string         `yaml:"server_name"`
	Path       string         `yaml:"path"`
}

// chooses says that the row chooses a profile for those who are admitted, and admits nobody.
func (m *Match) chooses() bool { return len(m.MAC) > 0 || m.named() }

// named says that the row wants a name that the client connected to.
func (m *Match) named() bool { return m.ServerName != "" || m.Path != "" }

// Table finds who a client is. It is immutable; the nil table admits nobody.
type Table struct {
	networks networks
	rows     []Who
	defaults []*Profile // by row
	choosers choosers
	unbound  []Unbound
	profiles map[string]*Profile
	changed  map[string]*Profile // since the configuration was read, by ID
	live     *Live
}

// Live is what is known of clients beside the configuration. It changes meanwhile. A part
// that is nil knows nobody.
type Live struct {
	Neighbours Neighbours
	Devices    Devices
	Bindings   Bindings
}

// nobody says that nothing is known beside the configuration, as in most deployments: who
// asks is then found without asking more.
func (l *Live) nobody() bool {
	return l == nil || (l.Devices == nil || l.Devices.Len() == 0) && (l.Bindings == nil || l.Bindings.Len() == 0)
}

// Neighbours are those who are on the same link as this machine.
type Neighbours interface {
	// Hardware is the hardware address that an IP address is at, if that is known.
	Hardware(addr netip.Addr) (mac [6]byte, known bool)
}

// Devices are those that have a name of their own.
type Devices interface {
	// Len is how many there are.
	Len() int
	// Named finds a device by the name or path that it connected to.
	Named(client resolver.Client, at time.Time) (Device, bool)
	// Seen finds one by its hardware address.
	Seen(mac [6]byte, at time.Time) (Device, bool)
	// Reach says whether any is admitted from anywhere, and whether any is known by its
	// hardware address.
	Reach() (anywhere, onLink bool)
}

// Device is what a device has.
type Device struct {
	Profile string
	Anyone  bool // it is admitted from anywhere
}

// Bindings are what programs have bound addresses to.
type Bindings interface {
	// Len is how many there are.
	Len() int
	// Bound finds what holds for an address and port at a time.
	Bound(addr netip.Addr, port uint16, at time.Time) (Binding, bool)
}

// Binding is what an address is bound to, or some of its ports.
type Binding struct {
	Profile      string
	Jurisdiction string
	Ports        bool // it is of a range of ports, so of one home also where many share the address
}

// Unbound is networks for which no law list holds, and why, for people to read.
type Unbound struct {
	Row      int
	Networks []netip.Prefix
	Because  string
}

// NewTable compiles rows and the profiles that they name. A table with problems
// binds the rows that have none; whoever must not run with it looks at the problems.
func NewTable(clients []Client, profiles []*Profile) (*Table, []blocklists.Problem) {
	var found problems
	table := &Table{profiles: make(map[string]*Profile, len(profiles)), networks: newNetworks(), choosers: newChoosers()}
	for _, profile := range profiles {
		table.profiles[profile.ID] = profile
	}
	for i := range clients {
		table.add(i, &clients[i], &found)
		if table.networks.table.Size() > maxNetworks {
			found.add("clients", "have more than %d networks", maxNetworks)
			break
		}
	}
	table.networks.settle()
	return table, found
}

// With gives the same table that also goes by what is known beside the configuration.
func (t *Table) With(live *Live) *Table {
	if t == nil {
		return nil
	}
	with := *t
	with.live = live
	return &with
}

// add checks one row and enters it. A row with problems binds nobody.
func (t *Table) add(row int, client *Client, found *problems) {
	checked := t.check(row, client, found)
	t.rows = append(t.rows, checked.who)
	t.defaults = append(t.defaults, checked.fallback)
	switch {
	case !checked.ok:
	case client.Match.chooses():
		t.choosers.add(checked.chooser(client), found)
	default:
		t.networks.add(uint32(row), client.Match.Networks, found)
		if client.Jurisdiction == NoJurisdiction {
			t.unbound = append(t.unbound, Unbound{Row: row, Networks: client.Match.Networks, Because: client.Because})
		}
	}
}

// Who finds who a client is at a time; false means that it is not admitted. The invalid
// address, that of no client at all, is not admitted either.
func (t *Table) Who(client resolver.Client, at time.Time) (Who, bool) {
	if t == nil || !client.Addr.IsValid() {
		return Who{}, false
	}
	row, admitted := t.networks.find(bare(client.Addr))
	if t.choosers.none() && t.live.nobody() {
		if !admitted {
			return Who{}, false
		}
		return t.settled(row), true
	}
	who := Who{Row: -1}
	if admitted {
		who = t.rows[row]
	}
	chosen := t.choose(&client, at, &who, admitted)
	if !admitted {
		return who, chosen
	}
	t.bind(&client, at, &who, chosen)
	if !chosen && who.Profile == nil && t.defaults[row] != nil {
		who.Profile, who.Chosen = t.defaults[row], ByDefault
	}
	return who, true
}

// settled is the row's client where there is nothing to know beside it.
func (t *Table) settled(row uint32) Who {
	who := t.rows[row]
	if who.Profile == nil && t.defaults[row] != nil {
		who.Profile, who.Chosen = t.defaults[row], ByDefault
	}
	return who
}

// choose gives the client what its hardware address or the name that it connected to is
// for. False: neither is known, or it admits nobody and the client is not admitted.
func (t *Table) choose(client *resolver.Client, at time.Time, who *Who, admitted bool) bool {
	var mac [6]byte
	var onLink bool
	if _, devices := t.reach(); admitted && (devices || len(t.choosers.macs) > 0) && t.live != nil && t.live.Neighbours != nil {
		mac, onLink = t.live.Neighbours.Hardware(client.Addr)
	}
	if found := t.choosers.find(client, mac, onLink); found != nil && (admitted || found.anyone) {
		who.Profile, who.Chosen, who.Chooser = t.latest(found.profile), ByRow, found.row
		if !admitted {
			who.Row = found.row
		}
		return true
	}
	if t.live == nil || t.live.Devices == nil {
		return false
	}
	device, known := t.live.Devices.Named(*client, at)
	if !known && onLink {
		device, known = t.live.Devices.Seen(mac, at)
	}
	if !known || !admitted && !device.Anyone {
		return false
	}
	who.Profile, who.Chosen = t.profiles[device.Profile], ByDevice
	return true
}

// bind adds what the client's address is bound to, where the configuration says nothing.
func (t *Table) bind(client *resolver.Client, at time.Time, who *Who, chosen bool) {
	needsProfile := !chosen && who.Profile == nil
	if t.live == nil || t.live.Bindings == nil || !needsProfile && who.Jurisdiction != "" {
		return
	}
	bound, found := t.live.Bindings.Bound(bare(client.Addr), client.Port, at)
	if !found {
		return
	}
	if who.Jurisdiction == "" {
		who.Jurisdiction = bound.Jurisdiction
	}
	if needsProfile && bound.Profile != "" && (!who.Shared || bound.Ports) {
		who.Profile, who.Chosen = t.profiles[bound.Profile], ByBinding
	}
}

// bare is an address as networks have it. A zone says on which link one is, which no row
// asks for.
func bare(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	return addr.Unmap().WithZone("")
}

// Names says whether some are admitted by the name that they connect to, so that an
// address alone cannot tell who is not.
func (t *Table) Names() bool {
	if t == nil || t.choosers.anyone {
		return t != nil
	}
	anywhere, _ := t.reach()
	return anywhere
}

// reach is that of the devices.
func (t *Table) reach() (anywhere, onLink bool) {
	if t.live == nil || t.live.Devices == nil {
		return false, false
	}
	return t.live.Devices.Reach()
}

// Knows says whether a row has the hardware address.
func (t *Table) Knows(mac [6]byte) bool { return t != nil && len(t.choosers.macs[mac]) > 0 }

// Row is the row of clients that the whole network is in, whatever names say.
func (t *Table) Row(network netip.Prefix) (Who, bool) {
	if t == nil || !network.IsValid() {
		return Who{}, false
	}
	row, found := t.networks.around(network)
	if !found {
		return Who{}, false
	}
	return t.rows[row], true
}

// Unbound are the networks that the configuration binds to no jurisdiction, and why.
func (t *Table) Unbound() []Unbound {
	if t == nil {
		return nil
	}
	return t.unbound
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
