package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	s := settings{}
	flag.StringVar(&s.dir, "dir", "", "the folder to write to")
	flag.IntVar(&s.names, "names", 1_000_000, "how many names in all")
	flag.StringVar(&s.program, "recourse", "", "the binary to measure; without it the lists are written and that is all")
	flag.StringVar(&s.benchmarks, "benchmarks", "", "the compiled benchmarks of blocklists/bundle")
	flag.IntVar(&s.serverCore, "core", 0, "the processor of the server; what asks it runs on the others")
	flag.DurationVar(&s.calm, "calm", defaultCalm, "how long the server is asked without a reload, as a control")
	flag.Parse()
	if s.dir == "" || s.names < listCount || (s.program == "") != (s.benchmarks == "") {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	if err := writeAll(s.dir, s.names); err != nil {
		return err
	}
	if s.program == "" {
		return nil
	}
	made := &measurement{settings: s}
	err := made.all(ctx)
	made.table.print(os.Stdout)
	return err
}
