package bundle_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// large writes a list of many names and compiles it.
func large(t testing.TB, count int) *bundle.Bundle {
	h := newHouse(t)
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, "host-%d.zone-%d.example\n", i, i%5000)
	}
	b, _ := h.compile(nil, nil, h.write("large", "domains", blocklists.Subtree, text.String()))
	if b.Len() != count {
		t.Fatalf("%d entries, want %d", b.Len(), count)
	}
	return b
}

func names(format string) []wire.Name {
	made := make([]wire.Name, 4096)
	for i := range made {
		made[i] = wire.MustName(fmt.Sprintf(format, i*191, i*191%5000))
	}
	return made
}

func TestMatchDoesNotAllocate(t *testing.T) {
	b := large(t, 5000)
	into := make([]uint32, 0, 16)
	for _, text := range []string{"www.host-7.zone-7.example", "a.b.c.d.not-there.example.org", "."} {
		name := wire.MustName(text)
		if allocations := testing.AllocsPerRun(100, func() { into, _ = b.Match(name, into[:0]) }); allocations != 0 {
			t.Errorf("%s: %v allocations", text, allocations)
		}
	}
	if len(match(t, b, wire.MustName("www.host-7.zone-7.example"), nil)) != 1 {
		t.Error("the name that should match does not")
	}
}

func BenchmarkMatch(b *testing.B) {
	index := large(b, 1_000_000)
	for _, bench := range []struct {
		name  string
		names []wire.Name
	}{
		{"miss", names("www.shop-%d.site-%d.test")},
		{"near miss", names("www.shop-%d.zone-%d.example")},
		{"hit", names("host-%d.zone-%d.example")},
		{"below", names("www.host-%d.zone-%d.example")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			into := make([]uint32, 0, 16)
			for i := 0; b.Loop(); i++ {
				into, _ = index.Match(bench.names[i%len(bench.names)], into[:0])
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	h := newHouse(b)
	var text strings.Builder
	const count = 1_000_000
	for i := range count {
		fmt.Fprintf(&text, "host-%d.zone-%d.example\n", i, i%5000)
	}
	manifest := h.write("large", "domains", blocklists.Subtree, text.String())
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		made, _ := h.compile(nil, nil, manifest)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(made.Len()), "octets/entry")
		runtime.KeepAlive(made)
	}
}
