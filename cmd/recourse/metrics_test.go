package main

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

func scraped(t *testing.T, m *metrics) string {
	t.Helper()
	reply := httptest.NewRecorder()
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(reply, httptest.NewRequest("GET", "/metrics", nil))
	return reply.Body.String()
}

// What many workers count, some of them under one number, is summed when it is read.
func TestMetricsSumWhatWorkersCount(t *testing.T) {
	m := newMetrics()
	var group sync.WaitGroup
	for worker := range uint32(5) {
		group.Go(func() {
			list := m.Blocked("l", blocklists.Law)
			for range 100 {
				m.Answered(worker, resolver.UDP, transports.FromCache, 64, 20*time.Microsecond)
				m.Answered(worker, resolver.QUIC, transports.Shed, 1, 0)
				list.Add(worker, 2)
			}
			m.Answered(worker, resolver.TCP, transports.FromNetwork, 1, 10*time.Second)
		})
	}
	group.Wait()
	m.WouldBlock("quiet", blocklists.User) // asked for, and never counted
	text := scraped(t, m)
	for _, want := range []string{
		`recourse_queries_total{door="udp",outcome="cached"} 32000`, `recourse_queries_total{door="doq",outcome="shed"} 500`,
		`recourse_queries_total{door="tcp",outcome="resolved"} 5`, `recourse_queries_total{door="dot",outcome="failed"} 0`,
		`recourse_query_duration_seconds_bucket{le="1e-05"} 500`, `recourse_query_duration_seconds_bucket{le="5e-05"} 32500`,
		`recourse_query_duration_seconds_bucket{le="7"} 32500`, `recourse_query_duration_seconds_bucket{le="+Inf"} 32505`,
		`recourse_query_duration_seconds_sum 50.64`, `recourse_query_duration_seconds_count 32505`,
		`recourse_blocks_total{list="l",purpose="law"} 1000`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "quiet") {
		t.Error("a list that blocked nothing is told of")
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	m := newMetrics()
	list := m.Blocked("l", blocklists.Law)
	if allocations := testing.AllocsPerRun(100, func() {
		m.Answered(1, resolver.UDP, transports.FromCache, 64, time.Millisecond)
		list.Add(1, 1)
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
