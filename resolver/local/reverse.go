package local

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	inAddr  = wire.MustName("in-addr.arpa")
	ip6Arpa = wire.MustName("ip6.arpa")
)

// reverse is the name of an address below in-addr.arpa (RFC 1035, section 3.5) or
// ip6.arpa (RFC 3596, section 2.5).
func reverse(addr netip.Addr) wire.Name {
	var text strings.Builder
	octets := addr.AsSlice()
	for i := len(octets) - 1; i >= 0; i-- {
		if addr.Is4() {
			fmt.Fprintf(&text, "%d.", octets[i])
		} else {
			fmt.Fprintf(&text, "%x.%x.", octets[i]&0xf, octets[i]>>4)
		}
	}
	zone := ip6Arpa
	if addr.Is4() {
		zone = inAddr
	}
	return wire.MustName(text.String() + zone.FQDN())
}

// addressOf reads the 32 nibbles of a whole address below ip6.arpa.
func addressOf(name wire.Name) (netip.Addr, bool) {
	var octets [16]byte
	if !name.IsBelow(ip6Arpa) || len(name) != 2*2*len(octets)+len(ip6Arpa) {
		return netip.Addr{}, false
	}
	for i := range 2 * len(octets) {
		if name[2*i] != 1 {
			return netip.Addr{}, false
		}
		nibble, err := strconv.ParseUint(string(name[2*i+1]), 16, 4)
		if err != nil {
			return netip.Addr{}, false
		}
		octets[15-i/2] |= byte(nibble) << (4 * (i % 2))
	}
	return netip.AddrFrom16(octets), true
}
