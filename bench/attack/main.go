package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/peer"
)

// What one question of a client may cost.
const (
	mostAsked = 100
	mostCPU   = 50 * time.Millisecond
)

// options are the flags.
type options struct {
	binary string
	only   string
	attack string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "recourse", "recourse", "our `binary`")
	flag.StringVar(&o.only, "only", "recourse", "resolvers to attack, by `name`, with commas; all when empty")
	flag.StringVar(&o.attack, "attack", "", "attacks to try, those with `text` in their name")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	held, err := run(ctx, os.Stdout, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
	}
	if err != nil || !held {
		os.Exit(1)
	}
}

// run attacks all and prints the table; held is false where ours asks too much.
func run(ctx context.Context, to io.Writer, o options) (held bool, err error) {
	var net internet
	if err := net.listen(); err != nil {
		return false, err
	}
	made, err := newKeys()
	if err != nil {
		return false, err
	}
	fmt.Fprintf(to, "%-48s %-18s %-10s %8s %8s %10s %10s\n", "attack", "source", "resolver", "asked", "at most", "CPU ms", "at most")
	held = true
	for _, attack := range attacks() {
		if !strings.Contains(attack.name, o.attack) {
			continue
		}
		for _, resolver := range peer.Chosen(o.binary, o.only) {
			costs, err := try(ctx, &net, &world{&attack, made}, resolver)
			if err != nil {
				return false, fmt.Errorf("%s: %w", attack.name, err)
			}
			asked, cpu := costs.mean()
			most := costs.worst()
			fmt.Fprintf(to, "%-48s %-18s %-10s %8.1f %8d %10.2f %10.2f\n", attack.name, attack.source, resolver.Name, asked, most.asked, milliseconds(cpu), milliseconds(most.cpu))
			held = held && (resolver.Name != "recourse" || most.asked < mostAsked)
		}
	}
	fmt.Fprintf(to, "%-48s %-18s %-10s %8s %8d %10s %10.2f\n", "ours at most", "", "", "", mostAsked-1, "", milliseconds(mostCPU))
	return held, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// attacks lists all.
func attacks() []attack { return slices.Concat(delegations(), messages(), proofs()) }

// cost is that of one client query.
type cost struct {
	asked int64
	cpu   time.Duration
}

type costs []cost

func (c costs) mean() (asked float64, cpu time.Duration) {
	for _, one := range c {
		asked += float64(one.asked) / float64(len(c))
		cpu += one.cpu / time.Duration(len(c))
	}
	return asked, cpu
}

// worst is the most of each.
func (c costs) worst() cost {
	byAsked := func(a, b cost) int { return cmp.Compare(a.asked, b.asked) }
	byCPU := func(a, b cost) int { return cmp.Compare(a.cpu, b.cpu) }
	return cost{slices.MaxFunc(c, byAsked).asked, slices.MaxFunc(c, byCPU).cpu}
}

// settle is how long the resolver may still be busy after its answer.
const settle = 50 * time.Millisecond

// try starts a resolver and asks it the attacker's names one after the other.
func try(ctx context.Context, net *internet, world *world, resolver peer.Resolver) (costs, error) {
	var anchors []string
	if world.signed {
		anchors = []string{strings.ReplaceAll(world.keys.ds(".", world.keys.usual)[0].String(), "\t", " ")}
	}
	net.current.Store(world)
	hints := []string{". 86400 IN NS ns.", "ns. 86400 IN A " + rootServer}
	process, stop, err := peer.Launch(ctx, resolver, hints, anchors)
	if err != nil {
		return nil, err
	}
	defer stop()
	var all costs
	for i := range world.names {
		one, err := ask(net, process, world.question(i))
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// ask asks once and says what that cost. That there is no good answer is expected.
func ask(counter *internet, process *peer.Process, name string) (cost, error) {
	before, err := process.Busy()
	if err != nil {
		return cost{}, err
	}
	asked := counter.asked.Load()
	client := &dns.Client{Timeout: 12 * time.Second, Net: "tcp"}
	query := new(dns.Msg).SetQuestion(name, dns.TypeA)
	query.SetEdns0(1232, true)
	_, _, err = client.Exchange(query, process.Address)
	var timeout net.Error
	if err != nil && (!errors.As(err, &timeout) || !timeout.Timeout()) {
		return cost{}, fmt.Errorf("%s: %w", name, err)
	}
	time.Sleep(settle)
	after, err := process.Busy()
	if err != nil {
		return cost{}, fmt.Errorf("%s has ended on the way: %w", process.Name, err)
	}
	return cost{counter.asked.Load() - asked, after - before}, nil
}
