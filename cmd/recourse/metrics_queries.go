package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/tally"
	"github.com/recourse-dns/recourse/transports"
)

// buckets are where the latencies are told apart: cached answers, local round trips,
// recursion, time-outs.
var buckets = [...]time.Duration{
	10 * time.Microsecond, 50 * time.Microsecond, 250 * time.Microsecond, time.Millisecond, 5 * time.Millisecond,
	25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 7 * time.Second,
}

// queryCounts is how queries ended and how long they took, a row for each worker, summed when
// somebody asks: the query path adds up for each batch, and shares no line with another core.
type queryCounts struct {
	set                *tally.Set
	outcomes           int
	latencies          int // place of the first bucket; the one behind the last is for all that took longer
	nanoseconds        int
	queries, durations *prometheus.Desc
}

func newQueryCounts() *queryCounts {
	c := &queryCounts{
		outcomes:  len(transports.Outcomes()),
		queries:   prometheus.NewDesc("recourse_queries_total", "Queries by door and outcome.", []string{"door", "outcome"}, nil),
		durations: prometheus.NewDesc("recourse_query_duration_seconds", "From the packet read to the reply written.", nil, nil),
	}
	c.latencies = (int(resolver.QUIC) + 1) * c.outcomes
	c.nanoseconds = c.latencies + len(buckets) + 1
	c.set = tally.NewSet(c.nanoseconds + 1)
	return c
}

func (c *queryCounts) add(worker uint32, door resolver.Door, outcome transports.Outcome, queries int, took time.Duration) {
	c.set.Add(worker, int(door)*c.outcomes+int(outcome), int64(queries))
	bucket := 0
	for bucket < len(buckets) && took > buckets[bucket] {
		bucket++
	}
	c.set.Add(worker, c.latencies+bucket, int64(queries))
	c.set.Add(worker, c.nanoseconds, int64(queries)*int64(took))
}

// total is how many queries were answered.
func (c *queryCounts) total() int64 {
	total := int64(0)
	for place := range c.latencies {
		total += c.set.Sum(place)
	}
	return total
}

// Describe implements [prometheus.Collector].
func (c *queryCounts) Describe(to chan<- *prometheus.Desc) {
	to <- c.queries
	to <- c.durations
}

// Collect implements [prometheus.Collector].
func (c *queryCounts) Collect(to chan<- prometheus.Metric) {
	for door := resolver.UDP; door <= resolver.QUIC; door++ {
		for _, outcome := range transports.Outcomes() {
			count := c.set.Sum(int(door)*c.outcomes + int(outcome))
			to <- prometheus.MustNewConstMetric(c.queries, prometheus.CounterValue, float64(count), door.String(), outcome.String())
		}
	}
	total, below := uint64(0), make(map[float64]uint64, len(buckets))
	for i, upper := range buckets {
		total += uint64(c.set.Sum(c.latencies + i))
		below[upper.Seconds()] = total
	}
	total += uint64(c.set.Sum(c.latencies + len(buckets)))
	seconds := time.Duration(c.set.Sum(c.nanoseconds)).Seconds()
	to <- prometheus.MustNewConstHistogram(c.durations, total, seconds, below)
}
