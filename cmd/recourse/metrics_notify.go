package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/redress/notify"
)

// noticeGauges is what waits in the outbox, read from the database at each scrape, and how
// attempts went.
type noticeGauges struct {
	worker                          *notify.Worker
	waiting, oldest, dead, attempts *prometheus.Desc
}

// watchNotices exposes the outbox. No label has an address.
func (m *metrics) watchNotices(worker *notify.Worker) {
	about := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"channel"}, labels...), nil)
	}
	m.registry.MustRegister(&noticeGauges{
		worker:   worker,
		waiting:  about("recourse_notices_waiting", "Messages that could leave and have not."),
		oldest:   about("recourse_notices_oldest_seconds", "How long the oldest of them has waited."),
		dead:     about("recourse_notices_dead", "Messages that did not arrive and wait for a person."),
		attempts: about("recourse_notices_attempts_total", "Attempts, by outcome: sent, nobody, or why not.", "outcome"),
	})
}

// Describe implements [prometheus.Collector].
func (g *noticeGauges) Describe(to chan<- *prometheus.Desc) {
	for _, about := range []*prometheus.Desc{g.waiting, g.oldest, g.dead, g.attempts} {
		to <- about
	}
}

// scrapeTime bounds how long a scrape waits for the database.
const scrapeTime = 5 * time.Second

// Collect implements [prometheus.Collector].
func (g *noticeGauges) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	depths, err := g.worker.Depths(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(g.waiting, err)
		return
	}
	for channel, depth := range depths {
		gauge := func(about *prometheus.Desc, value float64) {
			to <- prometheus.MustNewConstMetric(about, prometheus.GaugeValue, value, channel)
		}
		gauge(g.waiting, float64(depth.Waiting))
		gauge(g.dead, float64(depth.Dead))
		if depth.Oldest.IsZero() {
			gauge(g.oldest, 0)
		} else {
			gauge(g.oldest, time.Since(depth.Oldest).Seconds())
		}
	}
	for what, count := range g.worker.Counts() {
		to <- prometheus.MustNewConstMetric(g.attempts, prometheus.CounterValue, float64(count), what.Channel, what.Outcome)
	}
}
