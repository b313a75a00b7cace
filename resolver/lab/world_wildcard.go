package lab

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// wildcardTLDs are most of the ends that popular names have, arpa left out:
// reverse names are answered without the network.
const wildcardTLDs = `
com net org info biz name pro mobi gov edu mil int
io co me tv cc to ly gl fm ws ai sh im am gg la su pw tk ml
de it fr uk pl cz ee nl eu es dk se ch be no at pt fi ie gr hu ro sk si hr bg lt lv lu is rs ua by
ru cn jp br in us ca au kr vn tr za ir nz mx id tw il ar kz cl sg my hk th ph sa ae eg ma ke ng pk bd lk uz ge az pe ve uy ec
app dev page xyz top online site shop cloud vip live tech click media win store club blog agency space website link news
network systems digital services host fun icu work life world one today email stream video games bet
`

// WildcardTLDs are the top-level domains, without dots, in which every name
// resolves: its A, AAAA and TXT.
func (i *Internet) WildcardTLDs() []string { return strings.Fields(wildcardTLDs) }

func wildcardZones() []ZoneSource {
	var sources []ZoneSource
	for number, name := range strings.Fields(wildcardTLDs) {
		sources = append(sources, ZoneSource{
			Origin: name + ".",
			Text: fmt.Sprintf(`
@ 3600 NS a.tld-servers.
@ 3600 NS b.tld-servers.
* A 203.0.113.%d
* AAAA 2001:db8:113::%x
* TXT "every name below %s"
`, number+1, number+1, name),
			Signing: wildcardSigning(number),
		})
	}
	return sources
}

// wildcardSigning mixes the ways to sign: half NSEC, a third NSEC3, a sixth Ed25519.
func wildcardSigning(number int) Signing {
	switch number % 6 {
	case 1, 4:
		return p256Hashed()
	case 5:
		return Signing{Algorithm: dns.ED25519, Single: true}
	}
	return p256()
}
