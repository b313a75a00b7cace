package transports

import (
	"net"
	"net/netip"
)

// DialerFrom opens connections that come from an address of this machine; from whichever the
// kernel chooses where it is the zero value.
func DialerFrom(local netip.Addr) *net.Dialer {
	if !local.IsValid() {
		return new(net.Dialer)
	}
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}}
}
