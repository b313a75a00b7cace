package generator

import "testing"

func TestRead(t *testing.T) {
	got, err := Read([]byte(`{"server": "udp://127.0.0.1:53", "sent": 3, "answered": 2, "lost": 1, "wrong": 0, "rate": 2.5,
		"rcodes": {"NOERROR": 2}, "latency_us": {"p50": 1, "p90": 2, "p99": 3, "p99.9": 4, "longest": 5}}`))
	if err != nil || got.Sent != 3 || got.Answered != 2 || got.Lost != 1 || got.Rate != 2.5 || got.Rcodes["NOERROR"] != 2 ||
		got.Latency.P999 != 4 || got.Latency.Longest != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Read([]byte("no")); err == nil {
		t.Error("no JSON is no error")
	}
}
