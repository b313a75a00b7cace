package do53

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// canShareAddress says that several sockets may have one address, and that the
// kernel spreads clients over them.
const canShareAddress = true

func listenUDP(network string, address netip.AddrPort) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(descriptor uintptr) { failed = prepare(int(descriptor), address.Addr()) })
		if err != nil {
			return err
		}
		return failed
	}}
	conn, err := config.ListenPacket(context.Background(), network, address.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

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
