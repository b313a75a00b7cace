package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// attacked answers whatever an attacker asks for with all that takes room: names that
// exist and that do not, signed and unsigned, aliases, DNAMEs, wildcards and failures.
type attacked struct{ asked map[string]int }

func (a *attacked) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	message := query.Message()
	name := message.Question[0].Name
	a.asked[name]++
	kind, _, _ := strings.Cut(name, ".")
	kind = strings.TrimRight(kind, "0123456789")
	zone := strings.Join(strings.Split(name, ".")[1:], ".")
	records, authority, security := a.reply(kind, name, zone)
	if records == nil && authority == nil {
		return nil, resolver.Fail(resolver.NoReachableAuthority, "no server of %s answers", zone)
	}
	if strings.HasPrefix(kind, "no") {
		message.Rcode = dns.RcodeNameError
	}
	for into, texts := range map[*[]dns.RR][]string{&message.Answer: records, &message.Ns: authority} {
		for _, text := range texts {
			record, err := dns.NewRR(text)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", text, err)
			}
			*into = append(*into, record)
		}
	}
	answer := resolver.NewAnswer(message, query.Now)
	answer.TTL, answer.Security = time.Hour, security
	return answer, nil
}

func (a *attacked) reply(kind, name, zone string) (records, authority []string, security resolver.Security) {
	address := name + " 3600 A 192.0.2.1"
	seal := func(text string, less int) []string {
		fields := strings.Fields(text)
		labels := dns.CountLabel(fields[0]) - less
		return []string{text, fmt.Sprintf("%s %s RRSIG %s 13 %d 3600 20990101000000 20200101000000 1 %s %s", fields[0], fields[1], fields[2], labels, zone, strings.Repeat("A", 88))}
	}
	span := append(seal(zone+" 3600 SOA . . 1 1 1 1 3600", 0), seal(zone+" 3600 NSEC \\000."+name+" SOA NS", 0)...)
	switch kind {
	case "popular", "plain":
		return []string{address}, nil, resolver.Insecure
	case "none":
		return nil, []string{zone + " 3600 SOA . . 1 1 1 1 3600"}, resolver.Insecure
	case "signed":
		return seal(address, 0), nil, resolver.Secure
	case "nosigned":
		return nil, span, resolver.Secure
	case "wild":
		return seal(address, 1), span[2:], resolver.Secure
	case "alias":
		return append(seal(name+" 3600 CNAME end."+name, 0), seal("end."+name+" 3600 A 192.0.2.1", 0)...), nil, resolver.Secure
	case "dname":
		return append(append(seal(zone+" 3600 DNAME to."+zone, 0), name+" 3600 CNAME "+kind+".to."+zone), seal(kind+".to."+zone+" 3600 A 192.0.2.1", 0)...), nil, resolver.Secure
	}
	return nil, nil, resolver.Unchecked
}

// TestAScanPushesOutNothingPopular, whatever it is made of, and all side tables together
// stay within their bound: the answers' size, and an eighth beside it for proofs.
func TestAScanPushesOutNothingPopular(t *testing.T) {
	const size, popular, names = 1 << 20, 50, 4000
	for _, kind := range []string{"plain", "none", "signed", "nosigned", "wild", "alias", "dname", "dead", "all"} {
		c := cache.New(cache.Config{Size: size, Aggressive: true, Below: true, Stale: cache.Stale{UpTo: time.Hour}})
		world := &attacked{asked: make(map[string]int)}
		handler := chain(c, world)
		resolve := func(name string) { _, _ = handler.Resolve(t.Context(), query(name, wire.TypeA)) }
		for i := range names {
			if i%100 == 0 { // popular names are asked for now and then
				for j := range popular {
					resolve(fmt.Sprintf("popular%d.shop.example", j))
				}
			}
			scanned := kind
			if kind == "all" {
				scanned = []string{"plain", "none", "signed", "nosigned", "wild", "alias", "dname", "dead"}[i%8]
			}
			resolve(fmt.Sprintf("%s%d.zone%d.evil.example", scanned, i, i%997))
			if got := c.Size(); got > size+size/8 {
				t.Fatalf("%s: %d octets kept after %d names", kind, got, i)
			}
		}
		if c.Stats().Evictions.Load() == 0 && kind != "nosigned" && kind != "wild" {
			t.Errorf("%s: nothing was evicted: the scan was too small to show anything", kind)
		}
		lost := 0
		for j := range popular {
			lost += world.asked[fmt.Sprintf("popular%d.shop.example.", j)] - 1
		}
		if lost > popular/20 {
			t.Errorf("%s: %d of %d popular names were lost", kind, lost, popular)
		}
		_ = c.Close()
	}
}

// TestWhatIsCountedIsWhatItTakes: a bound in octets is worth as much as the counting.
func TestWhatIsCountedIsWhatItTakes(t *testing.T) {
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	for _, kind := range []string{"plain", "signed", "alias", "dname", "dead", "nosigned", "wild"} {
		before := heap()
		c := cache.New(cache.Config{Size: 2 << 20, Aggressive: true})
		world := &attacked{asked: make(map[string]int)}
		handler := chain(c, world)
		for i := range 5_000 {
			_, _ = handler.Resolve(t.Context(), query(fmt.Sprintf("%s%d.zone%d.evil.example", kind, i, i%997), wire.TypeA))
		}
		world.asked = nil
		if taken, counted := heap()-before, c.Size(); taken > counted+counted/5 {
			t.Errorf("%s: %d octets are counted, %d taken", kind, counted, taken)
		}
		runtime.KeepAlive(c)
	}
}
