package main

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/tally"
)

// listCounters is a counter for each list and purpose. The query path adds to one that policy
// has found beforehand; a list that is in force no more keeps what it counted.
type listCounters struct {
	about *prometheus.Desc

	mu   sync.Mutex
	made map[listCounter]tally.Counter
}

type listCounter struct {
	list    blocklists.ListID
	purpose blocklists.Purpose
}

func newListCounters(name, help string) *listCounters {
	return &listCounters{about: prometheus.NewDesc(name, help, []string{"list", "purpose"}, nil), made: make(map[listCounter]tally.Counter)}
}

func (c *listCounters) of(list blocklists.ListID, purpose blocklists.Purpose) tally.Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := listCounter{list, purpose}
	counter, known := c.made[key]
	if !known {
		counter = tally.New()
		c.made[key] = counter
	}
	return counter
}

// totals are all counts so far, by list.
func (c *listCounters) totals() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	totals := make(map[string]int64, len(c.made))
	for key, counter := range c.made {
		totals[string(key.list)] += counter.Load()
	}
	return totals
}

// Describe implements [prometheus.Collector].
func (c *listCounters) Describe(to chan<- *prometheus.Desc) { to <- c.about }

// Collect implements [prometheus.Collector]. A list shows from its first block on.
func (c *listCounters) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, counter := range c.made {
		if count := counter.Load(); count > 0 {
			to <- prometheus.MustNewConstMetric(c.about, prometheus.CounterValue, float64(count), string(key.list), key.purpose.String())
		}
	}
}
