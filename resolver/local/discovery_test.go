package local_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func listeners(texts ...string) []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range texts {
		all = append(all, netip.MustParseAddrPort(text))
	}
	return all
}

func told() local.Discovery {
	return local.Discovery{
		Name: wire.MustName("dns.isp.example"),
		Doors: []local.EncryptedDoor{
			{Protocols: []string{"dot"}, Listeners: listeners("192.0.2.1:853", "[2001:db8::1]:853", "192.0.2.2:8853")},
			{Protocols: []string{"h2", "h3"}, Path: "/dns-query{?dns}", Listeners: listeners("0.0.0.0:443", "[::]:443")},
			{Protocols: []string{"doq"}, Listeners: listeners("192.0.2.1:853")},
		},
		Information: []string{"qnamemin", "exterr=15-18,22", "infourl=https://dns.isp.example/"},
	}
}

func TestDiscovery(t *testing.T) {
	for _, zones := range []bool{true, false} { // resolver.arpa is answered here whatever the operator says
		stage := handler(local.Config{Zones: zones, Discovery: told()})
		for _, name := range []string{"_dns.resolver.arpa", "_DNS.Resolver.Arpa", "_dns.dns.isp.example"} {
			answer, message, err := ask(t, stage, name, dns.TypeSVCB, func(q *resolver.Query) { q.Flags &^= wire.FlagRD })
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !message.Authoritative || message.Rcode != dns.RcodeSuccess || answer.Origin != resolver.Local || len(message.Ns) != 0 {
				t.Errorf("%s: %v", name, message)
			}
			want := []string{
				`1 dns.isp.example. alpn="dot" port="853" ipv4hint="192.0.2.1" ipv6hint="2001:db8::1"`,
				`2 dns.isp.example. alpn="dot" port="8853" ipv4hint="192.0.2.2"`,
				`3 dns.isp.example. alpn="h2,h3" port="443" dohpath="/dns-query{?dns}"`,
				`4 dns.isp.example. alpn="doq" port="853" ipv4hint="192.0.2.1"`,
			}
			if got := data(message.Answer); got != "SVCB "+strings.Join(want, "; SVCB ")+"; " {
				t.Errorf("%s:\n%s", name, strings.ReplaceAll(got, "; ", "\n"))
			}
			if got := data(message.Extra); got != "A 192.0.2.1; AAAA 2001:db8::1; A 192.0.2.2; " || message.Extra[0].Header().Name != "dns.isp.example." {
				t.Errorf("%s: additional %s", name, got)
			}
		}
	}
}

func TestInformation(t *testing.T) {
	stage := handler(local.Config{Zones: true, Discovery: told()})
	for _, name := range []string{"resolver.arpa", "dns.isp.example"} {
		_, message, err := ask(t, stage, name, dns.TypeRESINFO, func(q *resolver.Query) { q.Flags &^= wire.FlagRD })
		if err != nil {
			t.Fatal(err)
		}
		if got := data(message.Answer); !message.Authoritative || got != `RESINFO "qnamemin" "exterr=15-18,22" "infourl=https://dns.isp.example/"; ` {
			t.Errorf("%s: AA %t, %s", name, message.Authoritative, got)
		}
	}
}

// TestTheRestOfResolverArpa is NODATA, and never asked of the world.
func TestTheRestOfResolverArpa(t *testing.T) {
	bare := local.Discovery{Information: []string{"exterr=15-18"}}
	for _, test := range []struct {
		told local.Discovery
		name string
		kind uint16
	}{
		{told(), "resolver.arpa", dns.TypeA}, {told(), "resolver.arpa", dns.TypeSVCB}, {told(), "_dns.resolver.arpa", dns.TypeA},
		{told(), "_dns.resolver.arpa", dns.TypeHTTPS}, {told(), "_dns.resolver.arpa", dns.TypeRESINFO}, {told(), "x.y.resolver.arpa", dns.TypeSVCB},
		{bare, "_dns.resolver.arpa", dns.TypeSVCB}, {local.Discovery{Name: "", Doors: told().Doors}, "_dns.resolver.arpa", dns.TypeSVCB},
		{local.Discovery{}, "_dns.resolver.arpa", dns.TypeSVCB}, {local.Discovery{}, "resolver.arpa", dns.TypeRESINFO},
	} {
		_, message, err := ask(t, handler(local.Config{Zones: true, Discovery: test.told}), test.name, test.kind)
		if err != nil || message.Rcode != dns.RcodeSuccess || len(message.Answer) != 0 || len(message.Ns) != 1 || message.Ns[0].Header().Name != "resolver.arpa." {
			t.Errorf("%s %s: %v, %v", test.name, dns.Type(test.kind), message, err)
		}
	}
}

// TestOnlyWhatIsToldIsAnsweredHere: the names of the doors are the world's otherwise.
func TestOnlyWhatIsToldIsAnsweredHere(t *testing.T) {
	stage := handler(local.Config{Zones: true, Discovery: told()})
	for name, kind := range map[string]uint16{"dns.isp.example": dns.TypeA, "_dns.dns.isp.example": dns.TypeTXT, "_dns.isp.example": dns.TypeSVCB, "isp.example": dns.TypeRESINFO, "a.dns.isp.example": dns.TypeRESINFO} {
		if _, message, err := ask(t, stage, name, kind); !errors.Is(err, errBelow) {
			t.Errorf("%s %s: %v, %v", name, dns.Type(kind), message, err)
		}
	}
	if _, message, err := ask(t, handler(local.Config{Zones: true, Discovery: local.Discovery{Information: []string{"exterr=15"}}}), "_dns.isp.example", dns.TypeSVCB); !errors.Is(err, errBelow) {
		t.Errorf("without doors: %v, %v", message, err)
	}
}
