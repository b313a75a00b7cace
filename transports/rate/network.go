package rate

import (
	"encoding/binary"
	"net/netip"
)

// network is a prefix as numbers: of IPv4 in the upper half of high.
type network struct {
	high, low uint64
	bits      uint64 // those of IPv6 are set apart from those of IPv4
}

func networkOf(addr netip.Addr, bits int) network {
	if addr.Is4() {
		octets := addr.As4()
		return network{high: uint64(binary.BigEndian.Uint32(octets[:])) << 32 & first(bits), bits: uint64(bits)}
	}
	octets := addr.As16()
	high, low := binary.BigEndian.Uint64(octets[:8]), binary.BigEndian.Uint64(octets[8:])
	return network{high: high & first(bits), low: low & first(bits-64), bits: 1<<8 | uint64(bits)}
}

// first is a mask of so many bits from the left.
func first(bits int) uint64 {
	switch {
	case bits <= 0:
		return 0
	case bits >= 64:
		return ^uint64(0)
	}
	return ^uint64(0) << (64 - bits)
}
