package tally_test

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/recourse-dns/recourse/resolver/tally"
)

func TestWorkersAreSummed(t *testing.T) {
	const workers, additions = 40, 1000
	set := tally.NewSet(20)
	one, other := set.At(0), set.At(19)
	var group sync.WaitGroup
	for worker := range uint32(workers) {
		group.Go(func() {
			for range additions {
				one.Add(worker, 1)
				other.Add(worker, 2)
			}
		})
	}
	group.Wait()
	if one.Load() != workers*additions || other.Load() != 2*workers*additions || set.Sum(7) != 0 {
		t.Errorf("%d and %d, and %d where nothing was counted", one.Load(), other.Load(), set.Sum(7))
	}
}

// Rows begin 128 octets apart, whatever is counted: else two cores share a line.
func TestRowsShareNoLine(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	for _, counters := range []int{1, 15, 16, 17, 75} {
		first, second := tally.NewSet(counters).Places()
		if distance := uintptr(unsafe.Pointer(second)) - uintptr(unsafe.Pointer(first)); distance%128 != 0 || distance < uintptr(counters)*8 || uintptr(unsafe.Pointer(first))%128 != 0 {
			t.Errorf("%d counters: rows begin at %p and %p", counters, first, second)
		}
	}
}

func TestTheZeroCounterCountsNothing(t *testing.T) {
	var none tally.Counter
	none.Add(1, 1)
	if none.Load() != 0 {
		t.Error("it counted")
	}
}

func TestAddingAllocatesNothing(t *testing.T) {
	counter := tally.New()
	if allocations := testing.AllocsPerRun(100, func() { counter.Add(3, 1) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// What one counter of all cores costs, beside rows of their own: at one core nothing, at
// two several times as much.
func BenchmarkCounter(b *testing.B) {
	counter := tally.New()
	var next sync.Mutex
	worker := uint32(0)
	for name, apart := range map[string]uint32{"shared": 0, "apart": 1} {
		b.Run(name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				next.Lock()
				worker++
				mine := worker * apart
				next.Unlock()
				for pb.Next() {
					counter.Add(mine, 1)
				}
			})
		})
	}
}
