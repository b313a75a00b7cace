package lab

import (
	"strings"

	"github.com/miekg/dns"
)

// signedZones are in order, each by another algorithm or denial.
func signedZones() []ZoneSource {
	return []ZoneSource{
		{Origin: "signed.example.", Signing: p256(), Text: at("127.42.2.1", "127.42.2.3") + `
@ A 192.0.2.10
@ MX 10 mail
www A 192.0.2.10
www AAAA 2001:db8::10
www HTTPS 1 . alpn="h2" ipv4hint=192.0.2.10
mail A 192.0.2.11
MiXeD A 192.0.2.12
txt TXT "one" "two"
deep.ent A 192.0.2.13          ; ent is an empty non-terminal
alias CNAME www
cross CNAME www.nsec3.example.
chain CNAME chain.nsec3.example.
loop CNAME loop2
loop2 CNAME loop
dangling CNAME missing
tolaw CNAME www.blocked-by-law.example.
tophish CNAME www.phish.example.
tobogus CNAME www.bogus.example.
dname DNAME shop.example.
dwild DNAME wild.example.
d DNAME a-name-that-is-longer-than-its-alias.example.
`},
		// On the same servers as its parent, which therefore answer for its DS too.
		{Origin: "child.signed.example.", Signing: p256(), Text: at("127.42.2.1", "127.42.2.3") + `
@ A 192.0.2.14
www A 192.0.2.14
`},
		{Origin: "nsec3.example.", Signing: Signing{Algorithm: dns.ED25519, NSEC3: true}, Text: at("127.42.2.2", "127.42.2.4") + `
@ A 192.0.2.20
www A 192.0.2.20
www AAAA 2001:db8::20
alias CNAME www
chain CNAME chain.rsa.example.
deep.ent A 192.0.2.21
*.wild A 192.0.2.22
*.wild TXT "by a wildcard under NSEC3"
`},
		{Origin: "plain.nsec3.example.", Text: at("127.42.2.5") + `
@ A 192.0.2.23
www A 192.0.2.23
`},
		{Origin: "rsa.example.", Signing: Signing{Algorithm: dns.RSASHA256}, Text: at("127.42.2.3") + `
@ A 192.0.2.24
www A 192.0.2.24
chain CNAME chain.p384.example.
`},
		{Origin: "p384.example.", Signing: Signing{Algorithm: dns.ECDSAP384SHA384}, Text: at("127.42.2.4") + `
@ A 192.0.2.25
www A 192.0.2.25
chain CNAME end.unsigned.example.
`},
		{Origin: "optout.example.", Signing: Signing{Algorithm: dns.ECDSAP256SHA256, NSEC3: true, OptOut: true}, Text: at("127.42.2.4") + `
@ A 192.0.2.26
www A 192.0.2.26
`},
		{Origin: "plain.optout.example.", Text: at("127.42.2.5") + `
@ A 192.0.2.27
www A 192.0.2.27
`},
		{Origin: "secure.optout.example.", Signing: p256(), Text: at("127.42.2.6") + `
@ A 192.0.2.28
www A 192.0.2.28
`},
		{Origin: "salted.example.", Signing: Signing{Algorithm: dns.ECDSAP256SHA256, NSEC3: true, Iterations: 5, Salt: "DEADBEEF"}, Text: at("127.42.2.4") + `
@ A 192.0.2.29
www A 192.0.2.29
`},
		// More iterations than a validator does (RFC 9276, section 3.2).
		{Origin: "iterations.example.", Signing: Signing{Algorithm: dns.ECDSAP256SHA256, NSEC3: true, Iterations: 500}, Text: at("127.42.2.4") + `
@ A 192.0.2.30
www A 192.0.2.30
`},
		{Origin: "wild.example.", Signing: p256(), Text: at("127.42.2.6") + `
@ A 192.0.2.40
* A 192.0.2.41
* TXT "by a wildcard under NSEC"
*.sub CNAME www.signed.example.
host A 192.0.2.42
below.ent A 192.0.2.43
`},
		{Origin: "wild3.example.", Signing: p256Hashed(), Text: at("127.42.2.6") + `
@ A 192.0.2.44
* A 192.0.2.45
*.sub CNAME www.nsec3.example.
host A 192.0.2.46
below.ent A 192.0.2.47
`},
		{Origin: "hosting.example.", Signing: p256(), Text: at("127.42.2.1", "127.42.2.2") + `
dns1 A 127.42.2.5
dns2 A 127.42.2.6
`},
		// The names of its servers lie in another zone: no glue.
		{Origin: "glueless.example.", Signing: p256(), Text: `
@ 3600 NS dns1.hosting.example.
@ 3600 NS dns2.hosting.example.
@ A 192.0.2.48
www A 192.0.2.48
`},
		{Origin: "big.example.", Signing: p256(), Text: at("127.42.2.5") + "@ TXT" + strings.Repeat(` "`+strings.Repeat("a large answer, ", 12)+`"`, 12) + "\n"},
	}
}

