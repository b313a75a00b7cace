package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/stream"
)

// watchStreams exposes what the listeners of a door of connections count, together.
func (m *metrics) watchStreams(door resolver.Door, listeners []*stream.Counts) {
	expose := func(name, help string, labels prometheus.Labels, of func(*stream.Counts) *atomic.Int64) {
		labels["door"] = door.String()
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 {
			total := int64(0)
			for _, counts := range listeners {
				total += of(counts).Load()
			}
			return float64(total)
		}))
	}
	expose("recourse_connections_cut_total", "Connections that were ended because their clients were too slow.", prometheus.Labels{}, func(c *stream.Counts) *atomic.Int64 { return &c.Cut })
	if door != resolver.TLS {
		return
	}
	const name, help = "recourse_handshakes_total", "Handshakes of TLS."
	expose(name, help, prometheus.Labels{"outcome": "completed"}, func(c *stream.Counts) *atomic.Int64 { return &c.Handshakes })
	expose(name, help, prometheus.Labels{"outcome": "failed"}, func(c *stream.Counts) *atomic.Int64 { return &c.Failed })
	expose("recourse_tickets_used_total", "Handshakes that resumed a session.", prometheus.Labels{}, func(c *stream.Counts) *atomic.Int64 { return &c.Resumed })
}
