package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

// group is all questions with the same differences for the same reasons.
type group struct {
	reasons string
	sides   string
	rows    []row
}

// grouped puts rows together, what is unexplained first, then by size.
func grouped(rows []row, names []string) []group {
	byKey := map[string]*group{}
	for _, r := range rows {
		g := group{reasons: r.reasons(), sides: r.sides(names)}
		key := g.reasons + "\n" + g.sides
		if byKey[key] == nil {
			byKey[key] = &g
		}
		byKey[key].rows = append(byKey[key].rows, r)
	}
	var groups []group
	for _, g := range byKey {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(
			-cmp.Compare(unexplainedIn(a), unexplainedIn(b)),
			cmp.Compare(a.reasons, b.reasons),
			-cmp.Compare(len(a.rows), len(b.rows)),
			cmp.Compare(a.sides, b.sides))
	})
	return groups
}

func unexplainedIn(g group) int {
	if g.rows[0].isExplained() {
		return 0
	}
	return 1
}

const examples = 3

// printGroups writes the groups as a table: how many, why, who sides with whom, examples.
func printGroups(to io.Writer, groups []group) {
	for _, g := range groups {
		fmt.Fprintf(to, "%6d  %-28s %s\n", len(g.rows), g.reasons, g.sides)
		for i, r := range g.rows {
			if i == examples {
				break
			}
			fmt.Fprintf(to, "%8s%s\n", "", r.Question)
		}
	}
}

// printReasons counts for each reason and peer the questions on which they differ.
func printReasons(to io.Writer, rows []row, names []string) {
	counts := map[string]map[string]int{}
	for _, r := range rows {
		for peer, id := range r.Reasons {
			if counts[id] == nil {
				counts[id] = map[string]int{}
			}
			counts[id][peer]++
		}
	}
	fmt.Fprintf(to, "%-24s", "differs from ours")
	for _, peer := range names[1:] {
		fmt.Fprintf(to, "%10s", peer)
	}
	fmt.Fprintln(to)
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(to, "%-24s", id)
		for _, peer := range names[1:] {
			fmt.Fprintf(to, "%10d", counts[id][peer])
		}
		fmt.Fprintln(to)
	}
}

// printUnseen lists the expectations of which there was no example.
func printUnseen(to io.Writer, rows []row, expected []expectation) {
	seen := map[string]bool{}
	for _, r := range rows {
		for _, id := range r.Reasons {
			seen[id] = true
		}
	}
	for _, e := range expected {
		if !seen[e.id] {
			fmt.Fprintf(to, "expected and not seen: %s\n", e.id)
			seen[e.id] = true
		}
	}
}
