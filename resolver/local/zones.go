package local

import (
	"fmt"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// kind is how a local zone is answered.
type kind uint8

const (
	none     kind = iota
	empty         // the apex exists, nothing below it does
	noData        // every name exists, without data
	loopback      // every name is this machine
)

// emptyZones are special-use domain names that exist nowhere (RFC 6761: test and
// invalid; RFC 7686: onion; RFC 8375: home.arpa; RFC 9665: service.arpa), and
// the reverse zones of addresses that are nobody's or everybody's (RFC 6303; RFC
// 5737 and 3849 for documentation; RFC 7793 for shared address space).
var emptyZones = []string{
	"test", "invalid", "onion", "home.arpa", "service.arpa",
	"0.in-addr.arpa", "127.in-addr.arpa", "10.in-addr.arpa", "254.169.in-addr.arpa", "168.192.in-addr.arpa",
	"2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
	"d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
}

// specialZones is every zone that is answered here.
func specialZones() map[wire.Name]kind {
	zones := map[wire.Name]kind{
		wire.MustName("localhost"): loopback, // RFC 6761, section 6.3
		// RFC 9462, section 6.4: locally served, and NODATA where nothing is designated.
		wire.MustName("resolver.arpa"): noData,
		wire.MustName("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"): empty,
		wire.MustName("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"): empty,
	}
	for _, zone := range emptyZones {
		zones[wire.MustName(zone)] = empty
	}
	for i := 16; i < 32; i++ { // 172.16.0.0/12
		zones[wire.MustName(fmt.Sprintf("%d.172.in-addr.arpa", i))] = empty
	}
	for i := 64; i < 128; i++ { // 100.64.0.0/10
		zones[wire.MustName(fmt.Sprintf("%d.100.in-addr.arpa", i))] = empty
	}
	return zones
}
