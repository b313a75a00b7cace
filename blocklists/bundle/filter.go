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
