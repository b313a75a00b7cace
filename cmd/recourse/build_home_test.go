package main

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/links"
)

// Only a name that nobody else can answer for leads here by itself.
func TestWhichPortalsNameIsLocal(t *testing.T) {
	for portal, want := range map[string]string{
		"http://dns.home.arpa:8080": "dns.home.arpa", "http://dns.internal": "dns.internal", "https://dns.own.example": "dns.own.example",
		"https://dns.example.net": "", "http://192.168.1.2": "", "http://localhost:8080": "", "": "",
	} {
		config := new(Config)
		config.Operator.Portal, config.Resolver.PrivateNames = portal, []string{"own.example"}
		got := ""
		if name := config.localPortal(links.New()).Name; name != "" {
			got = name.String()
		}
		if got != want {
			t.Errorf("%q: %q, not %q", portal, got, want)
		}
	}
}

func TestWherePagesListen(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::2")}
	for listener, want := range map[string]string{
		"0.0.0.0:8080": "[192.168.1.2]", "[::]:8080": "[fd00::2]", "192.168.1.2:80": "[192.168.1.2]", "127.0.0.1:80": "[]",
	} {
		if got := fmt.Sprint(servedAt([]netip.AddrPort{netip.MustParseAddrPort(listener)}, own)); got != want {
			t.Errorf("%s: %s, not %s", listener, got, want)
		}
	}
}

// TestHouseholdPortalResolves: with the example of a home nothing is needed elsewhere for its portal's name.
func TestHouseholdPortalResolves(t *testing.T) {
	t.Parallel()
	directory := exampleCopy(t, "household.yaml", `"0\.0\.0\.0:5300", "\[::\]:5300"`, `"127.0.0.1:0"`, `0\.0\.0\.0:8080`, `127.0.0.1:0`)
	s := start(t, directory, "--config", "household.yaml", "--lab")
	for name, want := range map[string]string{"dns.home.arpa": "A 127.0.0.1; ", "other.home.arpa": ""} {
		if reply := s.ask("127.0.0.1", name, dns.TypeA); recordData(reply.Answer) != want {
			t.Errorf("%s: %v", name, reply)
		}
	}
	s.stop()
}
