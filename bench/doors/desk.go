package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/recourse-dns/recourse/bench/peer"
)

// What is measured of the desk beside DNS.
const (
	deskQueries  = 20_000 // a second
	deskRequests = 500    // a second: pages and calls of the API in turn
	deskLength   = 10 * time.Second
	bothCores    = -1
	// hurt is by how much requests may lengthen the wait of 999 in 1,000 queries, beside what the machine itself adds.
	hurt = 2 * time.Millisecond
)

// desk has a server answer queries on both cores, alone and while people look names up: what that does to the wait
// of 999 in 1,000 queries, and what a request costs. A round is each in turn, as the machine may have other work.
func desk(ctx context.Context, w *world) error {
	lists, err := w.ours(listLength)
	if err != nil {
		return err
	}
	process, setup, err := w.start(ctx, peer.Servers(w.binary, w.echo)[0], bothCores, 2, lists.text)
	if err != nil {
		return err
	}
	defer process.Stop()
	if err := awaitReady(ctx, lists.web); err != nil {
		return err
	}
	process.Prefer()
	visits, err := newVisits(ctx, lists.web)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d queries a second over UDP, with and without %d requests a second of %d pages and calls\n", deskQueries, deskRequests, len(visits.paths))
	paced := []string{"@" + setup.URL(peer.UDP), "--names", w.asked, "--edns", "--rate", fmt.Sprint(deskQueries), "--time", deskLength.String()}
	var alone, beside []float64
	for range w.rounds {
		first, err := w.deskRound(ctx, "queries alone", process, paced, nil)
		if err != nil {
			return err
		}
		second, err := w.deskRound(ctx, "and requests", process, paced, visits)
		if err != nil {
			return err
		}
		alone, beside = append(alone, first.p999), append(beside, second.p999)
		fmt.Printf("%d requests, %d of them refused or failed, p50 %s, p99 %s; %.2f ms of the processor each\n", visits.done, visits.failed, visits.quantile(50), visits.quantile(99),
			1000*(second.busy-first.busy).Seconds()/float64(max(1, visits.done)))
	}
	slices.Sort(alone)
	slices.Sort(beside)
	added := time.Duration((beside[len(beside)/2] - alone[len(alone)/2]) * float64(time.Microsecond))
	verdict := "met"
	if added > hurt {
		verdict = "missed"
	}
	fmt.Printf("p99.9 of queries, median of %d rounds: %.3f ms alone, %.3f ms beside requests; at most %s more: %s\n", w.rounds, alone[len(alone)/2]/1000, beside[len(beside)/2]/1000, hurt, verdict)
	return nil
}

// round is one measurement: a wait in microseconds, and what the server took of the processor.
type round struct {
	p999 float64
	busy time.Duration
}

func (w *world) deskRound(ctx context.Context, what string, process *peer.Process, paced []string, visits *visits) (round, error) {
	before, err := process.Busy()
	if err != nil {
		return round{}, err
	}
	end := func() {}
	if visits != nil {
		end = visits.begin(ctx)
	}
	p999, err := w.pacedFor(ctx, what, deskLength, process, paced)
	end()
	after, failed := process.Busy()
	return round{p999: p999, busy: after - before}, errors.Join(err, failed)
}

// visits are people who look names up.
type visits struct {
	client *http.Client
	base   string
	paths  []string

	mu           sync.Mutex // guards what follows
	done, failed int
	took         []time.Duration
}

// newVisits asks for what there is to be looked at: the reason of a name of each list.
func newVisits(ctx context.Context, web netip.AddrPort) (*visits, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	v := &visits{base: "http://" + web.String(), client: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64},
	}}
	v.paths = []string{"/?name=www1.example", "/", "/api/v1/lookup?name=www2.example", "/cases/new?name=www3.example"}
	for _, list := range []string{"law", "security", "user"} {
		name := fmt.Sprintf("host-1.%s-1.invalid.example.net", list)
		code, err := v.codeOf(ctx, name)
		if err != nil {
			return nil, err
		}
		v.paths = append(v.paths, "/?name="+name, "/r/"+code, "/api/v1/lookup?name="+name, "/api/v1/reasons/"+code)
	}
	return v, nil
}

// codeOf is the reason code of a name that is blocked.
func (v *visits) codeOf(ctx context.Context, name string) (string, error) {
	octets, err := v.get(ctx, "/api/v1/lookup?name="+name, 0)
	if err != nil {
		return "", err
	}
	var found struct {
		Results []struct {
			Code string `json:"reason_code"`
		}
	}
	if err := json.Unmarshal(octets, &found); err != nil || len(found.Results) == 0 {
		return "", fmt.Errorf("%s is blocked by no list: %s: %w", name, octets, err)
	}
	return found.Results[0].Code, nil
}

// get asks for a path as somebody of a network of its own, which a front end would say.
func (v *visits) get(ctx context.Context, path string, network int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", network>>8&0xff, network&0xff))
	request.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.8")
	reply, err := v.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	octets, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, reply.Status)
	}
	return octets, err
}

// begin sends requests by the clock, whatever comes back, until the function that it gives is called. How long
// one takes counts from when it was due.
func (v *visits) begin(ctx context.Context) (end func()) {
	v.done, v.failed, v.took = 0, 0, nil
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		begun := time.Now()
		for number := 0; ; number++ {
			due := begun.Add(time.Duration(number) * time.Second / deskRequests)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(due)): // at once where it is late
				work.Go(func() { v.visit(ctx, number, due) })
			}
		}
	})
	return func() {
		cancel()
		work.Wait()
	}
}

func (v *visits) visit(ctx context.Context, number int, due time.Time) {
	_, err := v.get(ctx, v.paths[number%len(v.paths)], number)
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() != nil {
		return // the round is over
	}
	if v.done++; err != nil {
		v.failed++
	}
	v.took = append(v.took, time.Since(due))
}

// quantile is the time that a share of the requests did not pass.
func (v *visits) quantile(percent int) time.Duration {
	if len(v.took) == 0 {
		return 0
	}
	slices.Sort(v.took)
	return v.took[min(len(v.took)*percent/100, len(v.took)-1)].Round(time.Microsecond)
}
