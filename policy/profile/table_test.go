package profile_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(addr string) resolver.Client { return resolver.Client{Addr: netip.MustParseAddr(addr)} }

func networks(texts ...string) profile.Match {
	var match profile.Match
	for _, text := range texts {
		match.Networks = append(match.Networks, netip.MustParsePrefix(text))
	}
	return match
}

func TestFirstMatchInFileOrder(t *testing.T) {
	kids := &profile.Profile{ID: "kids"}
	table, problems := profile.NewTable([]profile.Client{
		{Match: profile.Match{MAC: []string{"02:00:5e:10:00:01"}}, Profile: "kids"},
		{Match: networks("127.0.0.2/32"), Jurisdiction: "IT", Profile: "kids"},
		{Match: networks("127.0.0.3/32"), Jurisdiction: "FR"},
		{Match: networks("127.0.0.0/8", "::1/128"), Jurisdiction: "IT"},
		{Match: networks("127.1.0.0/16", "10.0.0.0/8"), Jurisdiction: "EE"}, // the first network is taken, the second is not
		{Match: networks("fe80::/10")},
		{Match: networks("192.0.2.128/25"), Shared: true},
	}, []*profile.Profile{kids})
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	for _, test := range []struct {
		addr         string
		row          int
		jurisdiction string
		profile      *profile.Profile
	}{
		{"127.0.0.2", 1, "IT", kids}, {"::ffff:127.0.0.2", 1, "IT", kids}, {"127.0.0.3", 2, "FR", nil}, {"127.0.0.1", 3, "IT", nil},
		{"::1", 3, "IT", nil}, {"127.1.0.1", 3, "IT", nil}, {"10.1.2.3", 4, "EE", nil}, {"fe80::1%eth0", 5, "", nil},
	} {
		who, admitted := table.Who(at(test.addr), now)
		if !admitted || who != (profile.Who{Jurisdiction: test.jurisdiction, Profile: test.profile, Row: test.row}) {
			t.Errorf("%s: got %+v, %v", test.addr, who, admitted)
		}
	}
	if who, admitted := table.Who(at("192.0.2.200"), now); !admitted || !who.Shared {
		t.Errorf("a shared address: %+v, %v", who, admitted)
	}
	for _, addr := range []netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")} {
		if who, admitted := table.Who(resolver.Client{Addr: addr}, now); admitted {
			t.Errorf("%s is admitted: %+v", addr, who)
		}
	}
	if table.Profile("kids") != kids || table.Profile("none") != nil || !slices.Equal(table.Jurisdictions(), []string{"IT", "FR", "EE"}) {
		t.Errorf("profiles %v, jurisdictions %v", table.Profiles(), table.Jurisdictions())
	}
	addr := at("127.0.0.2")
	if allocations := testing.AllocsPerRun(100, func() { table.Who(addr, now) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	var none *profile.Table
	if _, admitted := none.Who(addr, now); admitted {
		t.Error("the nil table admits")
	}
}

func TestTableProblems(t *testing.T) {
	for _, test := range []struct {
		client profile.Client
		key    string
	}{
		{profile.Client{}, "clients[1].match.networks"},
		{profile.Client{Match: networks("192.0.2.0/24"), Profile: "none"}, "clients[1].profile"},
		{profile.Client{Match: networks("192.0.2.0/24"), Jurisdiction: "Italy"}, "clients[1].jurisdiction"},
		{profile.Client{Match: networks("192.0.2.0/24", "198.51.100.1/24")}, "clients[1].match.networks[1]"},
		{profile.Client{Match: networks("::ffff:192.0.2.0/120")}, "clients[1].match.networks[0]"},
		{profile.Client{Match: profile.Match{Networks: make([]netip.Prefix, 1)}}, "clients[1].match.networks[0]"},
		{profile.Client{Match: networks("10.1.0.0/16")}, "clients[1]"},
		{profile.Client{Match: networks("10.0.0.0/8", "10.2.3.4/32")}, "clients[1]"},
		{profile.Client{Match: networks("192.0.2.0/24"), Jurisdiction: "none"}, "clients[1].because"},
		{profile.Client{Match: networks("192.0.2.0/24"), Jurisdiction: "IT", Because: "x"}, "clients[1].because"},
		{profile.Client{Match: networks("192.0.2.0/24"), Jurisdiction: "none", Because: strings.Repeat("x", 501)}, "clients[1].because"},
		{profile.Client{Match: networks("192.0.2.0/24"), DefaultProfile: "none"}, "clients[1].default_profile"},
		{profile.Client{Match: networks("192.0.2.0/24"), Shared: true, Profile: "kids"}, "clients[1].profile"},
		{profile.Client{Match: networks("192.0.2.0/24"), Shared: true, DefaultProfile: "kids"}, "clients[1].default_profile"},
		{profile.Client{Match: networks("192.0.2.0/24"), Anyone: true}, "clients[1].anyone"},
		{profile.Client{Match: profile.Match{ServerName: "a.example"}, Jurisdiction: "IT"}, "clients[1].jurisdiction"},
		{profile.Client{Match: profile.Match{ServerName: "a.example"}, Jurisdiction: "none", Because: "x"}, "clients[1].jurisdiction"},
		{profile.Client{Match: profile.Match{ServerName: "a.example"}, Shared: true}, "clients[1].shared"},
		{profile.Client{Match: profile.Match{ServerName: "a.example"}, DefaultProfile: "kids"}, "clients[1].default_profile"},
		{profile.Client{Match: profile.Match{ServerName: "a b.example"}}, "clients[1].match.server_name"},
		{profile.Client{Match: profile.Match{Path: "/kids"}}, "clients[1].match.path"},
		{profile.Client{Match: profile.Match{Path: "/dns-query/a/b"}}, "clients[1].match.path"},
		{profile.Client{Match: profile.Match{Path: "/dns-query/"}}, "clients[1].match.path"},
		{profile.Client{Match: profile.Match{MAC: []string{"02:00:5e:10:00"}}}, "clients[1].match.mac[0]"},
		{profile.Client{Match: profile.Match{MAC: []string{"ff:ff:ff:ff:ff:ff"}}}, "clients[1].match.mac[0]"},
		{profile.Client{Match: profile.Match{MAC: []string{"02:00:5e:10:00:01"}}, Jurisdiction: "IT"}, "clients[1].jurisdiction"},
		{profile.Client{Match: profile.Match{MAC: []string{"02:00:5e:10:00:01"}}, Anyone: true}, "clients[1].anyone"},
		{profile.Client{Match: profile.Match{ServerName: "a.example", Networks: networks("192.0.2.0/24").Networks}, Anyone: true}, "clients[1].anyone"},
	} {
		table, problems := profile.NewTable([]profile.Client{{Match: networks("10.0.0.0/8")}, test.client}, []*profile.Profile{{ID: "kids"}})
		if len(problems) != 1 || problems[0].Key != test.key || problems[0].Text == "" {
			t.Errorf("%+v: %v", test.client, problems)
		}
		if who, admitted := table.Who(at("10.1.2.3"), now); !admitted || who.Row != 0 {
			t.Errorf("%+v: the row without problems is lost", test.client)
		}
		if _, admitted := table.Who(at("192.0.2.1"), now); admitted {
			t.Errorf("%+v: a row with problems admits", test.client)
		}
	}
}

// The table against a search from the top of the file.
func TestTableAgreesWithTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []profile.Client
		for i := range rapid.IntRange(1, 8).Draw(t, "rows") {
			row := profile.Client{Jurisdiction: fmt.Sprintf("%c%c", 'A'+i, 'A'+i)}
			for range rapid.IntRange(1, 3).Draw(t, "networks") {
				addr := netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 3).Draw(t, "b")), byte(rapid.IntRange(0, 3).Draw(t, "c")), 0})
				prefix, err := addr.Prefix(rapid.SampledFrom([]int{8, 14, 15, 16, 22, 24, 30}).Draw(t, "bits"))
				if err != nil {
					t.Fatal(err)
				}
				row.Match.Networks = append(row.Match.Networks, prefix)
			}
			rows = append(rows, row)
		}
		table, problems := profile.NewTable(rows, nil)
		reached := make([]bool, len(rows))
		for _, b := range []byte{0, 1, 2, 3, 4} {
			for c := range 8 {
				addr := netip.AddrFrom4([4]byte{10, b, byte(c), 1})
				takes := func(row profile.Client) bool {
					return slices.ContainsFunc(row.Match.Networks, func(network netip.Prefix) bool { return network.Contains(addr) })
				}
				want := slices.IndexFunc(rows, takes)
				who, admitted := table.Who(resolver.Client{Addr: addr}, now)
				if admitted != (want >= 0) || admitted && who.Row != want {
					t.Fatalf("%s: got row %d, %v; want %d", addr, who.Row, admitted, want)
				}
				if admitted {
					reached[who.Row] = true
				}
			}
		}
		for _, problem := range problems {
			var row int
			if _, err := fmt.Sscanf(problem.Key, "clients[%d]", &row); err != nil || reached[row] {
				t.Fatalf("%s: %s, but it is reached", problem.Key, problem.Text)
			}
		}
	})
}

func BenchmarkWho(b *testing.B) {
	var rows []profile.Client
	for i := range 60_000 {
		rows = append(rows, profile.Client{Match: profile.Match{Networks: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)}}})
	}
	table, problems := profile.NewTable(rows, nil)
	if len(problems) != 0 {
		b.Fatal(problems)
	}
	addr := at("10.200.3.4")
	b.ReportAllocs()
	for b.Loop() {
		table.Who(addr, now)
	}
}
