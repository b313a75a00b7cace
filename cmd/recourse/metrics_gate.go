package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/recourse-dns/recourse/transports"
)

// watchGate exposes what clients hold, and which connections were refused. Queries that
// were limited or shed are outcomes of recourse_queries_total.
func (m *metrics) watchGate(gate *transports.Gate) {
	m.gauge("recourse_queries_waiting", "Queries that wait for their answers.", func() int64 { return gate.Usage().Waiting })
	m.gauge("recourse_connections_open", "Open connections of clients.", func() int64 { return gate.Usage().Connections })
	for reason, value := range map[string]func(transports.Usage) int64{
		"not_admitted": func(u transports.Usage) int64 { return u.Strangers },
		"per_client":   func(u transports.Usage) int64 { return u.Crowded },
		"all":          func(u transports.Usage) int64 { return u.Full },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "recourse_connections_refused_total", Help: "Connections that were refused before their handshake, by the limit that refused them.",
			ConstLabels: prometheus.Labels{"reason": reason},
		}, func() float64 { return float64(value(gate.Usage())) }))
	}
}
