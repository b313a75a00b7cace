package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestRanges(t *testing.T) {
	for want, numbers := range map[string][]uint16{"": nil, "7": {7}, "1-3,7": {1, 2, 3, 7}, "0,2,4-5": {0, 2, 4, 5}} {
		if got := ranges(numbers); got != want {
			t.Errorf("%v is written %q", numbers, got)
		}
	}
}

// TestExtendedCodesAreThoseOfTheCode: with everything on, RESINFO names each code that the
// code uses, and no other.
func TestExtendedCodesAreThoseOfTheCode(t *testing.T) {
	config := defaults()
	config.Resolver.Zones = []Zone{{Zone: "a.example", List: "l"}}
	config.Resolver.ServeStale.UpTo = 1
	config.Listen.DoQ = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:853")}
	config.Resolver.NegativeTrustAnchors = []NegativeTrustAnchor{{Zone: "broken.example"}}
	named := config.extendedCodes()
	used := usedConstants(t)
	for name, code := range extendedConstants(t) {
		if used[name] != slices.Contains(named, code) {
			t.Errorf("resolver.%s (%d): used by the code %t, named in RESINFO %t", name, code, used[name], !used[name])
		}
	}
	if !slices.IsSorted(named) || len(slices.Compact(slices.Clone(named))) != len(named) {
		t.Errorf("not in order: %v", named)
	}
}

// extendedConstants are the codes that the vocabulary knows.
func extendedConstants(t *testing.T) map[string]uint16 {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "resolver", "chain.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]uint16{}
	for _, declared := range parsed.Decls {
		block, is := declared.(*ast.GenDecl)
		if !is || block.Tok != token.CONST || !strings.Contains(block.Doc.Text(), "Extended DNS Error codes") {
			continue
		}
		for _, spec := range block.Specs {
			one := spec.(*ast.ValueSpec)
			number, err := strconv.ParseUint(one.Values[0].(*ast.BasicLit).Value, 10, 16)
			if err != nil {
				t.Fatal(err)
			}
			codes[one.Names[0].Name] = uint16(number)
		}
	}
	if len(codes) < 20 {
		t.Fatalf("found %d codes", len(codes))
	}
	return codes
}

// usedConstants are the names that the chain and the doors take from package resolver.
func usedConstants(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, file := range moduleFiles(t) {
		if file.test || !slices.Contains([]string{"resolver", "policy", "transports"}, strings.Split(file.path, "/")[0]) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", filepath.FromSlash(file.path)), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			if selector, is := node.(*ast.SelectorExpr); is {
				if from, is := selector.X.(*ast.Ident); is && from.Name == "resolver" {
					used[selector.Sel.Name] = true
				}
			}
			return true
		})
	}
	return used
}

func TestInformationFollowsTheConfiguration(t *testing.T) {
	for _, test := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, "qnamemin exterr=0-2,5-18,20-23,25,27,29-30"},
		{func(c *Config) { c.Operator.Portal = "https://dns.example.net" }, "qnamemin exterr=0-2,5-18,20-23,25,27,29-30 infourl=https://dns.example.net/"},
		{func(c *Config) { c.Operator.Portal = "http://dns.example.net" }, "qnamemin exterr=0-2,5-18,20-23,25,27,29-30"},
		{func(c *Config) { c.Resolver.Mode, c.Resolver.DNSSEC = "forward", "off" }, "exterr=0,13-18,20-23,30"},
		{func(c *Config) { c.Resolver.QNAMEMinimisation, c.Resolver.EDE = "off", false }, "exterr=14-18,23"},
		{func(c *Config) { c.Resolver.Zones = []Zone{{Zone: "a.example", List: "l"}} }, "qnamemin exterr=0-2,4-18,20-23,25,27,29-30"},
		{func(c *Config) { c.Blocklists = []*blocklists.Manifest{{Format: "rpz"}} }, "qnamemin exterr=0-2,4-18,20-23,25,27,29-30"},
		{func(c *Config) { c.Blocklists = []*blocklists.Manifest{{Format: "hosts"}} }, "qnamemin exterr=0-2,5-18,20-23,25,27,29-30"},
		{func(c *Config) { c.Resolver.ServeStale.UpTo = 1 }, "qnamemin exterr=0-3,5-23,25,27,29-30"},
		{func(c *Config) { c.Resolver.NegativeTrustAnchors = make([]NegativeTrustAnchor, 1) }, "qnamemin exterr=0-2,5-18,20-23,25,27,29-30,33"},
	} {
		config := defaults()
		test.change(config)
		if got := strings.Join(config.information(), " "); got != test.want {
			t.Errorf("%q, not %q", got, test.want)
		}
	}
}

