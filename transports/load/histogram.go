package load

import (
	"math/bits"
	"time"
)

// A histogram has steps of less than one part in a hundred: so many for each power of two.
const (
	stepBits = 7
	steps    = 1 << stepBits
	// largest is the highest power of two told apart, in nanoseconds: more than a minute.
	largest = 36
	buckets = (largest - stepBits + 1) * steps
)

// Histogram counts durations at a fixed relative precision, without allocating and however
// many there are. The zero value is empty.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
	most   int64
}

// Record counts one duration.
func (h *Histogram) Record(d time.Duration) {
	nanoseconds := max(0, int64(d))
	h.counts[bucketOf(nanoseconds)]++
	h.total++
	h.most = max(h.most, nanoseconds)
}

// bucketOf keeps the highest bits: below steps the value itself, above it the power of two
// and what follows the leading bit.
func bucketOf(nanoseconds int64) int {
	power := bits.Len64(uint64(nanoseconds))
	if power <= stepBits {
		return int(nanoseconds)
	}
	if power > largest {
		return buckets - 1
	}
	shift := power - stepBits - 1
	return (shift+1)*steps + int(nanoseconds>>shift) - steps
}

// highest is the largest value of a bucket.
func highest(bucket int) int64 {
	if bucket < steps {
		return int64(bucket)
	}
	shift := bucket/steps - 1
	return int64(bucket%steps+steps+1)<<shift - 1
}

// Add counts all that another has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, count := range other.counts {
		h.counts[i] += count
	}
	h.total += other.total
	h.most = max(h.most, other.most)
}

// Quantile is what a share of all durations does not exceed; 0 where there are none. A
// share of 1 gives the longest exactly.
func (h *Histogram) Quantile(share float64) time.Duration {
	wanted := uint64(share * float64(h.total))
	seen := uint64(0)
	for bucket, count := range h.counts {
		if seen += count; seen > wanted {
			return time.Duration(min(highest(bucket), h.most))
		}
	}
	return time.Duration(h.most)
}
