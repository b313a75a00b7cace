package main

import (
	"net/netip"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/stream"
)

// watchStream exposes what a door of connections counts, by its own address.
func (m *metrics) watchStream(door resolver.Door, address netip.AddrPort, counts *stream.Counts) {
	expose := func(name, help, outcome string, count *atomic.Int64) {
		labels := prometheus.Labels{"door": door.String(), "listener": address.String()}
		if outcome != "" {
			labels["outcome"] = outcome
		}
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return float64(count.Load()) }))
	}
	expose("recourse_connections_cut_total", "Connections that were ended because their clients were too slow.", "", &counts.Cut)
	if door != resolver.TLS {
		return
	}
	const help = "Handshakes of TLS."
	expose("recourse_handshakes_total", help, "completed", &counts.Handshakes)
	expose("recourse_handshakes_total", help, "failed", &counts.Failed)
	expose("recourse_tickets_used_total", "Handshakes that resumed a session.", "", &counts.Resumed)
}
