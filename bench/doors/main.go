package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/bench/peer"
)

// settings are the flags.
type settings struct {
	binary, echo string
	dir          string
	doors, only  string
	parts        string
	rounds       int
	length       time.Duration
	names        int
	listed       int
	detail       bool
}

func main() {
	var s settings
	flag.StringVar(&s.binary, "recourse", "build/recourse", "our `binary`, which also is the load")
	flag.StringVar(&s.echo, "echo", "build/echo", "the `binary` of the floor")
	flag.StringVar(&s.dir, "dir", "", "`folder` to work in; one of its own when empty")
	flag.StringVar(&s.doors, "doors", strings.Join(peer.AllDoors(), ","), "doors to measure")
	flag.StringVar(&s.only, "only", "", "servers to measure, by `name`, with commas; all when empty")
	flag.StringVar(&s.parts, "parts", "cost,latency,cores", "what to measure: these, idle and desk")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds; the median counts")
	flag.DurationVar(&s.length, "time", 3*time.Second, "how long a server is loaded in a round")
	flag.IntVar(&s.names, "names", 1000, "names that are asked for")
	flag.IntVar(&s.listed, "listed", 1_000_000, "names in the list that is reloaded")
	flag.BoolVar(&s.detail, "detail", false, "print each measurement")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "doors:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	if s.dir == "" {
		made, err := os.MkdirTemp("", "doors")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(made) }() // scratch
		s.dir = made
	}
	w, err := newWorld(s)
	if err != nil {
		return err
	}
	defer w.close()
	for _, part := range []struct {
		name string
		do   func(context.Context, *world) error
	}{{"cost", cost}, {"latency", latency}, {"cores", cores}, {"idle", idle}, {"desk", desk}} {
		if !slices.Contains(strings.Split(s.parts, ","), part.name) {
			continue
		}
		if err := part.do(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
