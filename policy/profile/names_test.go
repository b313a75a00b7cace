package profile_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

func profiles(ids ...string) []*profile.Profile {
	var made []*profile.Profile
	for _, id := range ids {
		made = append(made, &profile.Profile{ID: id})
	}
	return made
}

func tableOf(t testing.TB, rows []profile.Client, ids ...string) *profile.Table {
	t.Helper()
	table, problems := profile.NewTable(rows, profiles(ids...))
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	return table
}

// expect says as "jurisdiction/profile" who a client is; "refused" who is not admitted.
func expect(t *testing.T, table *profile.Table, client resolver.Client, want string) {
	t.Helper()
	who, admitted := table.Who(client, now)
	got := "refused"
	if admitted {
		got = who.Jurisdiction + "/"
		if who.Profile != nil {
			got += who.Profile.ID
		}
	}
	if got != want {
		t.Errorf("%+v: %s, want %s", client, got, want)
	}
}

// isp is what the provider's example says of clients.
func isp() []profile.Client {
	return []profile.Client{
		{Match: networks("198.51.100.0/24", "2001:db8:a::/48"), Jurisdiction: "IT"},
		{Match: networks("203.0.113.0/24"), Jurisdiction: "EE"},
		{Match: networks("192.0.2.128/25"), Jurisdiction: "IT", Shared: true},
		{Match: profile.Match{ServerName: "family.dns.isp.example"}, Profile: "family"},
	}
}

// The network says whose law holds, the name what was asked for, and neither the other.
func TestNetworkAndServerName(t *testing.T) {
	table := tableOf(t, isp(), "family")
	for _, test := range []struct{ addr, name, want string }{
		{"198.51.100.7", "", "IT/"},
		{"198.51.100.7", "family.dns.isp.example", "IT/family"},
		{"203.0.113.7", "", "EE/"},
		{"203.0.113.7", "family.dns.isp.example", "EE/family"},
		{"2001:db8:a::7", "family.dns.isp.example", "IT/family"},
		{"192.0.2.200", "", "IT/"},
		{"192.0.2.200", "family.dns.isp.example", "IT/family"}, // a name is not the address that many share
		{"203.0.113.7", "dns.isp.example", "EE/"},
		{"192.0.2.1", "", "refused"},
		{"192.0.2.1", "family.dns.isp.example", "refused"}, // a name admits nobody
	} {
		expect(t, table, resolver.Client{Addr: netip.MustParseAddr(test.addr), Name: test.name, Door: resolver.TLS}, test.want)
	}
	if table.Names() {
		t.Error("somebody is admitted by name")
	}
}

func TestAnyoneByName(t *testing.T) {
	rows := append(isp(),
		profile.Client{Match: profile.Match{ServerName: "open.dns.isp.example"}, Profile: "open", Anyone: true},
		profile.Client{Match: profile.Match{Path: "/dns-query/open"}, Anyone: true})
	table := tableOf(t, rows, "family", "open")
	stranger, customer := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("203.0.113.7")
	for _, test := range []struct {
		client resolver.Client
		want   string
	}{
		{resolver.Client{Addr: stranger, Name: "open.dns.isp.example"}, "/open"},
		{resolver.Client{Addr: customer, Name: "open.dns.isp.example"}, "EE/open"}, // whose law holds stays
		{resolver.Client{Addr: stranger, Path: "open"}, "/"},
		{resolver.Client{Addr: stranger, Path: "other"}, "refused"},
		{resolver.Client{Addr: stranger}, "refused"},
		{resolver.Client{Name: "open.dns.isp.example"}, "refused"}, // no client at all
	} {
		expect(t, table, test.client, test.want)
	}
	if !table.Names() {
		t.Error("nobody is admitted by name")
	}
}

