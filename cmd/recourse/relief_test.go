package main

import (
	"runtime"
	"testing"

	"github.com/recourse-dns/recourse/transports"
)

// TestReliefFollowsWaves: nothing for a few, the collector while many come, all of it when
// they have come, and nothing for those that go.
func TestReliefFollowsWaves(t *testing.T) {
	var open int64
	r := &relief{usage: func() transports.Usage { return transports.Usage{Connections: open} }}
	for _, step := range []struct {
		open             int64
		runs             uint32
		settled, checked int64
	}{
		{100, 0, 0, 0},
		{511, 0, 0, 0},
		{600, 1, 0, 600},
		{700, 0, 0, 600},
		{1200, 1, 0, 1200},
		{1200, shrinking + 1, 1200, 1200},
		{1200, 0, 1200, 1200},
		{1500, 0, 1200, 1200},
		{200, 0, 200, 200},
		{800, 1, 200, 800},
		{790, shrinking + 1, 790, 790},
	} {
		open = step.open
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r.look()
		runtime.ReadMemStats(&after)
		if ran := after.NumForcedGC - before.NumForcedGC; ran != step.runs || r.settled != step.settled || r.collected != step.checked {
			t.Errorf("%d open: the collector ran %d times, settled %d, collected %d; want %+v", open, ran, r.settled, r.collected, step)
		}
	}
}
