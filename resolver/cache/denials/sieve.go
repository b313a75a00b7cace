package denials

import "sync/atomic"

// sieve is a queue that evicts as the cache above does (SIEVE): who was used since
// the hand last passed is passed over once. It is guarded by its owner's mutex; only
// the used mark of an entry is written by readers.
type sieve[T any] struct {
	newest, oldest, hand *entry[T]
}

// entry is one place in the queue.
type entry[T any] struct {
	value        T
	used         atomic.Bool
	newer, older *entry[T]
}

// touch marks an entry as used; the write is spared when the mark stands.
func (e *entry[T]) touch() {
	if !e.used.Load() {
		e.used.Store(true)
	}
}

func (s *sieve[T]) add(value T) *entry[T] {
	fresh := &entry[T]{value: value, older: s.newest}
	if s.newest != nil {
		s.newest.newer = fresh
	} else {
		s.oldest = fresh
	}
	s.newest = fresh
	return fresh
}

// victim is the entry to give up next; nil for an empty queue. It stays in the queue.
func (s *sieve[T]) victim() *entry[T] {
	for {
		if s.hand == nil {
			s.hand = s.oldest
		}
		if s.hand == nil || !s.hand.used.Swap(false) {
			return s.hand
		}
		s.hand = s.hand.newer
	}
}

func (s *sieve[T]) remove(gone *entry[T]) {
	if s.hand == gone {
		s.hand = gone.newer
	}
	if gone.newer != nil {
		gone.newer.older = gone.older
	} else {
		s.newest = gone.older
	}
	if gone.older != nil {
		gone.older.newer = gone.newer
	} else {
		s.oldest = gone.newer
	}
	gone.newer, gone.older = nil, nil
}
