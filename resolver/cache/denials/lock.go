package denials

import (
	"math/bits"
	"runtime"
	"sync"
	"unsafe"
)

// lock is a read-write lock for many readers and few writers: a reader takes the part of his
// worker alone, so that no two cores write the same line of the cache for every miss; a writer
// takes them all.
type lock struct{ parts []part }

type part struct {
	sync.RWMutex
	_ [128 - unsafe.Sizeof(sync.RWMutex{})]byte
}

func newLock() lock {
	return lock{parts: make([]part, 1<<bits.Len(uint(runtime.GOMAXPROCS(0)-1)))}
}

// of is the part that a worker reads under.
func (l *lock) of(worker uint32) *sync.RWMutex {
	return &l.parts[worker&uint32(len(l.parts)-1)].RWMutex
}

// Lock keeps all readers and writers out.
func (l *lock) Lock() {
	for i := range l.parts {
		l.parts[i].Lock()
	}
}

// Unlock lets them in.
func (l *lock) Unlock() {
	for i := range l.parts {
		l.parts[i].Unlock()
	}
}
