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
	next := s.next(len(octets))
	copy(octets, next)
	clear(next)
}

// Uint16 is a random number of 16 bits.
func (s *Source) Uint16() uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.next(2)
	number := binary.BigEndian.Uint16(next)
	clear(next)
	return number
}

// next are octets that were not handed out before. The caller holds the lock, and
// wipes them once they are copied.
func (s *Source) next(count int) []byte {
	if count > s.unused {
		rand.Read(s.drawn[:]) // never fails (crypto/rand)
		s.unused = len(s.drawn)
	}
	from := len(s.drawn) - s.unused
	s.unused -= count
	return s.drawn[from : from+count]
}