func TestTheOwnName(t *testing.T) {
	addresses := func(text string) []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort(text)} }
	for _, test := range []struct {
		portal, name, dot, want string
	}{
		{"https://dns.example.net", "", "192.0.2.1:853", "dns.example.net"},
		{"https://dns.example.net", "dns2.example.net", "192.0.2.1:853", "dns2.example.net"},
		{"http://192.0.2.1:8080", "", "192.0.2.1:853", ""}, // localhost is each client's own
		{"http://127.0.0.1:8080", "", "127.0.0.1:853", "localhost"},
		{"http://127.0.0.1:8080", "", "0.0.0.0:853", ""},
	} {
		config := defaults()
		config.report = newReport("recourse.yaml")
		config.Operator.Portal, config.Listen.Name, config.Listen.DoT, config.State = test.portal, test.name, addresses(test.dot), "./state"
		told := config.discovery(selfSigned(t, config).Names())
		if want, _ := wire.ParseName(test.want); test.want == "" && told.Name != "" || test.want != "" && told.Name != want {
			t.Errorf("%+v: %s", test, told.Name)
		}
		if len(told.Doors) != 1 {
			t.Errorf("%+v: doors %v", test, told.Doors)
		}
	}
}

// TestNetworkOptions: the options of RFC 9463, octet by octet.
func TestNetworkOptions(t *testing.T) {
	told := local.Discovery{Name: wire.MustName("a.b"), Doors: []local.EncryptedDoor{
		{Protocols: []string{"dot"}, Listeners: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:853"), netip.MustParseAddrPort("[2001:db8::1]:853")}},
		{Protocols: []string{"h2", "h3"}, Path: "/q{?dns}", Listeners: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}},
	}}
	const (
		name = "0161016200"
		dot  = "0001000403646f74" + "000300020355"
		doh  = "0001000602683202" + "6833" + "0003000201bb" + "000700082f717b3f646e737d"
		v6   = "20010db8000000000000000000000001"
	)
	var text strings.Builder
	if err := printDiscovery(&text, told); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`_dns.resolver.arpa. 300 IN SVCB 1 a.b. alpn="dot" port="853" ipv4hint="192.0.2.1" ipv6hint="2001:db8::1"`,
		"DHCPv4 option 162  001b" + "0001" + "05" + name + "04" + "c0000201" + dot + "0029" + "0002" + "05" + name + "04" + "c0000201" + doh + "\n",
		"DHCPv6 option 144  " + "0001" + "0005" + name + "0010" + v6 + dot + "\n",
		"RA option 144      9007" + "0001" + "00000708" + "0005" + name + "0010" + v6 + "000e" + dot + "00000000000000" + "\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no line with %s:\n%s", want, text.String())
		}
	}
}

func TestNothingToDiscoverIsSaid(t *testing.T) {
	any := []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:853")}
	for want, told := range map[string]local.Discovery{
		"No encrypted door":          {},
		"give listen.name":           {Doors: []local.EncryptedDoor{{Protocols: []string{"dot"}, Listeners: any}}},
		"addresses of their own":     {Name: wire.MustName("a.b"), Doors: []local.EncryptedDoor{{Protocols: []string{"dot"}, Listeners: any}}},
		"RESINFO, RFC 9606):\n  q\n": {Information: []string{"q"}},
	} {
		var text strings.Builder
		if err := printDiscovery(&text, told); err != nil || !strings.Contains(text.String(), want) {
			t.Errorf("%q is not said: %v\n%s", want, err, text.String())
		}
	}
}
