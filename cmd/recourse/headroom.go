package main

import "runtime"

const (
	// maxHeadroom is what is left to the collector at most.
	maxHeadroom = 64 << 20
	// headroomShare of the cache's bound is: who gives the cache little has little.
	headroomShare = 4
	// headroomPart is reserved at once. What begins in memory that was in use before is zeroed whole, and so
	// is there: of many parts that is one.
	headroomPart = 2 << 20
)

// headroom is memory that is reserved and never touched, so that it takes none. The
// collector runs when the heap has doubled, and a resolver that has just started has
// a small one, which a few thousand answers double; it counts this in.
type headroom [][]byte

// newHeadroom is in proportion to a cache of so many octets. It holds until it is
// closed.
func newHeadroom(cache int64) headroom {
	var reserved headroom
	for left := min(cache/headroomShare, maxHeadroom); left > 0; left -= headroomPart {
		reserved = append(reserved, make([]byte, min(left, headroomPart)))
	}
	return reserved
}

// Close gives it back.
func (h headroom) Close() error {
	runtime.KeepAlive(h)
	return nil
}
