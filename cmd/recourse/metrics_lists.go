package main

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/blocklists"
)

// listCounters is a counter for each list and purpose. Finding one takes no lock, because each
// blocked answer does.
type listCounters struct {
	all   *prometheus.CounterVec
	known sync.Map // of listCounter to prometheus.Counter
}

type listCounter struct {
	list    blocklists.ListID
	purpose blocklists.Purpose
}

func newListCounters(name, help string) *listCounters {
	return &listCounters{all: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"list", "purpose"})}
}

func (c *listCounters) of(list blocklists.ListID, purpose blocklists.Purpose) prometheus.Counter {
	key := listCounter{list, purpose}
	if known, found := c.known.Load(key); found {
		return known.(prometheus.Counter) // nothing else is stored
	}
	made := c.all.WithLabelValues(string(list), purpose.String())
	c.known.Store(key, made)
	return made
}
