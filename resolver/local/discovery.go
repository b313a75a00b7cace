package local

import (
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Discovery is what clients are told of the resolver that they ask: its encrypted doors
// (RFC 9462, RFC 9461) and what it does (RFC 9606). The zero value tells nothing.
type Discovery struct {
	// Name is what the certificates of the doors are good for; "" for none, and no
	// doors are told of.
	Name wire.Name
	// Doors are the encrypted ones, those that clients are to try first in front.
	Doors []EncryptedDoor
	// Information is the keys of RESINFO, in order; none where empty.
	Information []string
}

// EncryptedDoor is one way in, on one or several listeners.
type EncryptedDoor struct {
	Protocols []string // names of ALPN
	Path      string   // template of the path of DNS over HTTP, as "/dns-query{?dns}"; else ""
	Listeners []netip.AddrPort
}

// discoveryTTL is short, since doors and certificates can change with a restart.
const discoveryTTL = 300

var (
	resolverArpa = wire.MustName("resolver.arpa")
	designated   = wire.MustName("_dns.resolver.arpa")
)

// discovery is the records, by the name and type that they answer.
type discovery struct {
	doors, information []dns.RR
	addresses          []dns.RR  // of the target, where they are known
	own, doorsOf       wire.Name // the name of the doors, and that below which they are told of
}

// newDiscovery makes the records; nil where nothing is told.
func newDiscovery(told Discovery) *discovery {
	if len(told.Doors)+len(told.Information) == 0 {
		return nil
	}
	d := &discovery{own: told.Name}
	if told.Name != "" {
		d.doorsOf = wire.MustName("_dns." + told.Name.String())
		for _, record := range doorRecords(told) {
			d.doors = append(d.doors, record)
		}
		d.addresses = addressRecords(told)
	}
	if len(told.Information) > 0 {
		d.information = []dns.RR{&dns.RESINFO{Hdr: dns.RR_Header{Rrtype: dns.TypeRESINFO, Class: dns.ClassINET, Ttl: discoveryTTL}, Txt: told.Information}}
	}
	return d
}

// Records are what is told of the doors, as it is served at _dns.resolver.arpa.
func (d Discovery) Records() []*dns.SVCB {
	if d.Name == "" {
		return nil
	}
	records := doorRecords(d)
	for _, record := range records {
		record.Hdr.Name = designated.FQDN()
	}
	return records
}

// answer tells of doors and information; nil for a question about neither. It comes before
// the check of RD, which such a question need not set (RFC 9606, section 3).
func (d *discovery) answer(query *resolver.Query) (*resolver.Answer, error) {
	name := query.Question.Name
	switch query.Question.Type {
	case dns.TypeSVCB:
		if len(d.doors) > 0 && (name == designated || name == d.doorsOf) {
			return d.finish(query, d.doors, d.addresses)
		}
	case dns.TypeRESINFO:
		if len(d.information) > 0 && (name == resolverArpa || name == d.own) {
			return d.finish(query, d.information, nil)
		}
	}
	return nil, nil
}

// finish gives the records to the name that was asked for. The answer is authoritative:
// clients take no other (RFC 9606, section 3).
func (d *discovery) finish(query *resolver.Query, records, additional []dns.RR) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Authoritative = true
	for _, record := range records {
		record = dns.Copy(record)
		record.Header().Name = reply.Question[0].Name
		reply.Answer = append(reply.Answer, record)
	}
	reply.Extra = additional
	return finish(query, reply)
}

// doorRecords has one record for each door and port, in ServiceMode. No target is "." or
// below resolver.arpa (RFC 9462, section 4).
func doorRecords(told Discovery) []*dns.SVCB {
	var records []*dns.SVCB
	for _, door := range told.Doors {
		for _, port := range portsOf(door.Listeners) {
			records = append(records, &dns.SVCB{
				Hdr:      dns.RR_Header{Rrtype: dns.TypeSVCB, Class: dns.ClassINET, Ttl: discoveryTTL},
				Priority: uint16(len(records) + 1), Target: told.Name.FQDN(), Value: parameters(door, port),
			})
		}
	}
	return records
}

// parameters are in the order of their keys (RFC 9460, section 2.2).
func parameters(door EncryptedDoor, port uint16) []dns.SVCBKeyValue {
	ipv4, ipv6 := hints(door.Listeners, port)
	values := []dns.SVCBKeyValue{&dns.SVCBAlpn{Alpn: door.Protocols}, &dns.SVCBPort{Port: port}}
	if len(ipv4) > 0 {
		values = append(values, &dns.SVCBIPv4Hint{Hint: ipv4})
	}
	if len(ipv6) > 0 {
		values = append(values, &dns.SVCBIPv6Hint{Hint: ipv6})
	}
	if door.Path != "" {
		values = append(values, &dns.SVCBDoHPath{Template: door.Path})
	}
	return values
}

func portsOf(listeners []netip.AddrPort) []uint16 {
	var ports []uint16
	for _, listener := range listeners {
		if !slices.Contains(ports, listener.Port()) {
			ports = append(ports, listener.Port())
		}
	}
	return ports
}

// hints are the addresses of listeners at a port. One on all addresses has none to tell.
func hints(listeners []netip.AddrPort, port uint16) (ipv4, ipv6 []net.IP) {
	for _, listener := range listeners {
		addr := listener.Addr().Unmap()
		switch {
		case listener.Port() != port || addr.IsUnspecified():
		case addr.Is4():
			ipv4 = append(ipv4, addr.AsSlice())
		default:
			ipv6 = append(ipv6, addr.AsSlice())
		}
	}
	return ipv4, ipv6
}

// addressRecords spare clients a question for the target (RFC 9462, section 4).
func addressRecords(told Discovery) []dns.RR {
	var records []dns.RR
	var seen []netip.Addr
	for _, door := range told.Doors {
		for _, listener := range door.Listeners {
			addr := listener.Addr().Unmap().WithZone("")
			if addr.IsUnspecified() || slices.Contains(seen, addr) {
				continue
			}
			seen = append(seen, addr)
			records = append(records, addressRecord(told.Name, addr))
		}
	}
	return records
}

func addressRecord(name wire.Name, addr netip.Addr) dns.RR {
	header := dns.RR_Header{Name: name.FQDN(), Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: discoveryTTL}
	if addr.Is4() {
		return &dns.A{Hdr: header, A: addr.AsSlice()}
	}
	header.Rrtype = dns.TypeAAAA
	return &dns.AAAA{Hdr: header, AAAA: addr.AsSlice()}
}
