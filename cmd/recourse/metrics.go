package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/tally"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/upstreams"
)

// metrics is what is counted. No label has a value that a client can choose: doors,
// outcomes, purposes and the ids of configured lists are all there is.
type metrics struct {
	registry *prometheus.Registry
	queries  *queryCounts
	blocks   *listCounters
	shadows  *listCounters
	fetches  *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		queries:  newQueryCounts(),
		blocks:   newListCounters("recourse_blocks_total", "Blocked answers by list and purpose."),
		shadows:  newListCounters("recourse_would_block_total", "Questions that lists in shadow mode would have blocked, by list and purpose."),
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "recourse_list_fetches_total", Help: "How often the sources of lists were asked, by outcome.",
		}, []string{"list", "outcome"}),
	}
	m.registry.MustRegister(m.queries, m.blocks, m.shadows, m.fetches, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Answered implements [transports.Observer].
func (m *metrics) Answered(worker uint32, door resolver.Door, outcome transports.Outcome, queries int, took time.Duration) {
	m.queries.add(worker, door, outcome, queries, took)
}

// Blocked implements policy's counter.
func (m *metrics) Blocked(list blocklists.ListID, purpose blocklists.Purpose) tally.Counter {
	return m.blocks.of(list, purpose)
}

// WouldBlock implements policy's counter.
func (m *metrics) WouldBlock(list blocklists.ListID, purpose blocklists.Purpose) tally.Counter {
	return m.shadows.of(list, purpose)
}

// Fetched implements [fetch.Observer].
func (m *metrics) Fetched(list blocklists.ListID, outcome fetch.Outcome) {
	m.fetches.WithLabelValues(string(list), string(outcome)).Inc()
}

// counter exposes a number that is counted elsewhere.
func (m *metrics) counter(name, help string, value func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
}

func (m *metrics) gauge(name, help string, value func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
}

func (m *metrics) watchCache(kept *cache.Cache) {
	stats := kept.Stats()
	m.counter("recourse_cache_hits_total", "Questions answered from the cache.", stats.Hits.Load)
	m.counter("recourse_cache_misses_total", "Questions that the cache could not answer.", stats.Misses.Load)
	m.counter("recourse_cache_inserts_total", "Answers put into the cache.", stats.Inserts.Load)
	m.counter("recourse_cache_evictions_total", "Answers pushed out before their TTL.", stats.Evictions.Load)
	m.counter("recourse_cache_stale_total", "Answers given past their TTL.", stats.Stale.Load)
	m.counter("recourse_cache_synthesised_total", "Answers made from kept proofs of absence.", stats.Synthesised.Load)
	m.counter("recourse_cache_prefetches_total", "Answers asked for again before their TTL ended.", stats.Prefetches.Load)
	m.counter("recourse_cache_refreshes_total", "Answers asked for again while a stale one was given.", stats.Refreshes.Load)
	m.counter("recourse_cache_aliased_total", "Resolutions that began at the end of a kept alias.", stats.Aliased.Load)
	m.counter("recourse_cache_discarded_total", "Questions left without a reply, of too many that waited for one answer.", stats.Discarded.Load)
	m.gauge("recourse_cache_bytes", "Octets that the kept answers take.", kept.Size)
}

func (m *metrics) watchLists(current func() *bundle.Bundle) {
	m.gauge("recourse_bundle_generation", "Generation of the lists in force.", func() int64 { return int64(current().Generation()) })
	m.gauge("recourse_bundle_entries", "Entries of all lists in force.", func() int64 { return int64(current().Len()) })
}

func (m *metrics) watchTries(stats *upstreams.OpportunisticStats) {
	m.counter("recourse_opportunistic_probes_total", "Authoritative servers tried over TLS.", stats.Probes.Load)
	m.counter("recourse_opportunistic_found_total", "Of these, those that answered.", stats.Found.Load)
	m.counter("recourse_opportunistic_skipped_total", "Tries left out because too many were under way.", stats.Skipped.Load)
	m.counter("recourse_opportunistic_answers_total", "Questions that authoritative servers answered over TLS alone.", stats.Answered.Load)
	m.counter("recourse_opportunistic_fallbacks_total", "Questions asked in plain text after TLS had failed.", stats.Fallback.Load)
}

// watch exposes what the parts of the resolver count by themselves.
func (m *metrics) watch(resolved *resolution, current *policy.Current) {
	m.watchCache(resolved.kept)
	m.watchLists(func() *bundle.Bundle { return current.Load().Bundle })
	upstream := func(field func(recurse.Stats) uint64) func() int64 {
		return func() int64 { return int64(field(resolved.search.Stats())) }
	}
	m.counter("recourse_upstream_queries_total", "Queries sent upstream.", upstream(func(s recurse.Stats) uint64 { return s.Queries }))
	m.counter("recourse_upstream_timeouts_total", "Queries upstream without a reply.", upstream(func(s recurse.Stats) uint64 { return s.Timeouts }))
	m.counter("recourse_upstream_errors_total", "Queries upstream that the network refused.", upstream(func(s recurse.Stats) uint64 { return s.Errors }))
	m.counter("recourse_upstream_tcp_total", "Queries upstream asked again over TCP.", upstream(func(s recurse.Stats) uint64 { return s.TCP }))
	if tried := resolved.network.opportunistic; tried != nil {
		m.watchTries(tried.Stats())
	}
	m.counter("recourse_upstream_lame_total", "Replies by servers that do not serve the zone.", upstream(func(s recurse.Stats) uint64 { return s.Lame }))
}
