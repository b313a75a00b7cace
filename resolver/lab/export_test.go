package lab

import "net/netip"

// Respond answers a packet as the name server at an address does; nil is no reply.
func (i *Internet) Respond(addr string, packet []byte, udp bool) []byte {
	return i.servers[netip.MustParseAddr(addr)].respond(packet, udp)
}
