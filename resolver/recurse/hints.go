package recurse

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// BuiltinHints are the root servers as IANA publishes them in named.root
// (https://www.internic.net/domain/named.root).
func BuiltinHints() []dns.RR {
	const ttl = 3_600_000
	var hints []dns.RR
	for _, root := range [...]struct{ letter, ipv4, ipv6 string }{
		{"a", "198.41.0.4", "2001:503:ba3e::2:30"},
		{"b", "170.247.170.2", "2801:1b8:10::b"},
		{"c", "192.33.4.12", "2001:500:2::c"},
		{"d", "199.7.91.13", "2001:500:2d::d"},
		{"e", "192.203.230.10", "2001:500:a8::e"},
		{"f", "192.5.5.241", "2001:500:2f::f"},
		{"g", "192.112.36.4", "2001:500:12::d0d"},
		{"h", "198.97.190.53", "2001:500:1::53"},
		{"i", "192.36.148.17", "2001:7fe::53"},
		{"j", "192.58.128.30", "2001:503:c27::2:30"},
		{"k", "193.0.14.129", "2001:7fd::1"},
		{"l", "199.7.83.42", "2001:500:9f::42"},
		{"m", "202.12.27.33", "2001:dc3::35"},
	} {
		name := root.letter + ".root-servers.net."
		header := func(owner string, rtype uint16) dns.RR_Header {
			return dns.RR_Header{Name: owner, Rrtype: rtype, Class: dns.ClassINET, Ttl: ttl}
		}
		hints = append(hints,
			&dns.NS{Hdr: header(".", dns.TypeNS), Ns: name},
			&dns.A{Hdr: header(name, dns.TypeA), A: net.ParseIP(root.ipv4).To4()},
			&dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: net.ParseIP(root.ipv6)})
	}
	return hints
}

// readHints makes the root's delegation of NS records and addresses.
func readHints(hints []dns.RR) (*delegation, error) {
	clean := &reply{zone: wire.Root}
	clean.additional, _ = within(hints, wire.Root)
	root := rootOf(clean.additional, clean)
	if len(root.nameservers) == 0 {
		return nil, errors.New("root hints: no NS record of the root with an address")
	}
	if len(root.nameservers) > maxNameservers {
		return nil, fmt.Errorf("root hints: more than %d name servers", maxNameservers)
	}
	// Whoever puts the root on a private address runs an Internet of his own.
	root.hint = true
	root.trusted = slices.ContainsFunc(root.addresses(), func(addr netip.Addr) bool { return !isQueryable(addr, false, false) })
	return root, nil
}

// rootOf reads the root's name servers from a section, those with an address.
func rootOf(section []record, clean *reply) *delegation {
	root := &delegation{zone: wire.Root}
	for _, candidate := range section {
		ns, ok := candidate.RR.(*dns.NS)
		if !ok || candidate.owner != wire.Root {
			continue
		}
		host, err := wire.ParseName(ns.Ns)
		if err != nil {
			continue
		}
		if addresses, _ := clean.glue(host); len(addresses) > 0 {
			root.nameservers = append(root.nameservers, nameserver{host, addresses})
		}
	}
	return root
}
