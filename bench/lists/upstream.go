package main

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/authority"
)

// newUpstream answers whatever it is asked with one address, to be kept for a day.
func newUpstream() (*authority.Server, error) {
	return authority.Listen(netip.MustParseAddrPort("127.0.0.1:0"), func(_ netip.Addr, packet []byte, _ bool) [][]byte {
		query := new(dns.Msg)
		if query.Unpack(packet) != nil || len(query.Question) != 1 {
			return nil
		}
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		reply.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 86400}, A: net.IPv4(192, 0, 2, 1),
		}}
		octets, err := reply.Pack()
		if err != nil {
			return nil // whoever asks asks again
		}
		return [][]byte{octets}
	})
}
