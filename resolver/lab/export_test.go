package lab

import (
	"net/netip"

	"github.com/miekg/dns"
)

// Respond answers a packet as the name server at an address does; nil is no reply.
func (i *Internet) Respond(addr string, packet []byte, udp bool) []byte {
	return i.servers[netip.MustParseAddr(addr)].respond(packet, udp)
}

// Update carries out an update whose signature has been verified.
func (i *Internet) Update(request *dns.Msg) int { return i.update(request) }
