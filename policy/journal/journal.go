package journal

import (
	"slices"
	"sync"
)

// Journal is the last changes, numbered from 1. The nil journal remembers none.
type Journal[T any] struct {
	most int

	mu      sync.Mutex
	entries []T // the oldest first, the last of which has the number last
	last    uint64
	changed chan struct{} // closed with the next
}

// New remembers up to so many.
func New[T any](most int) *Journal[T] { return &Journal[T]{most: most, changed: make(chan struct{})} }

// Add takes changes down, in their order.
func (j *Journal[T]) Add(changes ...T) {
	if j == nil || len(changes) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last += uint64(len(changes))
	j.entries = append(j.entries, changes[max(0, len(changes)-j.most):]...)
	if over := len(j.entries) - j.most; over > j.most/4 { // seldom, since it copies
		j.entries = slices.Clone(j.entries[over:])
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// Last is the number of the newest change, and what is closed with the next.
func (j *Journal[T]) Last() (last uint64, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last, j.changed
}

// Since gives what came after a change, up to so many, and the number of the last of those. False: it is
// not remembered any more, or never came.
func (j *Journal[T]) Since(after uint64, most int) (changes []T, to uint64, remembered bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if after > j.last || j.last-after > uint64(len(j.entries)) {
		return nil, 0, false
	}
	found := j.entries[len(j.entries)-int(j.last-after):]
	found = found[:min(len(found), most)]
	return slices.Clone(found), after + uint64(len(found)), true
}
