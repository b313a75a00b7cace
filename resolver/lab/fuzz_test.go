package lab_test

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
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
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09cut short"), true)
	f.Fuzz(func(t *testing.T, packet []byte, udp bool) {
		for _, addr := range []string{topServer, signedServer, hostingServer, "127.42.0.1", "127.42.1.1", "127.42.2.4"} {
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

// FuzzUpdate carries out any update that could be read. Whatever became of the
// zone, it has a SOA, keys and a denial, and answers.
func FuzzUpdate(f *testing.F) {
	seeds := []func(update *dns.Msg){
		func(m *dns.Msg) {
			m.Insert(records(f, "x.nsec3.example. 60 A 192.0.2.1", "*.y.nsec3.example. 60 TXT t"))
		},
		func(m *dns.Msg) {
			m.Insert(records(f, "www.nsec3.example. 60 NS ns.nsec3.example.", "nsec3.example. 60 DNAME com."))
		},
		func(m *dns.Msg) {
			m.Insert(records(f, "nsec3.example. 60 SOA ns. h. 4294967295 1 1 1 1", "*.nsec3.example. 60 NS ns."))
		},
		func(m *dns.Msg) { m.RemoveName(records(f, "nsec3.example. 0 A 192.0.2.1")) },
		func(m *dns.Msg) { m.Remove(records(f, "www.nsec3.example. 0 A 192.0.2.20")) },
		func(m *dns.Msg) { m.RRsetUsed(records(f, "www.nsec3.example. 0 A 192.0.2.20")) },
	}
	for _, seed := range seeds {
		for _, zone := range []string{"nsec3.example.", "signed.example."} {
			update := new(dns.Msg).SetUpdate(zone)
			seed(update)
			f.Add(must(update.Pack())(f))
		}
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		request := new(dns.Msg)
		if request.Unpack(packet) != nil {
			return
		}
		internet := build(t, lab.Config{})
		internet.Update(request)
		for _, addr := range []string{"127.42.2.4", signedServer} {
			for _, name := range []string{"nsec3.example.", "missing.www.nsec3.example.", "signed.example.", "x.y.signed.example."} {
				for _, kind := range []uint16{dns.TypeSOA, dns.TypeANY, dns.TypeDS} {
					reply := exchange(t, internet, addr, resolver.OverTCP, query(name, kind))
					if reply.Rcode == dns.RcodeServerFailure {
						t.Fatalf("%s", brief(reply))
					}
				}
			}
		}
	})
}
