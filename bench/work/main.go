package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/peer"
)

// options are the flags.
type options struct {
	binary string
	names  int
	rounds int
	atOnce int
	only   string
	worlds string
	detail bool
}

func main() {
	var o options
	flag.StringVar(&o.binary, "recourse", "recourse", "our `binary`")
	flag.IntVar(&o.names, "names", 20_000, "names to resolve, each in a zone of its own")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; the median counts")
	flag.IntVar(&o.atOnce, "at-once", 50, "resolutions in flight")
	flag.StringVar(&o.only, "only", "", "resolvers to measure, by `name`, with commas; all when empty")
	flag.StringVar(&o.worlds, "worlds", "plain,validated", "worlds to measure them in")
	flag.BoolVar(&o.detail, "detail", false, "print each run with its upstream queries by level and type")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kept, err := run(ctx, os.Stdout, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "work:", err)
	}
	if err != nil || !kept {
		os.Exit(1)
	}
}

// run measures all and prints the table; kept is false where ours asks more
// queries than it may.
func run(ctx context.Context, to io.Writer, o options) (kept bool, err error) {
	var names internet
	if err := names.listen(); err != nil {
		return false, err
	}
	resolvers := peer.Chosen(o.binary, o.only)
	kept = true
	for _, kind := range strings.Split(o.worlds, ",") {
		limit, ok := limits[kind]
		if !ok {
			return false, fmt.Errorf("no world is called %q: plain, validated", kind)
		}
		results, err := measureAll(ctx, to, o, &names, resolvers, kind == "validated")
		if err != nil {
			return false, err
		}
		kept = printTable(to, kind, limit, results) && kept
	}
	return kept, nil
}

// measureAll runs all resolvers in turn, round after round.
func measureAll(ctx context.Context, to io.Writer, o options, names *internet, resolvers []peer.Resolver, signed bool) ([]result, error) {
	world, err := newWorld(o.names+tlds, signed)
	if err != nil {
		return nil, err
	}
	names.world.Store(world)
	results := make([]result, len(resolvers))
	for range o.rounds {
		for i, resolver := range resolvers {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			sample, err := measure(ctx, o, names, world, resolver)
			if err != nil {
				return nil, err
			}
			if o.detail {
				fmt.Fprintf(to, "%-10s %6.3f CPU-s per 1,000  %d wrong  %s\n", resolver.Name, sample.cpu, sample.wrong, sample.kinds)
			}
			results[i].name = resolver.Name
			results[i].samples = append(results[i].samples, sample)
		}
	}
	return results, nil
}

// measure starts one resolver, lets it learn the top-level domains, and has it
// resolve every name once.
func measure(ctx context.Context, o options, names *internet, world *world, resolver peer.Resolver) (sample, error) {
	anchors, err := world.anchors()
	if err != nil {
		return sample{}, err
	}
	process, stop, err := peer.Launch(ctx, resolver, hints(), anchors)
	if err != nil {
		return sample{}, err
	}
	defer stop()
	signed := len(anchors) > 0
	if _, err := load(process.Address, o.names, o.names+tlds, 1, signed); err != nil {
		return sample{}, err
	}
	names.reset()
	before, err := process.CPU()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	wrong, err := load(process.Address, 0, o.names, o.atOnce, signed)
	if err != nil {
		return sample{}, err
	}
	after, err := process.CPU()
	if err != nil {
		return sample{}, fmt.Errorf("%s has ended on the way: %w", resolver.Name, err)
	}
	kinds, total := names.asked()
	return sample{
		cpu:     (after - before).Seconds() * 1000 / float64(o.names),
		queries: float64(total) / float64(o.names),
		rate:    float64(o.names) / time.Since(began).Seconds(),
		wrong:   wrong,
		kinds:   describe(kinds),
	}, nil
}

// describe lists queries by level and type.
func describe(byLevel [levels]map[uint16]int64) string {
	var parts []string
	for at, name := range []string{"root", "tld", "zone"} {
		for kind := range uint16(counted) {
			if count := byLevel[at][kind]; count > 0 {
				parts = append(parts, fmt.Sprintf("%s %s %d", name, dns.Type(kind), count))
			}
		}
	}
	return strings.Join(parts, ", ")
}
