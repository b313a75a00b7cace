package bundle

import (
	"encoding/binary"
	"math/bits"
)

// filter answers *absent* for nearly all keys that are not there, with one line of the
// processor's cache a key: a Bloom filter in lines of 64 octets (Putze, Sanders and
// Singler, 2007), six bits a key in one line. What it does not call absent is looked up exactly.
type filter []byte

const (
	filterLine    = 64
	filterBits    = 6  // set for a key, nine bits of its hash each
	filterPerName = 12 // bits of the filter
)

func newFilter(names int) filter {
	return make(filter, max(1, (names*filterPerName+filterLine*8-1)/(filterLine*8))*filterLine)
}

func (f filter) line(hash uint64) []byte {
	place, _ := bits.Mul64(hash, uint64(len(f)/filterLine))
	return f[place*filterLine : place*filterLine+filterLine]
}

// spread makes the bits within a line independent of the line's place.
func spread(hash uint64) uint64 { return fold(hash, 0x9e3779b97f4a7c15) }

func (f filter) add(hash uint64) {
	line := f.line(hash)
	for rest, i := spread(hash), 0; i < filterBits; i++ {
		line[rest>>3&63] |= 1 << (rest & 7)
		rest >>= 9
	}
}

// filterBatch is how many hashes are handed over at a time.
const filterBatch = 4096

// filling fills a filter beside whoever makes the hashes: that is one miss of the
// processor's cache a key, and nothing waits for it.
type filling struct {
	filter filter
	batch  []uint64
	queue  chan []uint64
	done   chan struct{}
}

func newFilling(names int) *filling {
	f := &filling{filter: newFilter(names), queue: make(chan []uint64, 16), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		for batch := range f.queue {
			for _, hash := range batch {
				f.filter.add(hash)
			}
		}
	}()
	return f
}

func (f *filling) add(hash uint64) {
	if f.batch = append(f.batch, hash); len(f.batch) == filterBatch {
		f.queue <- f.batch
		f.batch = make([]uint64, 0, filterBatch)
	}
}

// finish gives the filter, and ends the filling; nothing is added afterwards.
func (f *filling) finish() filter {
	if f.queue != nil {
		f.queue <- f.batch
		close(f.queue)
		<-f.done
		f.queue = nil
	}
	return f.filter
}

// has says whether the key may be there; false is sure.
func (f filter) has(hash uint64) bool {
	line := f.line(hash)
	rest := spread(hash)
	missing := uint64(0)
	for range filterBits {
		missing |= ^binary.LittleEndian.Uint64(line[rest>>3&56:]) >> (rest & 63)
		rest >>= 9
	}
	return missing&1 == 0
}
