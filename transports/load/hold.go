package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
)

// holdRead is enough for one small answer.
const holdRead = 1 << 12

// holder is connections that are open and idle.
type holder struct {
	*run
	open []carrier // nil: could not be opened, or did not last

	mu     sync.Mutex
	report Report
	failed error // the first
}

// Hold opens connections, asks once on each, and holds them for as long as the
// configuration says; then it asks again. What is answered then has lasted. Held is told when
// all that can be are open. Latency is that of the second question.
func Hold(ctx context.Context, config Config, held func(open int)) (*Report, error) {
	if config.Server.Transport == resolver.OverUDP {
		return nil, errors.New("there is no connection to hold over UDP")
	}
	config.InFlight = 1
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	all, err := queries(config.Questions, config.Extras, nil)
	if err != nil {
		return nil, err
	}
	var shared endpoints
	h := &holder{run: &run{config: config, readSize: holdRead, endpoints: &shared, queries: all}, open: make([]carrier, config.Connections)}
	h.began = time.Now()
	h.each(func(i int) error { return h.connectOne(ctx, i) })
	held(int(h.report.Answered))
	select {
	case <-ctx.Done():
	case <-time.After(config.Time):
	}
	h.report.Latency = Histogram{}
	h.each(func(i int) error { return h.ask(i, 1) })
	h.report.Elapsed = time.Since(h.began)
	h.each(func(i int) error {
		if h.open[i] != nil {
			h.open[i].Close() // nothing is expected of it any more
		}
		return nil
	})
	if err := shared.Close(); err != nil {
		return &h.report, err
	}
	if h.failed != nil {
		return &h.report, fmt.Errorf("%s: %w", config.Server, h.failed)
	}
	return &h.report, nil
}

// each does something for every connection, a bounded number of them at once.
func (h *holder) each(do func(i int) error) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range openAtOnce {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(h.open); i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					h.mu.Lock()
					if h.failed == nil {
						h.failed = err
					}
					h.mu.Unlock()
				}
			}
		})
	}
	work.Wait()
}

func (h *holder) connectOne(ctx context.Context, i int) error {
	opened, err := h.connect(ctx, i)
	if err != nil {
		return err
	}
	h.open[i] = opened
	h.mu.Lock()
	h.report.Connections++
	h.mu.Unlock()
	return h.ask(i, 0)
}

// ask asks once and waits for the answer. A connection without one is closed.
func (h *holder) ask(i int, sequence uint32) error {
	conn := h.open[i]
	if conn == nil {
		return nil
	}
	one := h.queries[i%len(h.queries)]
	asked := h.now()
	packet, err := h.exchange(conn, sequence, one.packet)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Sent++
	h.report.BytesSent += uint64(len(one.packet))
	switch {
	case err != nil:
		h.report.Lost++
		h.open[i] = nil
		conn.Close() // it has failed already
		return err
	case !one.isAnswered(packet, h.significant() != justID):
		h.report.Wrong++
	default:
		h.report.tally(packet, h.now()-asked)
	}
	return nil
}

var errNoAnswer = errors.New("the connection was refused an answer")

func (h *holder) exchange(conn carrier, sequence uint32, packet []byte) ([]byte, error) {
	if err := conn.setReadDeadline(time.Now().Add(h.config.Timeout)); err != nil {
		return nil, err
	}
	conn.add(sequence, packet)
	if err := conn.flush(); err != nil {
		return nil, err
	}
	for {
		replies, err := conn.receive(nil)
		if len(replies) > 0 && !replies[0].failed {
			return replies[0].packet, nil
		}
		if len(replies) > 0 {
			return nil, errNoAnswer
		}
		if err != nil {
			return nil, err
		}
	}
}
