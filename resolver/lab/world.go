package lab

import (
	"strings"

	"github.com/miekg/dns"
)

// world is all that is built in.
func world() []ZoneSource {
	sources := []ZoneSource{root(), example()}
	sources = append(sources, wildcardZones()...)
	sources = append(sources, siteZones()...)
	sources = append(sources, signedZones()...)
	sources = append(sources, unsignedZones()...)
	sources = append(sources, faultyZones()...)
	return append(sources, oddZones()...)
}

var rootServers = [...]struct{ name, address string }{
	{"a.root-servers.", "127.42.0.1"},
	{"b.root-servers.", "127.42.0.2"},
	{"c.root-servers.", "127.42.0.3"},
}

// Root and top-level domains have the names of their servers in the root zone.
// Names of servers inside a wildcard's zone would be holes in the wildcard.
func root() ZoneSource {
	text := `
$TTL 86400
@ IN SOA a.root-servers. hostmaster.root-servers. 2026010100 1800 900 604800 300
a.tld-servers. A 127.42.1.1
b.tld-servers. A 127.42.1.2
`
	for _, server := range rootServers {
		text += "@ NS " + server.name + "\n" + server.name + " A " + server.address + "\n"
	}
	return ZoneSource{Origin: ".", Text: text, Signing: Signing{Algorithm: dns.ECDSAP256SHA256, Standby: true}}
}

// at writes the name servers of a zone: ns1, ns2 … inside it, at these addresses.
func at(addresses ...string) string {
	var text strings.Builder
	for i, address := range addresses {
		server := "ns" + string(rune('1'+i))
		text.WriteString("@ 3600 NS " + server + "\n" + server + " 3600 A " + address + "\n")
	}
	return text.String()
}

// example is the zone above nearly all others, with the plain names that the
// example lists block and that have to resolve once they do not.
func example() ZoneSource {
	return ZoneSource{Origin: "example.", Signing: p256(), Text: `
@ 3600 NS ns1.nic
@ 3600 NS ns2.nic
ns1.nic 3600 A 127.42.1.3
ns2.nic 3600 A 127.42.1.4
@ A 192.0.2.1
@ TXT "the top of the miniature Internet's examples"
bet A 192.0.2.31
bet AAAA 2001:db8::31
www.bet A 192.0.2.31
xn--bcher-kva A 192.0.2.32
xn--bcher-kva AAAA 2001:db8::32
www.xn--bcher-kva A 192.0.2.32
lottery-museum A 192.0.2.33
lottery-museum AAAA 2001:db8::33
www.lottery-museum A 192.0.2.33
games A 192.0.2.34
games AAAA 2001:db8::34
www.games A 192.0.2.34
; delegations that the children do not tell rightly
junk 3600 NS ns1.junk
junk 3600 NS ns.victim.example.
ns1.junk 3600 A 127.42.3.41
stale 3600 NS ns1.stale
stale 3600 NS ns9.stale
ns1.stale 3600 A 127.42.2.6
ns9.stale 3600 A 127.42.3.44
`}
}

// siteZones are signed zones of their own, for blocked names whose owner has to
// show control by a TXT record.
func siteZones() []ZoneSource {
	var sources []ZoneSource
	for number, name := range []string{"blocked-by-law", "phish", "casino", "shop"} {
		last := string(rune('1' + number))
		sources = append(sources, ZoneSource{Origin: name + ".example.", Signing: p256(), Text: at("127.42.2.1", "127.42.2.2") + `
@ A 198.51.100.` + last + `
@ AAAA 2001:db8:5::` + last + `
@ MX 10 mail
@ TXT "v=spf1 mx -all"
mail A 198.51.100.` + last + `
www A 198.51.100.` + last + `
www AAAA 2001:db8:5::` + last + `
www HTTPS 1 . alpn="h2,h3" ipv4hint=198.51.100.` + last + ` ipv6hint=2001:db8:5::` + last + `
`})
	}
	return sources
}

func p256() Signing       { return Signing{Algorithm: dns.ECDSAP256SHA256} }
func p256Hashed() Signing { return Signing{Algorithm: dns.ECDSAP256SHA256, NSEC3: true} }

// conducts is how the built-in servers behave that do not behave.
func conducts() map[string]Conduct {
	return map[string]Conduct{
		"127.42.3.2":  Refusing,
		"127.42.3.4":  Silent,
		"127.42.3.5":  Silent,
		"127.42.3.6":  Nobody,
		"127.42.3.8":  Truncating,
		"127.42.3.9":  NoEDNS,
		"127.42.3.11": Upward,
		"127.42.3.13": Failing,
	}
}
