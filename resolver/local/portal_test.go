package local_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// The portal's name leads to the addresses that fit the client, and nothing else of the name is answered.
func TestThePortalsOwnName(t *testing.T) {
	at := func(addr string) func(*resolver.Query) {
		return func(query *resolver.Query) { query.Client.Addr = netip.MustParseAddr(addr) }
	}
	toward := func(client netip.Addr) []netip.Addr {
		if client == netip.MustParseAddr("192.168.1.9") {
			return []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::2")}
		}
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	}
	home := handler(local.Config{Zones: true, Portal: local.Portal{Name: wire.MustName("dns.home.arpa"), Toward: toward}})
	for _, test := range []struct {
		name   string
		qtype  uint16
		client string
		rcode  int
		answer string
	}{
		{"dns.home.arpa", dns.TypeA, "192.168.1.9", dns.RcodeSuccess, "A 192.168.1.2; "},
		{"DNS.home.arpa", dns.TypeAAAA, "192.168.1.9", dns.RcodeSuccess, "AAAA fd00::2; "},
		{"dns.home.arpa", dns.TypeA, "10.2.2.2", dns.RcodeSuccess, "A 10.0.0.1; "},
		{"dns.home.arpa", dns.TypeAAAA, "10.2.2.2", dns.RcodeSuccess, ""},
		{"dns.home.arpa", dns.TypeHTTPS, "192.168.1.9", dns.RcodeSuccess, ""},
		{"www.dns.home.arpa", dns.TypeA, "192.168.1.9", dns.RcodeNameError, ""},
		{"other.home.arpa", dns.TypeA, "192.168.1.9", dns.RcodeNameError, ""},
	} {
		_, reply, err := ask(t, home, test.name, test.qtype, at(test.client))
		if err != nil {
			t.Fatal(err)
		}
		if reply.Rcode != test.rcode || data(reply.Answer) != test.answer || len(reply.Answer) == 0 && len(reply.Ns) != 1 {
			t.Errorf("%s %s from %s: %v", test.name, dns.TypeToString[test.qtype], test.client, reply)
		}
	}
	if _, _, err := ask(t, home, "dns.example.net", dns.TypeA, at("192.168.1.9")); !errors.Is(err, errBelow) {
		t.Errorf("a public name: %v", err)
	}
}

// What the operator wrote of the name goes before.
func TestLocalRecordsGoBeforeThePortal(t *testing.T) {
	record, err := local.ParseRecord("dns.home.arpa. A 192.168.1.99")
	if err != nil {
		t.Fatal(err)
	}
	records, err := local.NewRecords([]dns.RR{record})
	if err != nil {
		t.Fatal(err)
	}
	home := handler(local.Config{Records: records, Portal: local.Portal{Name: wire.MustName("dns.home.arpa"), Toward: func(netip.Addr) []netip.Addr { return nil }}})
	if _, reply, err := ask(t, home, "dns.home.arpa", dns.TypeA); err != nil || data(reply.Answer) != "A 192.168.1.99; " {
		t.Errorf("%v, %v", reply, err)
	}
}
