package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/transports/tlsconf"
)

// certificateGauges is how long the certificates hold, read at each scrape.
type certificateGauges struct {
	certificates *tlsconf.Certificates
	expires      *prometheus.Desc
}

// watchCertificates exposes the end of all that is presented.
func (m *metrics) watchCertificates(certificates *tlsconf.Certificates) {
	m.registry.MustRegister(&certificateGauges{
		certificates: certificates,
		expires: prometheus.NewDesc("recourse_certificate_expires_seconds", "Seconds until the certificate ends; below 0 it has.",
			[]string{"name", "source", "key"}, nil),
	})
}

// Describe implements [prometheus.Collector].
func (g *certificateGauges) Describe(to chan<- *prometheus.Desc) { to <- g.expires }

// certificateLabels tell certificates apart; of those that are alike the one that ends first counts.
type certificateLabels struct{ name, source, key string }

// Collect implements [prometheus.Collector].
func (g *certificateGauges) Collect(to chan<- prometheus.Metric) {
	first := map[certificateLabels]time.Duration{}
	for _, one := range g.certificates.Status() {
		labels := certificateLabels{one.Name(), one.Source, one.Leaf.PublicKeyAlgorithm.String()}
		left := time.Until(one.Leaf.NotAfter)
		if other, found := first[labels]; !found || left < other {
			first[labels] = left
		}
	}
	for labels, left := range first {
		to <- prometheus.MustNewConstMetric(g.expires, prometheus.GaugeValue, left.Seconds(), labels.name, labels.source, labels.key)
	}
}
