package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/bench/authority"
)

// settings are the flags.
type settings struct {
	dir                 string
	names               int
	program, benchmarks string
	serverCore          int
	calm                time.Duration
}

const (
	defaultCalm = 20 * time.Second
	// askedNames is how many different names are asked for what is cached or blocked.
	askedNames = 1000
	// rounds of batchSize questions each are asked of each side in turn.
	rounds    = 15
	batchSize = 20_000
	flights   = 16
	starts    = 5
)

// measurement is one run over all rows.
type measurement struct {
	settings
	table table

	upstream        *authority.Server
	without, with   *server
	cached, blocked string // files of names
	both            string // in turn
}

func (m *measurement) all(ctx context.Context) error {
	steps := []func(context.Context) error{m.structure, m.prepare, m.compile, m.start, m.perQuery, m.reload, m.lift, m.grow}
	defer m.end()
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) end() {
	for _, s := range []*server{m.without, m.with} {
		if s != nil {
			s.stop()
		}
	}
	if m.upstream != nil {
		m.upstream.Close()
	}
}

func (m *measurement) prepare(context.Context) (err error) {
	if m.upstream, err = newUpstream(); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(4, 4))
	var passed, listed []string
	for i := range askedNames {
		passed = append(passed, string(name(otherSeed, popular*2+uint64(i), nil)))
		listed = append(listed, string(name(listSeed, random.Uint64N(uint64(m.names/listCount*listCount)), nil)))
	}
	if m.cached, err = m.writeQuestions("cached", passed); err != nil {
		return err
	}
	if m.blocked, err = m.writeQuestions("blocked", listed); err != nil {
		return err
	}
	var both []string
	for i := range passed {
		both = append(both, passed[i], listed[i])
	}
	m.both, err = m.writeQuestions("both", both)
	return err
}

// anyCore is for what is not measured on the one processor.
func (m *measurement) anyCore() settings {
	free := m.settings
	free.serverCore = -1
	return free
}

// compile is the first start: the lists are read and compiled by the server's child, with
// the safeguards on.
func (m *measurement) compile(ctx context.Context) error {
	first, _, err := startServer(ctx, m.anyCore(), filepath.Join(m.dir, "with"), m.upstream.Addr().String(), listCount)
	if err != nil {
		return err
	}
	defer first.stop()
	_, took := first.took()
	spent, err := first.childTime()
	if err != nil {
		return err
	}
	m.table.add(row{what: "compile by the child, safeguards on, until in force", measured: took.Seconds(), target: m.compileTarget(), unit: "s",
		remark: fmt.Sprintf("%.2f s of processor time in the child", spent.Seconds())})
	return first.rest(ctx)
}

// compileTarget is half a second for a million names, and eight for ten million.
func (m *measurement) compileTarget() float64 {
	switch m.names {
	case 1_000_000:
		return 0.5
	case 10_000_000:
		return 8
	}
	return 0
}

// start starts with the compiled bundle, and leaves the servers running.
func (m *measurement) start(ctx context.Context) (err error) {
	var took []time.Duration
	for range starts {
		if m.with != nil {
			m.with.stop()
		}
		var one time.Duration
		if m.with, one, err = startServer(ctx, m.settings, filepath.Join(m.dir, "with"), m.upstream.Addr().String(), listCount); err != nil {
			return err
		}
		took = append(took, one)
	}
	var none []time.Duration
	for range starts {
		if m.without != nil {
			m.without.stop()
		}
		var one time.Duration
		if m.without, one, err = startServer(ctx, m.settings, filepath.Join(m.dir, "without"), m.upstream.Addr().String(), 0); err != nil {
			return err
		}
		none = append(none, one)
	}
	slices.Sort(took)
	slices.Sort(none)
	_, inForce := m.with.took()
	m.table.add(row{what: "start with the compiled lists: process until ready, one core", measured: milliseconds(took[starts/2]), unit: "ms",
		target: 100, remark: fmt.Sprintf("lists in force in %.0f ms; without lists ready in %.0f ms", milliseconds(inForce), milliseconds(none[starts/2]))})
	return m.memory(ctx)
}

// memory compares what the two servers hold.
func (m *measurement) memory(ctx context.Context) error {
	if err := m.with.rest(ctx); err != nil {
		return err
	}
	with, err := m.with.resident()
	if err != nil {
		return err
	}
	without, err := m.without.resident()
	if err != nil {
		return err
	}
	m.table.add(row{what: "resident, server with lists over one without, started", measured: (with - without) / float64(m.names), target: m.when10M(12), unit: "o/entry",
		remark: fmt.Sprintf("%.0f MB in all", with/1e6)})
	return nil
}