// All that a row asks for must hold, and the first row in file order that does holds.
func TestChoosersInFileOrder(t *testing.T) {
	mac := []string{"02:00:5E:10:00:01", "02-00-5e-10-00-02"}
	table := tableOf(t, []profile.Client{
		{Match: profile.Match{Path: "/dns-query/both", ServerName: "A.example."}, Profile: "both"},
		{Match: profile.Match{MAC: mac}, Profile: "tablet"},
		{Match: profile.Match{ServerName: "a.example", Networks: networks("10.1.0.0/16").Networks}, Profile: "office"},
		{Match: profile.Match{Path: "/dns-query/both"}, Profile: "path"},
		{Match: profile.Match{ServerName: "a.example"}},
		{Match: networks("10.0.0.0/8"), Jurisdiction: "IT", Profile: "net"},
	}, "both", "tablet", "office", "path", "net").With(&profile.Live{Neighbours: neighbours{"10.0.0.9": {2, 0, 0x5e, 0x10, 0, 2}, "10.0.0.8": {2, 0, 0x5e, 0x10, 0, 3}}})
	for _, test := range []struct{ addr, name, path, want string }{
		{"10.0.0.1", "a.example", "both", "IT/both"},
		{"10.0.0.1", "b.example", "both", "IT/path"},
		{"10.1.0.1", "a.example", "", "IT/office"},
		{"10.0.0.1", "a.example", "", "IT/"}, // a row that names no profile asks for none
		{"10.0.0.1", "", "", "IT/net"},
		{"10.0.0.9", "", "", "IT/tablet"},
		{"10.0.0.9", "a.example", "", "IT/tablet"}, // the row of the device stands first
		{"10.0.0.9", "a.example", "both", "IT/both"},
		{"10.0.0.8", "", "", "IT/net"},
	} {
		expect(t, table, resolver.Client{Addr: netip.MustParseAddr(test.addr), Name: test.name, Path: test.path}, test.want)
	}
	if !table.Knows([6]byte{2, 0, 0x5e, 0x10, 0, 1}) || table.Knows([6]byte{2, 0, 0x5e, 0x10, 0, 3}) {
		t.Error("the hardware addresses that rows have are others")
	}
}

