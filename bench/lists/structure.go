package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// figures is what one benchmark printed, by unit.
type figures map[string]float64

// benchmark runs one benchmark of the package in a process of its own, so that none has
// another's memory.
func (m *measurement) benchmark(ctx context.Context, which, times string) (figures, error) {
	command := exec.CommandContext(ctx, m.benchmarks, "-test.run", "^$", "-test.bench", which, "-test.benchtime", times) //nolint:gosec // the package's own benchmarks
	command.Env = append(os.Environ(), "RECOURSE_BENCH_LISTS="+m.dir, "GOMEMLIMIT=900MiB")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("benchmark %s: %w: %s", which, err, &output)
	}
	for line := range strings.Lines(output.String()) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		found := figures{}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("benchmark %s: %w in %q", which, err, line)
			}
			found[fields[i+1]] = value
		}
		return found, nil
	}
	return nil, fmt.Errorf("benchmark %s printed no figure: %s", which, &output)
}

// structure measures the index by itself.
func (m *measurement) structure(ctx context.Context) error {
	compiled, err := m.benchmark(ctx, "ListsCompile$", "1x")
	if err != nil {
		return err
	}
	m.table.add(row{what: "compile in one process, no safeguards", measured: compiled["ns/op"] / 1e9, target: m.compileTarget(), unit: "s",
		remark: fmt.Sprintf("peak %.0f MiB", compiled["MiB-peak"])})
	files, err := filepath.Glob(filepath.Join(m.dir, "bundles", "generation-*.bundle"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("not one bundle but %q: %w", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		return err
	}
	m.table.add(row{what: "on the disk", measured: float64(info.Size()) / float64(m.names), target: 30, unit: "o/entry"})
	if err := m.lookups(ctx); err != nil {
		return err
	}
	added, err := m.benchmark(ctx, "ListsWith$", "20x")
	if err != nil {
		return err
	}
	m.table.add(row{what: "one entry laid on top of the bundle", measured: added["ns/op"] / 1e6, target: 100, unit: "ms"})
	changed, err := m.benchmark(ctx, "ListsChanged$", "1x")
	if err != nil {
		return err
	}
	m.table.add(row{what: "one list of the twenty read anew", measured: changed["ns/op"] / 1e9, unit: "s"})
	return os.RemoveAll(filepath.Join(m.dir, "bundles"))
}

func (m *measurement) lookups(ctx context.Context) error {
	for _, mix := range []struct {
		name         string
		lookup, size float64
	}{{"absent", 500, 0}, {"reference", 0, 12}, {"uniform", 3000, 20}} {
		found, err := m.benchmark(ctx, "ListsMatch/"+mix.name, "500000x")
		if err != nil {
			return err
		}
		m.table.add(row{what: "lookup of every label, " + mix.name, measured: found["ns/op"], target: mix.lookup, unit: "ns",
			remark: fmt.Sprintf("%.0f ns of processor time, %.0f allocations, %.1f %% found", found["cpu-ns/op"], found["allocs/op"], found["%found"])})
		if mix.size > 0 {
			m.table.add(row{what: "resident of the index, " + mix.name + " mix", measured: found["octets/entry"], target: m.when10M(mix.size), unit: "o/entry"})
		}
	}
	return nil
}
