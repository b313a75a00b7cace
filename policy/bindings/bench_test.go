package bindings_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/policy/bindings"
)

// subscriber is the i-th home's network, half of them IPv4 addresses in the order in which
// they came, which is none.
func subscriber(i uint64) bindings.Subject {
	mixed := i * 0x9e3779b97f4a7c15
	if i%2 == 0 {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], uint32(mixed>>32))
		return bindings.Subject{Network: netip.PrefixFrom(netip.AddrFrom4(four), 32)}
	}
	six := [16]byte{0x20, 0x01}
	binary.BigEndian.PutUint32(six[2:], uint32(mixed>>32))
	prefix, _ := netip.AddrFrom16(six).Prefix(56)
	return bindings.Subject{Network: prefix}
}

func fill(b *testing.B, table *bindings.Table, count uint64) {
	const batch = 1 << 20
	changes := make([]bindings.Change, 0, batch)
	profiles := [...]string{"family", "kids", "seniors", ""}
	for i := range count {
		changes = append(changes, bindings.Change{Subject: subscriber(i), Profile: profiles[i%4], Jurisdiction: "IT", Until: later})
		if len(changes) == batch || i+1 == count {
			if refused := table.Apply(changes, now); len(refused) > 0 {
				b.Fatal(refused)
			}
			changes = changes[:0]
		}
	}
}

// What ten million bindings take: octets each, the time until they are in force, and what to
// find and to change one costs then.
func BenchmarkTenMillion(b *testing.B) {
	const count = 10_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin, workedBefore := time.Now(), processorTime(b)
	table := bindings.New()
	fill(b, table, count)
	built, worked := time.Since(begin), processorTime(b)-workedBefore
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for i := uint64(0); b.Loop(); i++ {
			table.Bound(subscriber(i%count).Network.Addr(), 0, now)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(table.Len()), "octets/binding")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
		b.ReportMetric(built.Seconds(), "s-to-build")
		b.ReportMetric(worked.Seconds(), "cpu-s-to-build")
	})
	b.Run("miss", func(b *testing.B) {
		addr := netip.MustParseAddr("2001:db8::1")
		for b.Loop() {
			table.Bound(addr, 0, now)
		}
	})
	b.Run("change", func(b *testing.B) {
		b.ReportAllocs()
		for i := uint64(0); b.Loop(); i++ {
			table.Apply([]bindings.Change{{Subject: subscriber(i * 7919 % count), Profile: "kids", Until: later}}, now)
		}
	})
	if count := table.Len(); count < 9_900_000 {
		b.Errorf("%d bindings: too many of the benchmark are the same", count)
	}
}

// processorTime is what the process has used so far; on a busy machine the clock says little.
func processorTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkNoBindings(b *testing.B) {
	table := bindings.New()
	addr := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		table.Bound(addr, 0, now)
	}
}
