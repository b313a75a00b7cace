package denials

import (
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver/cache/sieve"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config says what is learnt and how much of it is kept.
type Config struct {
	// Spans lets the gaps between names answer for any name in them (RFC 8198).
	Spans bool
	// Below lets an absent name answer for all names below it (RFC 8020).
	Below bool
	// Size bounds the records of all zones, in octets. Zero is 8 MiB.
	Size int64
	// MaxTTL bounds how long a proof is used. Zero is an hour.
	MaxTTL time.Duration
	// Apart are zones that have servers, or a trust, of their own: no zone above one
	// of them speaks for the names in it.
	Apart []wire.Name
}

const (
	defaultSize   = 8 << 20
	defaultMaxTTL = time.Hour
	// share is which part of all room one zone may take.
	share = 4
	// zoneOverhead is what a zone costs without its records, in octets.
	zoneOverhead = 1024
)

// Store holds the proofs of many zones. It is safe for use by many goroutines.
type Store struct {
	config Config
	apart  map[wire.Name]bool

	mu    lock
	zones map[wire.Name]*zone
	queue sieve.Queue[zone, *zone]
	size  int64

	known atomic.Int64 // how many zones there are, to be read without the lock
}

// New makes an empty store.
func New(config Config) *Store {
	if config.Size <= 0 {
		config.Size = defaultSize
	}
	if config.MaxTTL <= 0 {
		config.MaxTTL = defaultMaxTTL
	}
	store := &Store{config: config, apart: make(map[wire.Name]bool), mu: newLock(), zones: make(map[wire.Name]*zone)}
	for _, name := range config.Apart {
		store.apart[name] = true
	}
	return store
}

// Size is how many octets the records take.
func (s *Store) Size() int64 {
	mine := s.mu.of(0)
	mine.RLock()
	defer mine.RUnlock()
	return s.size
}

// Forget drops what could answer for a name: the records of the nearest zone, and
// with subtree those of all zones below the name. It tells how many zones went.
func (s *Store) Forget(name wire.Name, subtree bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	dropped := 0
	for above := name; above != ""; above = above.Parent() {
		if found := s.zones[above]; found != nil {
			s.drop(found)
			dropped++
			break
		}
	}
	if !subtree {
		return dropped
	}
	for _, found := range s.zones {
		if found.name.IsBelow(name) {
			s.drop(found)
			dropped++
		}
	}
	return dropped
}

// zone gives the place of a zone, making one where there is none. To learn is no use:
// a zone stays for what it answered. The lock is held.
func (s *Store) zone(name wire.Name) *zone {
	if found := s.zones[name]; found != nil {
		return found
	}
	fresh := newZone(name)
	s.queue.Add(fresh)
	s.zones[name] = fresh
	s.known.Add(1)
	s.size += fresh.size
	return fresh
}

func (s *Store) drop(gone *zone) {
	delete(s.zones, gone.name)
	s.known.Add(-1)
	s.queue.Remove(gone)
	s.size -= gone.size
}

// trim makes room: first in the zone that grew, to its share, then among zones.
func (s *Store) trim(grown *zone, before int64) {
	for grown.size > s.config.Size/share && grown.evict() {
	}
	s.size += grown.size - before
	for s.size > s.config.Size {
		s.drop(s.queue.Victim())
	}
}
