package quicdoor

import (
	"log/slog"
	"net"
	"net/netip"
)

// canShareAddress says that several sockets may have one address.
const canShareAddress = true

type socket = *net.UDPConn

func listenUDP(address netip.AddrPort, _ *slog.Logger) (socket, error) {
	return net.ListenUDP(network(address), net.UDPAddrFromAddrPort(address))
}
