package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/recourse-dns/recourse/bench/generator"
	"github.com/recourse-dns/recourse/bench/peer"
)

// cores measures how the rate grows from one processor to two. The load has to share them, so
// that what counts is processor time: of the server on one of them and of the server on both,
// which has two sockets and answers from either.
func cores(ctx context.Context, w *world) error {
	lists, err := w.ours(listLength)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-5s %8s %12s %12s %22s\n", "door", "threads", "answers/s", "CPU-s/Mq", "answers per CPU-s")
	for _, door := range strings.Split(w.doors, ",") {
		for threads := 1; threads <= min(2, runtime.NumCPU()); threads++ {
			if err := w.onThreads(ctx, door, threads, lists); err != nil {
				return fmt.Errorf("%s with %d threads: %w", door, threads, err)
			}
		}
	}
	return nil
}

func (w *world) onThreads(ctx context.Context, door string, threads int, lists *ours) error {
	core := serverCore
	if threads > 1 {
		core = -1
	}
	process, setup, err := w.start(ctx, peer.Servers(w.binary, w.echo)[0], core, threads, lists.text)
	if err != nil {
		return err
	}
	defer process.Stop()
	var costs, rates []float64
	for round := range w.rounds + 1 {
		before, err := process.CPU()
		if err != nil {
			return err
		}
		// As many connections as make both sockets answer.
		out, err := generator.Run(ctx, w.binary, -1, "@"+setup.URL(door), "--names", w.asked, "--edns", "--insecure", "--connections", "16", "--time", w.length.String())
		if err != nil {
			return err
		}
		after, err := process.CPU()
		if err != nil {
			return err
		}
		if round > 0 {
			costs = append(costs, (after-before).Seconds()/float64(out.Answered))
			rates = append(rates, out.Rate)
		}
	}
	const million = 1e6
	fmt.Printf("%-5s %8d %12.0f %12.2f %22.0f\n", door, threads, median(rates), median(costs)*million, 1/median(costs))
	return nil
}
