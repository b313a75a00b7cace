package chance_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/recourse-dns/recourse/resolver/chance"
)

// Of 65,536 numbers as many different ones come as chance has it, 41,427, and each
// bit is set in half of them; the bounds are ten standard deviations away.
func TestUint16(t *testing.T) {
	var source chance.Source
	const many = 1 << 16
	seen := make([]bool, many)
	distinct, set := 0, [16]int{}
	for range many {
		number := source.Uint16()
		if !seen[number] {
			seen[number] = true
			distinct++
		}
		for bit := range set {
			set[bit] += int(number >> bit & 1)
		}
	}
	if distinct < 40_200 || distinct > 42_600 {
		t.Errorf("%d different numbers", distinct)
	}
	for bit, count := range set {
		if count < many/2-1280 || count > many/2+1280 {
			t.Errorf("bit %d is set %d times", bit, count)
		}
	}
}

// No octet is handed out twice, whatever the sizes asked for.
func TestFill(t *testing.T) {
	var source chance.Source
	var mu sync.Mutex
	seen := map[[8]byte]bool{}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for size := range 300 {
				octets := make([]byte, 8*size)
				source.Fill(octets)
				mu.Lock()
				for len(octets) > 0 {
					if seen[[8]byte(octets)] {
						t.Error("the same eight octets came twice")
					}
					seen[[8]byte(octets)] = true
					octets = octets[8:]
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	zero := make([]byte, 64)
	source.Fill(zero)
	if bytes.Equal(zero, make([]byte, 64)) {
		t.Error("octets that were wiped came")
	}
}

func TestUint16AllocatesNothing(t *testing.T) {
	var source chance.Source
	if allocations := testing.AllocsPerRun(1000, func() { source.Uint16() }); allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkUint16(b *testing.B) {
	var source chance.Source
	for b.Loop() {
		source.Uint16()
	}
}
