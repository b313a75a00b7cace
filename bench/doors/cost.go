package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/bench/generator"
	"github.com/recourse-dns/recourse/bench/peer"
)

// server is one that runs.
type server struct {
	peer.Resolver
	process *peer.Process
	setup   peer.Setup
}

// serverCore and loadCore are where they run.
const (
	serverCore = 0
	loadCore   = 1
)

// cost measures every server on every door it has, round after round, and prints the table.
func cost(ctx context.Context, w *world) error {
	servers, err := w.startAll(ctx)
	defer func() {
		for _, one := range servers {
			one.process.Stop()
		}
	}()
	if err != nil {
		return err
	}
	result := newTable()
	doors := strings.Split(w.doors, ",")
	for round := range w.rounds + 1 {
		for _, door := range doors {
			for _, one := range servers {
				if !slices.Contains(one.Doors, door) {
					continue
				}
				got, err := w.measure(ctx, one, door, round == 0)
				if err != nil && round == 0 && ctx.Err() == nil {
					fmt.Fprintf(os.Stderr, "%s over %s is left out: %v\n", one.Name, door, err)
					one.Doors = slices.DeleteFunc(slices.Clone(one.Doors), func(other string) bool { return other == door })
					continue
				}
				if err != nil {
					return fmt.Errorf("%s over %s: %w", one.Name, door, err)
				}
				if w.detail {
					fmt.Fprintf(os.Stderr, "round %d %-5s %-9s %6.2f CPU-s/Mq %8.0f/s\n", round, door, one.Name, got.cost, got.rate)
				}
				if round > 0 { // the first fills the caches
					result.add(door, one.Name, got)
				}
			}
		}
	}
	result.print(os.Stdout, doors)
	return nil
}

func (w *world) startAll(ctx context.Context) ([]*server, error) {
	lists, err := w.ours(listLength)
	if err != nil {
		return nil, err
	}
	var servers []*server
	for _, r := range peer.Servers(w.binary, w.echo) {
		if w.only != "" && !slices.Contains(strings.Split(w.only, ","), r.Name) {
			continue
		}
		process, setup, err := w.start(ctx, r, serverCore, 1, lists.text)
		if err != nil {
			return servers, err
		}
		servers = append(servers, &server{r, process, setup})
	}
	return servers, nil
}

// sample is one measurement.
type sample struct {
	cost float64 // processor seconds for a million answers
	user float64 // of it in the program itself
	rate float64 // answers a second
}

// measure loads one server through one door. What fills its cache is asked for a while only.
func (w *world) measure(ctx context.Context, one *server, door string, warm bool) (sample, error) {
	arguments := []string{"@" + one.setup.URL(door), "--names", w.asked, "--edns", "--insecure"}
	if warm {
		const each = 20
		arguments = append(arguments, "--queries", strconv.Itoa(each*w.names))
	} else {
		arguments = append(arguments, "--time", w.length.String())
	}
	userBefore, systemBefore, err := one.process.Times()
	if err != nil {
		return sample{}, err
	}
	out, err := generator.Run(ctx, w.binary, loadCore, arguments...)
	if err != nil {
		return sample{}, err
	}
	user, system, err := one.process.Times()
	if err != nil {
		return sample{}, fmt.Errorf("has ended on the way: %w", err)
	}
	if out.Answered == 0 || out.Wrong+out.Failed > 0 || out.Rcodes["NOERROR"] != out.Answered {
		return sample{}, fmt.Errorf("%d answers, %d wrong, %d failed, %v", out.Answered, out.Wrong, out.Failed, out.Rcodes)
	}
	const million = 1e6
	each := func(spent time.Duration) float64 { return spent.Seconds() * million / float64(out.Answered) }
	return sample{cost: each(user - userBefore + system - systemBefore), user: each(user - userBefore), rate: float64(out.Answered) / out.Seconds}, nil
}
