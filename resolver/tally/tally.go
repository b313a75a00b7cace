package tally

import (
	"math/bits"
	"runtime"
	"sync/atomic"
)

// perLine is how many numbers two lines of the cache hold.
const perLine = 16

// Set is some counters, with a row of them for each processor.
type Set struct {
	numbers []atomic.Int64
	width   int // of a row
	mask    uint32
}

// NewSet makes that many counters, all zero.
func NewSet(counters int) *Set {
	rows := 1 << bits.Len(uint(runtime.GOMAXPROCS(0)-1))
	width := (counters + perLine - 1) / perLine * perLine
	return &Set{numbers: make([]atomic.Int64, rows*width), width: width, mask: uint32(rows - 1)}
}

// Add adds to the counter of that place, in the row of the worker.
func (s *Set) Add(worker uint32, place int, n int64) {
	s.numbers[int(worker&s.mask)*s.width+place].Add(n)
}

// Sum is the counter of that place over all workers.
func (s *Set) Sum(place int) int64 {
	sum := int64(0)
	for at := place; at < len(s.numbers); at += s.width {
		sum += s.numbers[at].Load()
	}
	return sum
}

// At gives one counter of the set.
func (s *Set) At(place int) Counter { return Counter{set: s, place: place} }

// Counter is one counter of a set. The zero value counts nothing.
type Counter struct {
	set   *Set
	place int
}

// New makes a counter that is a set of its own.
func New() Counter { return NewSet(1).At(0) }

// Add adds for a worker.
func (c Counter) Add(worker uint32, n int64) {
	if c.set != nil {
		c.set.Add(worker, c.place, n)
	}
}

// Load is the sum over all workers.
func (c Counter) Load() int64 {
	if c.set == nil {
		return 0
	}
	return c.set.Sum(c.place)
}
