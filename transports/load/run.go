package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// run is what the lanes of one run share.
type run struct {
	config    Config
	readSize  int        // of the buffer of a stream
	endpoints *endpoints // nil: each connection over QUIC has a socket of its own
	queries   []query
	began     time.Time
	stopped   atomic.Bool  // the time is up
	left      atomic.Int64 // queries that may still be sent
}

// Run loads the server and reports. It ends when time or queries are used up, or with the
// context, whose end is no error. An error says that a connection could not be had or
// held; what was counted until then is in the report all the same.
func Run(ctx context.Context, config Config) (*Report, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	all, err := queries(config.Questions, config.Extras, nil)
	if err != nil {
		return nil, err
	}
	r := &run{config: config, readSize: usualRead, queries: all}
	r.left.Store(int64(config.Queries))
	if config.Queries == 0 {
		r.left.Store(1<<63 - 1)
	}
	lanes, err := r.open(ctx)
	defer func() {
		for _, one := range lanes {
			one.carrier.Close() // what it still had is counted as lost
		}
	}()
	if err != nil {
		return nil, err
	}
	return r.drive(ctx, lanes)
}

// openAtOnce bounds the handshakes under way: servers refuse those that queue up.
const openAtOnce = 16

// open opens all connections before the first query is sent. It also returns those that
// it opened before an error.
func (r *run) open(ctx context.Context) ([]*lane, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lanes := make([]*lane, r.config.Connections)
	var next atomic.Int64
	var failure atomic.Pointer[error]
	var work sync.WaitGroup
	for range min(openAtOnce, len(lanes)) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(lanes); i = int(next.Add(1)) - 1 {
				one, err := r.newLane(ctx, i)
				if err != nil {
					failure.CompareAndSwap(nil, &err)
					cancel()
					return
				}
				lanes[i] = one
			}
		})
	}
	work.Wait()
	if err := failure.Load(); err != nil {
		var opened []*lane
		for _, one := range lanes {
			if one != nil {
				opened = append(opened, one)
			}
		}
		return opened, fmt.Errorf("%s: %w", r.config.Server, *err)
	}
	return lanes, nil
}

// drive runs the lanes and sums up.
func (r *run) drive(ctx context.Context, lanes []*lane) (*Report, error) {
	if r.config.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.config.Time)
		defer cancel()
	}
	defer context.AfterFunc(ctx, func() { r.stopped.Store(true) })()
	r.began = time.Now()
	errs := make([]error, len(lanes))
	var work sync.WaitGroup
	for i, one := range lanes {
		work.Go(func() { errs[i] = one.drive(ctx) })
	}
	work.Wait()
	report := new(Report)
	for _, one := range lanes {
		report.add(&one.report)
	}
	for _, err := range errs {
		if err != nil { // all fail for the same reason
			return report, fmt.Errorf("%s: %w", r.config.Server, err)
		}
	}
	return report, nil
}

// now is the time of the run.
func (r *run) now() moment { return moment(time.Since(r.began)) }

// take takes up to so many queries from what is left.
func (r *run) take(most int) int {
	left := r.left.Add(-int64(most))
	if left < 0 {
		return max(0, most+int(left))
	}
	return most
}