// when10M is a target that is one at ten million names alone.
func (m *measurement) when10M(target float64) float64 {
	if m.names < 10_000_000 {
		return 0
	}
	return target
}

// perQuery asks both servers in turn, for cached names and for blocked ones.
func (m *measurement) perQuery(ctx context.Context) error {
	type side struct {
		at    *server
		names string
		code  string
		costs []float64
	}
	const found, missing = "NOERROR", "NXDOMAIN"
	sides := []*side{{at: m.without, names: m.cached, code: found}, {at: m.with, names: m.cached, code: found}, {at: m.with, names: m.blocked, code: missing}}
	for round := range rounds + 1 {
		for _, s := range sides {
			before, err := s.at.busy()
			if err != nil {
				return err
			}
			if err := m.askMany(ctx, s.at.dns, s.names, s.code); err != nil {
				return err
			}
			after, err := s.at.busy()
			if err != nil {
				return err
			}
			if round > 0 { // the first fills the caches
				s.costs = append(s.costs, float64((after-before).Nanoseconds())/batchSize/1000)
			}
		}
	}
	none, with, blocked := middle(sides[0].costs), middle(sides[1].costs), middle(sides[2].costs)
	m.table.add(row{what: "processor time, a cached name: with lists over without", measured: 100 * (ratio(sides[1].costs, sides[0].costs) - 1), target: 5, unit: "%",
		remark: fmt.Sprintf("%.2f and %.2f µs, medians of %d", with, none, rounds)})
	m.table.add(row{what: "processor time, a blocked name over a cached one", measured: 100 * (ratio(sides[2].costs, sides[1].costs) - 1), target: 0.01, unit: "%",
		remark: fmt.Sprintf("%.2f µs", blocked)})
	return nil
}

// ratio is the middle of the ratios of the rounds, each of which had the same machine.
func ratio(of, to []float64) float64 {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = of[i] / to[i]
	}
	return middle(ratios)
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// reload changes all lists while questions are asked at a steady rate, cached and blocked
// ones in turn; before it they are asked as long without a reload.
func (m *measurement) reload(ctx context.Context) error {
	control, end := context.WithTimeout(ctx, m.calm)
	calm, err := m.askSteadily(control, m.with.dns, m.both)
	end()
	if err != nil {
		return err
	}
	imports, _ := m.with.took()
	busy, end := context.WithCancel(ctx)
	var failed error
	go func() {
		defer end()
		failed = m.change(ctx, imports)
	}()
	reloaded, err := m.askSteadily(busy, m.with.dns, m.both)
	if err != nil || failed != nil {
		return fmt.Errorf("reload: %w %w", err, failed)
	}
	_, took := m.with.took()
	m.table.add(row{what: "reload of all at 1,000 q/s on the same core: lost", measured: float64(reloaded.Lost), target: 0.01, unit: "queries",
		remark: fmt.Sprintf("of %d; %d of %d without a reload; it took %.1f s", reloaded.Sent, calm.Lost, calm.Sent, took.Seconds())})
	m.table.add(row{what: "reload: slowest answer", measured: reloaded.Latency.Longest / 1000, target: 10, unit: "ms",
		remark: fmt.Sprintf("%.1f ms without a reload", calm.Latency.Longest/1000)})
	m.table.add(row{what: "reload: 99.9 of 100 answers within", measured: reloaded.Latency.P999 / 1000, unit: "ms",
		remark: fmt.Sprintf("%.1f ms without a reload", calm.Latency.P999/1000)})
	return nil
}

// after is how long the questions go on when the new lists are in force.
const after = 5 * time.Second

// change adds a name to every list, and waits until that is in force.
func (m *measurement) change(ctx context.Context, imports int) error {
	for i := range listCount {
		if err := appendLine(filepath.Join(m.dir, listFile(i)), fmt.Sprintf("added-to-%02d.bench.example\n", i)); err != nil {
			return err
		}
	}
	if err := m.with.command.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	for limit := time.Now().Add(startTime); time.Now().Before(limit); {
		if now, _ := m.with.took(); now > imports {
			return pause(ctx, after)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the lists were not reloaded: %s", m.with.said)
}

func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(length):
		return nil
	}
}

func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(line); err != nil {
		return err
	}
	return file.Close()
}
