package console

import (
	"strconv"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// cell is one field of a table, or what a fact says. One kind of it is filled in.
type cell struct {
	Text    string
	Name    string    // a name of the DNS, in its own script and as A-labels
	At      time.Time // a moment
	Due     time.Time // a deadline: how long is left, and when
	Over    bool      // of Due: it has passed
	Left    string    // of Due, in words
	Purpose string    // with its mark
	Href    string    // where Text or Name leads
	Code    bool      // Text is a code or a hash
	Long    bool      // Text has lines of its own
	Number  bool
	Bad     bool // Text is a warning
	More    []cell
}

func text(said string) cell           { return cell{Text: said} }
func link(href, said string) cell     { return cell{Text: said, Href: href} }
func moment(at time.Time) cell        { return cell{At: at} }
func named(name string) cell          { return cell{Name: name} }
func code(said string) cell           { return cell{Text: said, Code: true} }
func long(said string) cell           { return cell{Text: said, Long: true} }
func bad(said string) cell            { return cell{Text: said, Bad: true} }
func several(more ...cell) cell       { return cell{More: more} }
func badge(p blocklists.Purpose) cell { return cell{Purpose: p.String()} }
func number[T int | int64 | uint64 | uint32](value T) cell {
	return cell{Text: strconv.FormatInt(int64(value), 10), Number: true}
}

// due is a deadline as of now. None is empty.
func due(at, now time.Time) cell {
	if at.IsZero() {
		return cell{}
	}
	left := at.Sub(now)
	if left < 0 {
		return cell{Due: at, Over: true, Left: clock(-left) + " over"}
	}
	return cell{Due: at, Left: clock(left)}
}

// clock is a length in at most two units, as 2 d 3 h.
func clock(length time.Duration) string {
	minutes := int(length / time.Minute)
	days, hours := minutes/(24*60), minutes/60%24
	switch {
	case days >= 10:
		return strconv.Itoa(days) + " d"
	case days > 0:
		return strconv.Itoa(days) + " d " + strconv.Itoa(hours) + " h"
	case hours > 0:
		return strconv.Itoa(hours) + " h " + strconv.Itoa(minutes%60) + " min"
	}
	return strconv.Itoa(minutes) + " min"
}

// table is rows with a heading for each column.
type table struct {
	Caption string
	Columns []string
	Rows    [][]cell
	Empty   string // what is said where there is no row
	Next    string // the address of the next page; empty on the last
}

func (t *table) add(row ...cell) { t.Rows = append(t.Rows, row) }

// Labelled pairs each field with its column's heading, which a narrow page shows before it.
func (t table) Labelled() [][]labelled {
	made := make([][]labelled, 0, len(t.Rows))
	for _, row := range t.Rows {
		fields := make([]labelled, 0, len(row))
		for i, field := range row {
			fields = append(fields, labelled{Label: t.Columns[i], Cell: field})
		}
		made = append(made, fields)
	}
	return made
}

type labelled struct {
	Label string
	Cell  cell
}

// fact is one line of a list of facts.
type fact struct {
	Label string
	Said  []cell
}

// facts are lines, those left out of which there is nothing to say.
type facts []fact

func (f *facts) add(label string, said ...cell) {
	var kept []cell
	for _, one := range said {
		if !one.empty() {
			kept = append(kept, one)
		}
	}
	if len(kept) > 0 {
		*f = append(*f, fact{Label: label, Said: kept})
	}
}

func (c *cell) empty() bool {
	return c.Text == "" && c.Name == "" && c.At.IsZero() && c.Due.IsZero() && c.Purpose == "" && len(c.More) == 0
}