// unsignedZones have no DS.
func unsignedZones() []ZoneSource {
	return []ZoneSource{
		{Origin: "unsigned.example.", Text: at("127.42.2.5", "127.42.2.6") + `
@ A 192.0.2.50
www A 192.0.2.50
www AAAA 2001:db8::50
end A 192.0.2.51
* TXT "by a wildcard without proof"
alias CNAME www.signed.example.
`},
		{Origin: "island.unsigned.example.", Signing: p256(), Island: true, Text: at("127.42.2.6") + `
@ A 192.0.2.52
www A 192.0.2.52
`},
		{Origin: "island.example.", Signing: p256(), Island: true, Text: at("127.42.2.5") + `
@ A 192.0.2.53
www A 192.0.2.53
`},
	}
}

// faultyZones are the ones with a mistake in how they are signed.
func faultyZones() []ZoneSource {
	const text = `
@ A 192.0.2.60
www A 192.0.2.60
alias CNAME www
`
	here := at("127.42.2.6") + text
	return []ZoneSource{
		{Origin: "expired.example.", Signing: p256(), Fault: Expired, Text: here},
		{Origin: "future.example.", Signing: p256(), Fault: NotYetValid, Text: here},
		{Origin: "bogus.example.", Signing: p256(), Fault: Corrupt, Text: here},
		{Origin: "wrongds.example.", Signing: p256(), Fault: WrongDS, Text: here},
		{Origin: "nosig.example.", Signing: p256(), Fault: SignaturesMissing, Text: here},
		{Origin: "nozonekey.example.", Signing: p256(), Fault: NotZoneKey, Text: here},
		{Origin: "nodenial.example.", Signing: p256(), Fault: DenialMissing, Text: here},
		{Origin: "nodenial3.example.", Signing: p256Hashed(), Fault: DenialMissing, Text: here},
		{Origin: "unknownalg.example.", Signing: p256(), Fault: UnknownAlgorithm, Text: here},
		{Origin: "unknowndigest.example.", Signing: p256(), Fault: UnknownDigest, Text: here},
	}
}

// oddZones are those whose servers or delegations are out of order.
func oddZones() []ZoneSource {
	const text = `
@ A 192.0.2.70
www A 192.0.2.70
`
	return []ZoneSource{
		{Origin: "lame.example.", Signing: p256(), Text: at("127.42.3.1", "127.42.3.2") + text},
		{Origin: "dead.example.", Signing: p256(), Text: at("127.42.3.3", "127.42.3.4") + text},
		{Origin: "alldead.example.", Signing: p256(), Text: at("127.42.3.5", "127.42.3.6") + text},
		{Origin: "trunc.example.", Signing: p256(), Text: at("127.42.3.8") + text},
		{Origin: "noedns.example.", Text: at("127.42.3.9") + text},
		{Origin: "upward.example.", Signing: p256(), Text: at("127.42.3.10", "127.42.3.11") + text},
		{Origin: "failing.example.", Signing: p256(), Text: at("127.42.3.12", "127.42.3.13") + text},
		// The parent still names a server that has long been switched off.
		{Origin: "stale.example.", Text: at("127.42.2.6") + text},
		// Each needs the other to be found.
		{Origin: "circular.example.", Text: "@ NS ns.circle.example.\nns A 127.42.2.6\n" + text},
		{Origin: "circle.example.", Text: "@ NS ns.circular.example.\nns A 127.42.2.6\n" + text},
		// Whoever believes its junk takes others' names to an address of its own.
		{Origin: "junk.example.", Text: at("127.42.3.41") + text, Junk: `
www.victim.example. 3600 A 192.0.2.66
ns.victim.example. 3600 A 127.42.3.41
www.signed.example. 3600 A 192.0.2.66
com. 3600 NS ns1
victim.example. 3600 NS ns1
`},
		{Origin: "victim.example.", Text: at("127.42.2.5") + text + "ns A 127.42.2.5\n"},
	}
}