func TestShadowedRows(t *testing.T) {
	a, b := "02:00:5e:10:00:01", "02:00:5e:10:00:02"
	for name, test := range map[string]struct {
		rows   []profile.Client
		shadow bool
	}{
		"a name twice":              {[]profile.Client{{Match: profile.Match{ServerName: "a.example"}}, {Match: profile.Match{ServerName: "A.example."}, Profile: "p"}}, true},
		"a name, then with a path":  {[]profile.Client{{Match: profile.Match{ServerName: "a.example"}}, {Match: profile.Match{ServerName: "a.example", Path: "/dns-query/x"}}}, true},
		"with a path, then without": {[]profile.Client{{Match: profile.Match{ServerName: "a.example", Path: "/dns-query/x"}}, {Match: profile.Match{ServerName: "a.example"}}}, false},
		"a path, then with a name":  {[]profile.Client{{Match: profile.Match{Path: "/dns-query/x"}}, {Match: profile.Match{ServerName: "a.example", Path: "/dns-query/x"}}}, true},
		"a device twice":            {[]profile.Client{{Match: profile.Match{MAC: []string{a}}}, {Match: profile.Match{MAC: []string{a}}}}, true},
		"a device of two":           {[]profile.Client{{Match: profile.Match{MAC: []string{a}}}, {Match: profile.Match{MAC: []string{a, b}}}}, false},
		"two devices one by one":    {[]profile.Client{{Match: profile.Match{MAC: []string{a}}}, {Match: profile.Match{MAC: []string{b}}}, {Match: profile.Match{MAC: []string{a, b}}}}, true},
		"a device, then by name":    {[]profile.Client{{Match: profile.Match{MAC: []string{a}}}, {Match: profile.Match{MAC: []string{a}, ServerName: "a.example"}}}, true},
		"opened after it was not":   {[]profile.Client{{Match: profile.Match{ServerName: "a.example"}}, {Match: profile.Match{ServerName: "a.example"}, Anyone: true}}, false},
		"in a network, then in part": {[]profile.Client{{Match: profile.Match{ServerName: "a.example", Networks: networks("10.0.0.0/8").Networks}},
			{Match: profile.Match{ServerName: "a.example", Networks: networks("10.1.0.0/16", "10.2.0.0/16").Networks}}}, true},
		"in part, then the network": {[]profile.Client{{Match: profile.Match{ServerName: "a.example", Networks: networks("10.1.0.0/16").Networks}},
			{Match: profile.Match{ServerName: "a.example", Networks: networks("10.0.0.0/8").Networks}}}, false},
		"a network in two halves":      {[]profile.Client{{Match: networks("10.0.0.0/9")}, {Match: networks("10.128.0.0/9")}, {Match: networks("10.0.0.0/8")}}, true},
		"all but one address":          {[]profile.Client{{Match: networks("::/128", "::2/127")}, {Match: networks("::/126")}}, false},
		"all addresses, in four parts": {[]profile.Client{{Match: networks("::/128", "::2/127")}, {Match: networks("::1/128")}, {Match: networks("::/126")}}, true},
		"two rows of one network":      {[]profile.Client{{Match: networks("10.0.0.0/8"), Jurisdiction: "IT"}, {Match: networks("10.0.0.0/8"), Jurisdiction: "FR"}}, true},
	} {
		_, problems := profile.NewTable(test.rows, profiles("p"))
		last := len(test.rows) - 1
		if test.shadow != (len(problems) == 1 && problems[0].Key == "clients["+string(rune('0'+last))+"]") || !test.shadow && len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestNoJurisdictionIsSaid(t *testing.T) {
	table := tableOf(t, []profile.Client{
		{Match: networks("10.0.0.0/8"), Jurisdiction: "none", Because: "A laboratory without customers."},
		{Match: networks("192.0.2.0/24"), Jurisdiction: "IT"},
	})
	unbound := table.Unbound()
	if len(unbound) != 1 || unbound[0].Row != 0 || unbound[0].Because != "A laboratory without customers." || !slices.Equal(unbound[0].Networks, networks("10.0.0.0/8").Networks) {
		t.Errorf("got %+v", unbound)
	}
	expect(t, table, at("10.0.0.1"), "/")
	if codes := table.Jurisdictions(); !slices.Equal(codes, []string{"IT"}) {
		t.Errorf("jurisdictions %v", codes)
	}
}

// neighbours are hardware addresses by IP address.
type neighbours map[string][6]byte

func (n neighbours) Hardware(addr netip.Addr) ([6]byte, bool) {
	mac, known := n[addr.String()]
	return mac, known
}

// bindings are what addresses are bound to.
type bindings map[string]profile.Binding

func (b bindings) Bound(addr netip.Addr, _ uint16, _ time.Time) (profile.Binding, bool) {
	bound, found := b[addr.String()]
	return bound, found
}

func (b bindings) Len() int { return len(b) }

func (d devices) Len() int { return len(d) }

// devices are those with a name of their own, by that or by hardware address.
type devices map[any]profile.Device

func (d devices) Named(client resolver.Client, _ time.Time) (profile.Device, bool) {
	device, known := d[client.Path]
	return device, known
}

func (d devices) Seen(mac [6]byte, _ time.Time) (profile.Device, bool) {
	device, known := d[mac]
	return device, known
}

func (d devices) Reach() (anywhere, onLink bool) { return true, true }

// What is bound over the API stands below the file, which says nothing of it to be filled in.
func TestBelowTheFile(t *testing.T) {
	table := tableOf(t, []profile.Client{
		{Match: profile.Match{MAC: []string{"02:00:5e:10:00:01"}}, Profile: "tablet"},
		{Match: networks("10.0.0.0/16"), Jurisdiction: "IT", Profile: "net"},
		{Match: networks("10.1.0.0/16"), Jurisdiction: "IT", DefaultProfile: "guest"},
		{Match: networks("10.2.0.0/16"), Jurisdiction: "none", Because: "Subscribers are bound one by one."},
		{Match: networks("10.3.0.0/16"), Shared: true},
	}, "tablet", "net", "guest", "bound", "phone").With(&profile.Live{
		Neighbours: neighbours{"10.0.0.2": {2, 0, 0x5e, 0x10, 0, 1}, "10.1.0.2": {2, 0, 0x5e, 0x10, 0, 9}},
		Bindings: bindings{
			"10.0.0.1": {Profile: "bound", Jurisdiction: "FR"}, "10.1.0.1": {Profile: "bound", Jurisdiction: "FR"}, "10.2.0.1": {Jurisdiction: "FR"},
			"10.3.0.1": {Profile: "bound", Jurisdiction: "FR"}, "10.3.0.2": {Profile: "bound", Ports: true}, "192.0.2.1": {Profile: "bound", Jurisdiction: "FR"}, "10.1.0.4": {Profile: "gone"},
		},
		Devices: devices{"phone": {Profile: "phone", Anyone: true}, "home": {Profile: "phone"}, [6]byte{2, 0, 0x5e, 0x10, 0, 9}: {Profile: "phone"}},
	})
	for _, test := range []struct{ addr, path, want string }{
		{"10.0.0.1", "", "IT/net"},         // the file has both
		{"10.1.0.1", "", "IT/bound"},       // and here the jurisdiction alone
		{"10.2.0.1", "", "FR/"},            // and here neither
		{"10.2.0.1", "phone", "FR/phone"},  // a name takes no law away
		{"10.2.0.9", "", "/"},              // not bound
		{"10.3.0.1", "", "FR/"},            // many homes behind the address
		{"10.3.0.2", "", "/bound"},         // one of them
		{"10.3.0.3", "phone", "/phone"},    // a device names itself
		{"10.0.0.2", "phone", "IT/tablet"}, // the file before a device
		{"10.0.0.3", "phone", "IT/phone"},  // a device before the network
		{"10.1.0.2", "", "IT/phone"},       // named by a person, on the link
		{"10.1.0.3", "", "IT/guest"},       // unknown
		{"10.1.0.4", "", "IT/guest"},       // bound to a profile that is there no more
		{"192.0.2.1", "", "refused"},       // a binding admits nobody
		{"192.0.2.1", "home", "refused"},   // nor a device that is not open
		{"192.0.2.1", "phone", "/phone"},   // as this one is
	} {
		expect(t, table, resolver.Client{Addr: netip.MustParseAddr(test.addr), Path: test.path}, test.want)
	}
}
