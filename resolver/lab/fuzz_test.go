package lab_test

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/lab"
)

// FuzzPacket sends any packet to a good server and to one that serves faults:
// whatever comes back is a reply to it that can be read, and fits.
func FuzzPacket(f *testing.F) {
	internet := build(f, lab.Config{})
	for _, sample := range internet.Names() {
		f.Add(must(query(dns.Fqdn(sample.Name), sample.Type).Pack())(f), true)
	}
	f.Add([]byte{}, true)
	f.Add(make([]byte, 12), false)
	f.Fuzz(func(t *testing.T, packet []byte, udp bool) {
		for _, addr := range []string{topServer, signedServer, hostingServer, "127.42.1.1"} {
			reply := internet.Respond(addr, packet, udp)
			if reply == nil {
				continue
			}
			if len(reply) < 12 || reply[0] != packet[0] || reply[1] != packet[1] || reply[2]&0x80 == 0 {
				t.Fatalf("%x is no reply to %x", reply, packet)
			}
			if err := new(dns.Msg).Unpack(reply); err != nil {
				t.Fatalf("reply cannot be read: %v", err)
			}
			if udp && len(reply) > 4096 {
				t.Fatalf("%d octets over UDP", len(reply))
			}
		}
	})
}
