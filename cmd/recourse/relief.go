package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/recourse-dns/recourse/transports"
)

const (
	// reliefInterval is how often it is looked how many connections there are.
	reliefInterval = time.Second
	// shrinking is how often the collector runs in a row: it halves the stacks that have room to
	// spare, and those of connections are four times what they need once a query was answered.
	shrinking = 2
	// wave is how many new connections leave enough behind to be worth the work.
	wave = 512
)

// relief gives back the memory that handshakes leave behind. Each takes about four times
// what its connection then holds, and the collector lets the heap double before it runs: after
// a wave of ten thousand connections the process would keep half a gigabyte for nothing. While
// a wave goes on the collector runs whenever a quarter more are open, so that the next ones
// take the room that the last ones left; when it has passed what is free goes to the system.
type relief struct {
	usage     func() transports.Usage
	before    int64 // open connections, at the last look
	collected int64 // when the collector was last made to run
	settled   int64 // when memory was last given back
}

func newRelief(gate *transports.Gate) *relief { return &relief{usage: gate.Usage} }

// run looks until the context ends.
func (r *relief) run(ctx context.Context) {
	clock := time.NewTicker(reliefInterval)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			r.look()
		}
	}
}

func (r *relief) look() {
	open := r.usage().Connections
	r.settled, r.collected = min(r.settled, open), min(r.collected, open)
	switch growing := open > r.before; {
	case open-r.settled < wave:
	case !growing:
		r.settled, r.collected = open, open
		for range shrinking {
			runtime.GC()
		}
		debug.FreeOSMemory()
	case open-r.collected >= max(wave, r.collected/4):
		r.collected = open
		runtime.GC()
	}
	r.before = open
}
