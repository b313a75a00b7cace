package cookie

import (
	"encoding/binary"
	"math/bits"
)

// sipHash is SipHash-2-4 with a tag of 64 bits (Aumasson and Bernstein, 2012).
func sipHash(secret *Secret, data []byte) uint64 {
	low, high := binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:])
	state := sipState{low ^ 0x736f6d6570736575, high ^ 0x646f72616e646f6d, low ^ 0x6c7967656e657261, high ^ 0x7465646279746573}
	last := uint64(len(data)) << 56
	for ; len(data) >= 8; data = data[8:] {
		state.absorb(binary.LittleEndian.Uint64(data))
	}
	for i, octet := range data {
		last |= uint64(octet) << (8 * i)
	}
	state.absorb(last)
	state.c ^= 0xff
	for range 4 {
		state.round()
	}
	return state.a ^ state.b ^ state.c ^ state.d
}

type sipState struct{ a, b, c, d uint64 }

func (s *sipState) absorb(word uint64) {
	s.d ^= word
	s.round()
	s.round()
	s.a ^= word
}

func (s *sipState) round() {
	s.a += s.b
	s.c += s.d
	s.b = bits.RotateLeft64(s.b, 13) ^ s.a
	s.d = bits.RotateLeft64(s.d, 16) ^ s.c
	s.a = bits.RotateLeft64(s.a, 32)
	s.c += s.b
	s.a += s.d
	s.b = bits.RotateLeft64(s.b, 17) ^ s.c
	s.d = bits.RotateLeft64(s.d, 21) ^ s.a
	s.c = bits.RotateLeft64(s.c, 32)
}
