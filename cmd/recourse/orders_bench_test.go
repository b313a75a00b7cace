package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

const (
	bursts     = 10
	burstNames = 2000
)

// burst is one call's order of the most that an authority sends at once.
func burst(number int) map[string]any {
	names := make([]string, 0, burstNames)
	for i := range burstNames {
		names = append(names, fmt.Sprintf("n%d-%d.pirate%d.example", number, i, i%97))
	}
	return submission(fmt.Sprintf("RG %d/2026", number), names...)
}

// BenchmarkOrdersOfADay submits 20,000 names in ten calls to a server in a process of its own,
// and asks for names of each as soon as the call has returned. Then it lifts an order.
func BenchmarkOrdersOfADay(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		directory := write(b, orderFiles(b))
		s := start(b, directory, "--config", "recourse.yaml")
		b.StartTimer()
		var calls []time.Duration
		for number := range bursts {
			began := time.Now()
			status, reply := s.call(http.MethodPost, "/api/v1/orders", authority, burst(number))
			calls = append(calls, time.Since(began))
			if status != http.StatusCreated || reply["names"] != float64(burstNames) {
				b.Fatalf("burst %d: %d %v", number, status, reply)
			}
			for _, i := range []int{0, burstNames / 2, burstNames - 1} {
				s.wantBlocked(true, fmt.Sprintf("n%d-%d.pirate%d.example", number, i, i%97))
			}
		}
		began := time.Now()
		s.done(b, http.StatusOK, http.MethodDelete, orderPath("RG 3/2026", ""), authority, nil)
		lifting := time.Since(began)
		s.wantBlocked(false, "n3-0.pirate0.example")
		s.wantBlocked(true, "n4-0.pirate0.example")
		b.ReportMetric(milliseconds(calls[0]), "ms-first")
		b.ReportMetric(milliseconds(calls[bursts-1]), "ms-last")
		b.ReportMetric(milliseconds(slices.Max(calls)), "ms-slowest")
		b.ReportMetric(milliseconds(lifting), "ms-lift-2000")
		began = time.Now()
		s.done(b, http.StatusOK, http.MethodPatch, orderPath("RG 4/2026", ""), authority, object{"lift": []string{"n4-0.pirate0.example"}})
		b.ReportMetric(milliseconds(time.Since(began)), "ms-lift-one")
		s.wantBlocked(false, "n4-0.pirate0.example")
		b.StopTimer()
		s.kill()
		began = time.Now()
		s = start(b, directory, "--config", "recourse.yaml")
		b.ReportMetric(milliseconds(time.Since(began)), "ms-restart")
		s.wantBlocked(true, "n9-7.pirate7.example")
		s.wantBlocked(false, "n3-7.pirate7.example")
		s.kill()
		b.StartTimer()
	}
}
