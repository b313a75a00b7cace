package authority

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestBothTransports(t *testing.T) {
	server, err := Listen(netip.MustParseAddrPort("127.0.0.9:0"), func(at netip.Addr, packet []byte, stream bool) [][]byte {
		query := new(dns.Msg)
		if query.Unpack(packet) != nil || at != netip.MustParseAddr("127.0.0.9") {
			return nil
		}
		reply := new(dns.Msg).SetReply(query)
		reply.Authoritative = stream
		octets, err := reply.Pack()
		if err != nil {
			return nil
		}
		return [][]byte{octets}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: network, Timeout: 5 * time.Second}
		reply, _, err := client.Exchange(new(dns.Msg).SetQuestion("www.example.", dns.TypeA), server.Addr().String())
		if err != nil || reply.Authoritative != (network == "tcp") {
			t.Errorf("%s: %v, %v", network, reply, err)
		}
	}
	server.Close()
	if again, err := Listen(server.Addr(), nil); err != nil {
		t.Errorf("the address is not free again: %v", err)
	} else {
		again.Close()
	}
}
