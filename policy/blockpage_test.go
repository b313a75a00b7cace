package policy

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// What leads to the block page has its addresses for A and AAAA, and nothing for all other types.
func TestAddressesOfTheBlockPage(t *testing.T) {
	all := []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("192.0.2.81"), netip.MustParseAddr("2001:db8::80")}
	name, err := wire.ParseName("phish.example")
	if err != nil {
		t.Fatal(err)
	}
	for qtype, want := range map[uint16]int{dns.TypeA: 2, dns.TypeAAAA: 1, dns.TypeHTTPS: 0, dns.TypeTXT: 0, dns.TypeANY: 0} {
		query := resolver.NewQuery(name, qtype, nil)
		got := addresses(query, name, all)
		if len(got) != want {
			t.Errorf("%s: %v", dns.TypeToString[qtype], got)
		}
		for _, record := range got {
			if header := record.Header(); header.Rrtype != qtype || header.Ttl != blockTTL || header.Name != "phish.example." {
				t.Errorf("%s", record)
			}
		}
	}
	query := resolver.NewQuery(name, dns.TypeA, nil)
	query.Question.Class = wire.ClassIN + 2
	if got := addresses(query, name, all); got != nil {
		t.Errorf("of another class: %v", got)
	}
}
