package local

import (
	"fmt"
	"net/netip"
	"slices"
)

// prefix64 is the prefix under which a NAT64 shows IPv4 addresses. Invalid is none.
type prefix64 struct{ netip.Prefix }

// reserved is the octet of bits 64 to 71, which are zero in every such address
// (RFC 6052, section 2.2).
const reserved = 8

// CheckDNS64 says why a prefix cannot be that of a NAT64 (RFC 6052, section 2.2).
func CheckDNS64(prefix netip.Prefix) error {
	switch {
	case !prefix.IsValid() || !prefix.Addr().Is6() || prefix.Addr().Is4In6():
		return fmt.Errorf("%s is no IPv6 prefix, as 64:ff9b::/96", prefix)
	case !slices.Contains([]int{32, 40, 48, 56, 64, 96}, prefix.Bits()):
		return fmt.Errorf("%s: an IPv4 address fits behind 32, 40, 48, 56, 64 or 96 bits only", prefix)
	case prefix.Masked() != prefix:
		return fmt.Errorf("%s has bits behind its length; did you mean %s?", prefix, prefix.Masked())
	case prefix.Addr().As16()[reserved] != 0:
		return fmt.Errorf("%s: bits 64 to 71 must be zero", prefix)
	}
	return nil
}

// places are the octets that hold the IPv4 address.
func (p prefix64) places() [4]int {
	var places [4]int
	at := p.Bits() / 8
	for i := range places {
		if at == reserved {
			at++
		}
		places[i] = at
		at++
	}
	return places
}

// embed is the IPv6 address of an IPv4 address.
func (p prefix64) embed(addr netip.Addr) netip.Addr {
	octets, four := p.Addr().As16(), addr.As4()
	for i, place := range p.places() {
		octets[place] = four[i]
	}
	return netip.AddrFrom16(octets)
}

// extract is the IPv4 address in an IPv6 address that embed could have made.
func (p prefix64) extract(addr netip.Addr) (netip.Addr, bool) {
	if !p.IsValid() || !addr.Is6() || !p.Contains(addr) {
		return netip.Addr{}, false
	}
	var four [4]byte
	octets := addr.As16()
	for i, place := range p.places() {
		four[i] = octets[place]
	}
	found := netip.AddrFrom4(four)
	return found, p.embed(found) == addr
}
