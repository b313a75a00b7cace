package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/recourse-dns/recourse/bench/peer"
)

// floorThen is what a million echoes took when limits were set, in processor seconds.
const floorThen = 5.7

// limits are what ours may take for a million answers, in processor seconds of that time. Of
// UDP the limit is 1.2 times the echo; HTTP/3's is 1.3 times ours over QUIC.
var limits = map[string]float64{peer.UDP: 1.2 * floorThen, peer.TCP: 6, peer.DoT: 13, peer.DoH: 28, peer.DoQ: 38}

const (
	mostOfUnbound = 0.85 // on UDP
	mostOfDoQ     = 1.3  // of HTTP/3
)

type place struct{ door, server string }

// table is samples by door and server, in the order of the rounds.
type table struct{ samples map[place][]sample }

func newTable() *table { return &table{samples: make(map[place][]sample)} }

func (t *table) add(door, server string, s sample) {
	at := place{door, server}
	t.samples[at] = append(t.samples[at], s)
}

// costs, users and rates are one server's on one door.
func (t *table) costs(door, server string) []float64 {
	return pick(t.samples[place{door, server}], func(s sample) float64 { return s.cost })
}

func (t *table) users(door, server string) []float64 {
	return pick(t.samples[place{door, server}], func(s sample) float64 { return s.user })
}

func (t *table) rates(door, server string) []float64 {
	return pick(t.samples[place{door, server}], func(s sample) float64 { return s.rate })
}

func pick(from []sample, figure func(sample) float64) []float64 {
	all := make([]float64, len(from))
	for i, s := range from {
		all[i] = figure(s)
	}
	return all
}

// ratio is the median of the ratios of the rounds; 0 where one side was not measured.
func ratio(of, to []float64) float64 {
	if len(of) == 0 || len(of) != len(to) {
		return 0
	}
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = of[i] / to[i]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

func (t *table) print(to io.Writer, doors []string) {
	fmt.Fprintf(to, "%-5s %-9s %9s %17s %8s %10s %9s %11s\n", "door", "server", "CPU-s/Mq", "(least to most)", "user", "answers/s", "of echo", "of Unbound")
	for _, door := range doors {
		for _, server := range peer.Servers("", "") {
			costs := t.costs(door, server.Name)
			if len(costs) == 0 {
				continue
			}
			spread := fmt.Sprintf("(%.1f to %.1f)", slices.Min(costs), slices.Max(costs))
			fmt.Fprintf(to, "%-5s %-9s %9.2f %17s %8.2f %10.0f %9s %11s\n", door, server.Name, median(costs), spread, median(t.users(door, server.Name)), median(t.rates(door, server.Name)),
				shown(ratio(costs, t.costs(peer.UDP, "echo"))), shown(ratio(costs, t.costs(door, "unbound"))))
		}
	}
	fmt.Fprintln(to)
	for _, door := range doors {
		for _, line := range t.judge(door) {
			fmt.Fprintln(to, line)
		}
	}
}

func shown(ratio float64) string {
	if ratio == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio)
}

// judge holds ours against its limits on one door.
func (t *table) judge(door string) []string {
	ours := t.costs(door, "recourse")
	var lines []string
	against := func(what string, other []float64, most float64) {
		if got := ratio(ours, other); got > 0 {
			verdict := "met"
			if got > most {
				verdict = "missed"
			}
			lines = append(lines, fmt.Sprintf("%-5s %-12s %5.2f, at most %.2f: %s", door, what, got, most, verdict))
		}
	}
	if limit, set := limits[door]; set {
		against("of echo", t.costs(peer.UDP, "echo"), limit/floorThen)
	}
	if door == peer.UDP {
		against("of Unbound", t.costs(door, "unbound"), mostOfUnbound)
	}
	if door == peer.DoH3 {
		against("of our DoQ", t.costs(peer.DoQ, "recourse"), mostOfDoQ)
	}
	return lines
}
