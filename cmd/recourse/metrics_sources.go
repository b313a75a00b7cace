package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

// sourceGauges is how the sources of lists stand, read from the store at each scrape.
type sourceGauges struct {
	importer                  *importer
	confirmed, trouble, stale *prometheus.Desc
}

// watchSources exposes the sources of all lists in force.
func (m *metrics) watchSources(importer *importer) {
	about := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"list", "purpose"}, nil)
	}
	m.registry.MustRegister(&sourceGauges{
		importer:  importer,
		confirmed: about("recourse_list_confirmed_timestamp_seconds", "When the source last said that our copy is what it has."),
		trouble:   about("recourse_list_source_trouble", "1 while the source cannot be used and the last good copy is."),
		stale:     about("recourse_list_stale", "1 while the source has been silent for longer than max_age."),
	})
}

// Describe implements [prometheus.Collector].
func (g *sourceGauges) Describe(to chan<- *prometheus.Desc) {
	to <- g.confirmed
	to <- g.trouble
	to <- g.stale
}

// Collect implements [prometheus.Collector].
func (g *sourceGauges) Collect(to chan<- prometheus.Metric) {
	for _, manifest := range g.importer.sources() {
		status := g.importer.store.Status(manifest)
		g.send(to, manifest, &status)
	}
}

func (g *sourceGauges) send(to chan<- prometheus.Metric, m *blocklists.Manifest, status *fetch.Status) {
	gauge := func(about *prometheus.Desc, value float64) {
		to <- prometheus.MustNewConstMetric(about, prometheus.GaugeValue, value, string(m.ID), m.Purpose.String())
	}
	if !status.ConfirmedAt.IsZero() {
		gauge(g.confirmed, float64(status.ConfirmedAt.Unix()))
	}
	gauge(g.trouble, flag(status.Err != nil))
	gauge(g.stale, flag(!status.StaleSince.IsZero()))
}

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
