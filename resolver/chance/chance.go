// Package chance draws the random numbers that a forger of replies has to guess:
// IDs, source ports, the casing of names.
//
// # Decisions
//
// The octets are the kernel's, as crypto/rand has them, drawn many at once: a call
// of the kernel for each ID and each port was 6 % of a cold resolution. A generator
// of our own, seeded once, was refused: were its state to leak, so would all that
// follows. Octets are wiped as they are handed out.
package chance

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// Source hands out random octets. The zero value is ready, and may be used by many
// goroutines at once.
type Source struct {
	mu     sync.Mutex
	drawn  [1024]byte
	unused int // of drawn, at its end
}

// Fill fills the slice with random octets.
func (s *Source) Fill(octets []byte) {
	if len(octets) > len(s.drawn) {
		rand.Read(octets) // never fails (crypto/rand)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(octets) > s.unused {
		rand.Read(s.drawn[:])
		s.unused = len(s.drawn)
	}
	next := s.drawn[len(s.drawn)-s.unused:][:len(octets)]
	copy(octets, next)
	clear(next)
	s.unused -= len(octets)
}

// Uint16 is a random number of 16 bits.
func (s *Source) Uint16() uint16 {
	var octets [2]byte
	s.Fill(octets[:])
	return binary.BigEndian.Uint16(octets[:])
}
