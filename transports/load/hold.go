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
	round uint32 // of questions

	mu     sync.Mutex
	open   []carrier // nil: could not be opened, or did not last
	report Report
	failed error // the first
}

// Hold opens connections, asks once on each, and holds them for as long as the
// configuration says; then it asks again. What is answered then has lasted, and the report is
// of that question alone. Held is told when all that can be are open. While others are opened
// the earlier ones ask again now and then, since a server closes those that are silent.
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
	held(h.openAll(ctx))
	select {
	case <-ctx.Done():
	case <-time.After(config.Time):
	}
	h.report = Report{Connections: h.report.Connections}
	h.askAll()
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

// again is after how long connections ask once more while others are opened.
const again = 4 * time.Second

// openAll says how many are open in the end.
func (h *holder) openAll(ctx context.Context) int {
	opened := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		clock := time.NewTicker(again)
		defer clock.Stop()
		for {
			select {
			case <-clock.C:
				h.askAll()
			case <-opened:
				return
			}
		}
	})
	h.each(func(i int) error { return h.connectOne(ctx, i) })
	close(opened)
	asking.Wait()
	h.askAll()
	count := 0
	for i := range h.open {
		if h.at(i) != nil {
			count++
		}
	}
	return count
}

func (h *holder) at(i int) carrier {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[i]
}

// askAll asks on all that are open, in one round.
func (h *holder) askAll() {
	h.round++
	h.each(func(i int) error {
		if conn := h.at(i); conn != nil {
			return h.ask(conn, i, h.round)
		}
		return nil
	})
}

// each does something for every connection, a bounded number of them at once.
func (h *holder) each(do func(i int) error) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range openAtOnce {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(h.open); i = int(next.Add(1)) - 1 {
				h.note(do(i))
			}
		})
	}
	work.Wait()
}

// note keeps the first error.
func (h *holder) note(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed == nil {
		h.failed = err
	}
}

// hasFailed says that the server takes no more connections: there is no use in waiting for it
// so many times.
func (h *holder) hasFailed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed != nil
}

func (h *holder) connectOne(ctx context.Context, i int) error {
	if h.hasFailed() {
		return nil
	}
	opened, err := h.connect(ctx, i)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.report.Connections++
	h.mu.Unlock()
	if err := h.ask(opened, i, 0); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open[i] = opened
	return nil
}

// ask asks once and waits for the answer. A connection without one is closed.
func (h *holder) ask(conn carrier, i int, sequence uint32) error {
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
