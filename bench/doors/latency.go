package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/bench/generator"
	"github.com/recourse-dns/recourse/bench/peer"
)

// What is measured of latency, and the limit.
const (
	shareOfCore   = 0.7
	slowest       = 2 * time.Millisecond // of 999 in 1,000
	filings       = 100                  // a second
	latencyLength = 15 * time.Second
	reloadEvery   = 4 * time.Second
)

// latency is measured of a server that the machine's other work holds up as little as can be
// had. It is loaded until it takes seven tenths of its core: at first alone, which shows what
// the machine itself adds, and then while the list is reloaded and cases are filed. Seven
// tenths of its greatest rate would be more: batches are full then, and the load has the
// other core to the full and keeps itself waiting.
func latency(ctx context.Context, w *world) error {
	lists, err := w.ours(w.listed)
	if err != nil {
		return err
	}
	process, setup, err := w.start(ctx, peer.Servers(w.binary, w.echo)[0], serverCore, 1, lists.text)
	if err != nil {
		return err
	}
	defer process.Stop()
	if err := awaitReady(ctx, lists.web); err != nil {
		return err
	}
	process.Prefer()
	target := []string{"@" + setup.URL(peer.UDP), "--names", w.asked, "--edns"}
	most, err := generator.RunFirst(ctx, w.binary, loadCore, append(target, "--time", w.length.String())...)
	if err != nil {
		return err
	}
	const begin = 0.4
	rate := begin * most.Rate
	share, err := w.share(ctx, process, target, rate)
	if err != nil {
		return err
	}
	rate *= min(shareOfCore/share, 1/begin)
	paced := append(target, "--rate", fmt.Sprintf("%.0f", rate), "--time", latencyLength.String())
	fmt.Printf("\nlatency over UDP at %.0f queries a second, which take seven tenths of a core (at the most it answers %.0f); %d names in the list\n", rate, most.Rate, w.listed)
	fmt.Printf("%-38s %8s %8s %8s %8s %8s %10s %10s\n", "ms", "p50", "p99", "p99.9", "longest", "lost", "on core", "no core")
	best := 0.0
	for range w.rounds {
		if _, err := w.paced(ctx, "nothing else going on", process, paced); err != nil {
			return err
		}
		busy := newBusiness(process, lists)
		busy.start(ctx)
		with, err := w.paced(ctx, "reloads, and cases filed", process, paced)
		busy.stop()
		if err = errors.Join(err, busy.failed); err != nil {
			return err
		}
		fmt.Printf("%d reloads, %d cases filed, %d turned away\n", busy.reloads.Load(), busy.filed.Load(), busy.turned.Load())
		if best == 0 || with < best {
			best = with
		}
	}
	verdict := "met"
	if time.Duration(best*float64(time.Microsecond)) > slowest {
		verdict = "missed"
	}
	fmt.Printf("p99.9 at most %s, in the best round: %s\n", slowest, verdict)
	return nil
}

// share is what a rate takes of the server's core.
func (w *world) share(ctx context.Context, process *peer.Process, target []string, rate float64) (float64, error) {
	before, err := process.Busy()
	if err != nil {
		return 0, err
	}
	if _, err := generator.RunFirst(ctx, w.binary, loadCore, append(target, "--rate", fmt.Sprintf("%.0f", rate), "--time", w.length.String())...); err != nil {
		return 0, err
	}
	after, err := process.Busy()
	return (after - before).Seconds() / w.length.Seconds(), err
}

// paced loads the server by the clock and prints what that took, and gives the wait of 999 in
// 1,000 in microseconds. It also says how long the server had the processor, and how long it was
// ready to run and was not let: by others, which on a shared machine is most of the latency, or
// by another thread of its own.
func (w *world) paced(ctx context.Context, what string, process *peer.Process, arguments []string) (float64, error) {
	return w.pacedFor(ctx, what, latencyLength, process, arguments)
}

func (w *world) pacedFor(ctx context.Context, what string, length time.Duration, process *peer.Process, arguments []string) (float64, error) {
	before, err := process.Waited()
	if err != nil {
		return 0, err
	}
	ran, err := process.Busy()
	if err != nil {
		return 0, err
	}
	out, err := generator.RunFirst(ctx, w.binary, loadCore, arguments...)
	if err != nil {
		return 0, err
	}
	after, err := process.Waited()
	if err != nil {
		return 0, err
	}
	busy, err := process.Busy()
	const thousand = 1000
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / length.Seconds() }
	l := out.Latency
	fmt.Printf("%-38s %8.3f %8.3f %8.3f %8.3f %8d %9.1f%% %9.1f%%\n", what, l.P50/thousand, l.P99/thousand, l.P999/thousand, l.Longest/thousand, out.Lost, share(busy-ran), share(after-before))
	return l.P999, err
}

// awaitReady waits until the lists are in force.
func awaitReady(ctx context.Context, web netip.AddrPort) error {
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if code, err := call(ctx, http.MethodGet, "http://"+web.String()+"/readyz", nil); err == nil && code == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the lists are not in force: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func call(ctx context.Context, method, address string, body []byte) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer reply.Body.Close()
	return reply.StatusCode, nil
}

// business is what goes on beside the questions.
type business struct {
	process        *peer.Process
	lists          *ours
	cancel         context.CancelFunc
	work           sync.WaitGroup
	reloads, filed atomic.Int64
	turned         atomic.Int64 // filings for which there were too many already
	mu             sync.Mutex
	failed         error // the first
}

func newBusiness(process *peer.Process, lists *ours) *business {
	return &business{process: process, lists: lists}
}

func (b *business) start(ctx context.Context) {
	ctx, b.cancel = context.WithCancel(ctx)
	b.work.Go(func() { b.every(ctx, reloadEvery, b.reload) })
	b.work.Go(func() { b.every(ctx, time.Second/filings, b.file) })
}

func (b *business) stop() {
	b.cancel()
	b.work.Wait()
}

func (b *business) every(ctx context.Context, each time.Duration, do func(context.Context, int) error) {
	clock := time.NewTicker(each)
	defer clock.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		if err := do(ctx, i); err != nil && ctx.Err() == nil {
			b.mu.Lock()
			b.failed = errors.Join(b.failed, err)
			b.mu.Unlock()
			return
		}
	}
}

// reload adds a name to the list for security, and has the server read it.
func (b *business) reload(_ context.Context, i int) error {
	file, err := os.OpenFile(b.lists.file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, "added-%d.invalid.example.net\n", i); err != nil {
		return err
	}
	b.reloads.Add(1)
	return b.process.Signal(syscall.SIGHUP)
}

// file files a case about a name of the list, each about another one.
func (b *business) file(ctx context.Context, i int) error {
	body, err := json.Marshal(map[string]any{
		"name": fmt.Sprintf("host-%d.security-%d.invalid.example.net", i, i%997), "role": "reporter",
		"explanation": "The site is harmless.", "good_faith": true,
	})
	if err != nil {
		return err
	}
	code, err := call(ctx, http.MethodPost, "http://"+b.lists.web.String()+"/api/v1/cases", body)
	if err != nil {
		return err
	}
	switch code {
	case http.StatusCreated:
		b.filed.Add(1)
	case http.StatusTooManyRequests:
		b.turned.Add(1)
	default:
		return fmt.Errorf("a filing was answered with status %d", code)
	}
	return nil
}
