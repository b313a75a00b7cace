package do53

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// canShareAddress says that several sockets may have one address, and that the
// kernel spreads clients over them.
const canShareAddress = true

// prepare sets a socket up before it is bound.
func prepare(descriptor int, address netip.Addr) error {
	if err := unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return err
	}
	// Best effort: the kernel caps it at net.core.rmem_max without telling.
	if err := unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer); err != nil {
		return err
	}
	switch {
	case !address.IsUnspecified():
		return nil
	case address.Is4():
		return unix.SetsockoptInt(descriptor, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	default:
		return unix.SetsockoptInt(descriptor, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
}
