package tally

import "sync/atomic"

// Places are where the first counter of the first two rows lies.
func (s *Set) Places() (first, second *atomic.Int64) { return &s.numbers[0], &s.numbers[s.width] }
