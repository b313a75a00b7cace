//go:build !linux

package do53

import (
	"net"
	"net/netip"
)

// canShareAddress is false where it is not known how the kernel spreads clients.
const canShareAddress = false

func listenUDP(network string, address netip.AddrPort) (*net.UDPConn, error) {
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(address))
	if err != nil {
		return nil, err
	}
	return conn, conn.SetReadBuffer(socketBuffer)
}
