package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// question is one name and type to ask.
type question struct {
	Name string // with the final dot
	Type uint16
}

func (q question) String() string { return q.Name + " " + dns.TypeToString[q.Type] }

// kinds are the types asked of every owner.
var kinds = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeTXT, dns.TypeNS, dns.TypeSOA, dns.TypeDS, dns.TypeDNSKEY,
	dns.TypeHTTPS, dns.TypeCNAME, dns.TypeDNAME, dns.TypeCAA, dns.TypeSRV, dns.TypeTLSA, dns.TypeNSEC3PARAM, dns.TypeNSEC,
}

// ends are top-level domains below which every name resolves, and some that do not
// exist. One that the miniature Internet loses is a missing one: no harm is done.
var ends = strings.Fields(`
com net org info biz name pro mobi gov edu mil int io co me tv cc to ly gl fm ws ai sh
de it fr uk pl cz ee nl eu es dk se ch be no at pt fi ie gr hu ro sk si hr bg lt lv lu is rs ua by
ru cn jp br in us ca au kr vn tr za ir nz mx id tw il ar kz cl sg my hk th ph sa ae eg ma ke ng
app dev page xyz top online site shop cloud vip live tech click media win store club blog agency
does-not-exist neither-does-this`)

// heads are owners below a zone. %d makes names that nobody has asked before.
var heads = []string{
	"", "www.", "alias.", "mail.", "ns1.", "host.", "txt.", "deep.ent.", "ent.", "*.", "missing%d.", "a.missing%d.",
	"any%d.wild.", "x%d.sub.", "x%d.ent.", "www.www.", "www.dname.", "MiXeD.", "_443._tcp.www.", "a.*.",
}

// questions gives count of them, always the same: all samples, then two thirds
// about the zones that the samples lie in, the rest below top-level domains.
func questions(samples []question, count int) []question {
	random := rand.New(rand.NewPCG(42, 53))
	rest := max(0, count-len(samples))
	zoned := aboutZones(samples)
	random.Shuffle(len(zoned), func(i, j int) { zoned[i], zoned[j] = zoned[j], zoned[i] })
	zoned = zoned[:min(len(zoned), rest*2/3)]
	asked := unique(slices.Concat(samples, zoned, belowEnds(random, count)))
	asked = asked[:min(count, len(asked))]
	random.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
	return asked
}

// aboutZones asks every type of every head of every name that a sample lies at or below.
func aboutZones(samples []question) []question {
	var bases []string
	for _, sample := range samples {
		for _, at := range dns.Split(sample.Name) {
			bases = append(bases, sample.Name[at:])
		}
	}
	slices.Sort(bases)
	var asked []question
	for number, base := range slices.Compact(bases) {
		for _, head := range heads {
			if strings.Contains(head, "%d") {
				head = fmt.Sprintf(head, number)
			}
			for _, kind := range kinds {
				if kind == dns.TypeA || !isSilent(base) {
					asked = append(asked, question{head + base, kind})
				}
			}
		}
	}
	return asked
}

// isSilent says whether no server of the zone can be had. A type is as good as any
// there, and each question costs seconds.
func isSilent(base string) bool {
	return strings.HasSuffix(base, "alldead.example.") || strings.HasSuffix(base, "circular.example.")
}

// belowEnds asks for names as people do: mostly addresses of www.
func belowEnds(random *rand.Rand, count int) []question {
	var asked []question
	for number := range count {
		name := fmt.Sprintf("site%d.%s.", number, ends[random.IntN(len(ends))])
		if random.IntN(2) == 0 {
			name = "www." + name
		}
		kind := dns.TypeA
		switch roll := random.IntN(10); {
		case roll == 0:
			kind = kinds[random.IntN(len(kinds))]
		case roll < 4:
			kind = dns.TypeAAAA
		}
		asked = append(asked, question{name, kind})
	}
	return asked
}

// unique drops what stands earlier already. Names differ in case on purpose.
func unique(asked []question) []question {
	seen := make(map[question]bool, len(asked))
	return slices.DeleteFunc(asked, func(q question) bool {
		again := seen[q]
		seen[q] = true
		return again
	})
}
