package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/bench/peer"
)

// options are the flags.
type options struct {
	binary  string
	count   int
	atOnce  int
	details string
	ask     string
}

// fullSet is how many questions touch every expectation.
const fullSet = 20_000

func main() {
	var o options
	flag.StringVar(&o.binary, "recourse", "recourse", "our `binary`")
	flag.IntVar(&o.count, "questions", fullSet, "how many to ask")
	flag.IntVar(&o.atOnce, "at-once", 24, "questions in flight at each resolver")
	flag.StringVar(&o.details, "details", "", "write every question that somebody answers otherwise to this `file`, as JSON")
	flag.StringVar(&o.ask, "ask", "", "ask only these, \"NAME TYPE,NAME TYPE\", and print the whole answers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	alike, err := run(ctx, os.Stdout, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sidebyside:", err)
	}
	if err != nil || !alike {
		os.Exit(1)
	}
}

// run does it all; alike is false if there is a difference that nobody explained.
func run(ctx context.Context, to io.Writer, o options) (alike bool, err error) {
	expected, err := readExpectations(expectedText)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	internet, err := startLab(ctx, o.binary)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "sidebyside")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // scratch
	processes, err := startAll(ctx, o.binary, dir, internet)
	defer stopAll(processes)
	if err != nil {
		return false, err
	}
	if o.ask != "" {
		return true, askOnly(ctx, to, processes, o.ask)
	}
	c := comparison{asked: questions(internet.samples, o.count), answers: map[string][]answer{}, expected: expected}
	began := time.Now()
	c.ask(ctx, processes, o.atOnce)
	settled := c.askAgain(ctx, processes)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	for _, p := range processes {
		if !p.Alive() {
			return false, fmt.Errorf("%s has ended on the way", p.Name)
		}
	}
	return c.report(to, o.details, settled, time.Since(began))
}

// askOnly prints what each resolver says to a few questions.
func askOnly(ctx context.Context, to io.Writer, processes []*peer.Process, text string) error {
	for part := range strings.SplitSeq(text, ",") {
		q, err := readSample(part)
		if err != nil {
			return err
		}
		fmt.Fprintf(to, "\n%s\n", q)
		for _, process := range processes {
			a := ask(ctx, process.Address, q)
			fmt.Fprintf(to, "  %-10s %-12s %v\n", process.Name, a.Outcome, a.Errors)
			for record := range strings.SplitSeq(a.Data, "\n") {
				fmt.Fprintf(to, "%14s%s\n", "", record)
			}
		}
	}
	return nil
}

func startAll(ctx context.Context, binary, dir string, internet *labInternet) ([]*peer.Process, error) {
	var processes []*peer.Process
	for _, resolver := range peer.All(binary) {
		address, err := peer.FreePort()
		if err != nil {
			return processes, err
		}
		process, err := peer.Start(ctx, resolver, peer.Setup{
			Dir: filepath.Join(dir, resolver.Name), Listen: address,
			Hints: internet.hints, Anchors: internet.anchors, Core: -1,
		})
		if err != nil {
			return processes, err
		}
		fmt.Printf("%-10s %s\n", resolver.Name, peer.Version(resolver))
		processes = append(processes, process)
	}
	return processes, nil
}

func stopAll(processes []*peer.Process) {
	var running sync.WaitGroup
	for _, process := range processes {
		running.Go(process.Stop)
	}
	running.Wait()
}

// ask asks all resolvers everything, side by side.
func (c *comparison) ask(ctx context.Context, processes []*peer.Process, atOnce int) {
	var mutex sync.Mutex
	var running sync.WaitGroup
	for _, process := range processes {
		c.names = append(c.names, process.Name)
		running.Go(func() {
			began := time.Now()
			answers := askAll(ctx, process.Address, c.asked, atOnce)
			mutex.Lock()
			defer mutex.Unlock()
			fmt.Printf("%-10s answered %d questions in %s\n", process.Name, len(c.asked), time.Since(began).Round(100*time.Millisecond))
			c.answers[process.Name] = answers
		})
	}
	running.Wait()
}

// settlement is an answer that was another at the second time.
type settlement struct {
	resolver      string
	question      question
	first, second answer
}

const (
	againAtOnce = 4
	rounds      = 3
)

// askAgain asks anew whatever differs without an explanation, a few at a time. A
// SERVFAIL or a silence that goes away is replaced by what came then.
func (c *comparison) askAgain(ctx context.Context, processes []*peer.Process) []settlement {
	var settled []settlement
	for range rounds {
		numbers := c.unsettled()
		if len(numbers) == 0 {
			break
		}
		again := make([]question, len(numbers))
		for i, number := range numbers {
			again[i] = c.asked[number]
		}
		second := comparison{asked: again, answers: map[string][]answer{}}
		second.ask(ctx, processes, againAtOnce)
		for i, number := range numbers {
			for _, name := range c.names {
				was, is := c.answers[name][number], second.answers[name][i]
				if was.same(is) {
					continue
				}
				settled = append(settled, settlement{name, again[i], was, is})
				if was.mayPass() {
					c.answers[name][number] = is
				}
			}
		}
	}
	return settled
}

// unsettled lists the differing questions that no expectation explains.
func (c *comparison) unsettled() []int {
	var numbers []int
	for _, number := range c.differing() {
		if !c.row(number).isExplained() {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// report prints everything and says whether each difference is explained.
func (c *comparison) report(to io.Writer, details string, settled []settlement, took time.Duration) (bool, error) {
	var rows []row
	open := 0
	for _, number := range c.differing() {
		r := c.row(number)
		rows = append(rows, r)
		if !r.isExplained() {
			open++
		}
	}
	fmt.Fprintf(to, "\n%d questions asked of %d resolvers in %s; %d answered by all as by us\n\n",
		len(c.asked), len(c.names), took.Round(time.Second), len(c.asked)-len(rows))
	if len(rows) > 0 {
		printReasons(to, rows, c.names)
		fmt.Fprintln(to)
		printGroups(to, grouped(rows, c.names))
	}
	c.printSettled(to, settled)
	if len(c.asked) >= fullSet {
		printUnseen(to, rows, c.expected)
	}
	fmt.Fprintf(to, "\n%d differences are explained in docs/differences.md, %d are not\n", len(rows)-open, open)
	if details == "" {
		return open == 0, nil
	}
	text, err := json.MarshalIndent(rows, "", " ")
	if err == nil {
		err = os.WriteFile(details, text, 0o600)
	}
	return open == 0, err
}

// printSettled counts what was another at the second time, and lists ours.
func (c *comparison) printSettled(to io.Writer, settled []settlement) {
	counts := map[string]int{}
	for _, s := range settled {
		counts[fmt.Sprintf("%s: %s, then %s", s.resolver, s.first.Outcome, s.second.Outcome)]++
	}
	for _, change := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(to, "\nwhen asked again, %s: %d", change, counts[change])
	}
	for _, s := range settled {
		if s.resolver == c.names[0] {
			fmt.Fprintf(to, "\n%8s%s: first %s, then %s", "", s.question, s.first.Outcome, s.second.Outcome)
		}
	}
	fmt.Fprintln(to)
}
