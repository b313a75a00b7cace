package main

import (
	"fmt"
	"io"
	"strings"
)

// row is one figure beside its target.
type row struct {
	what     string
	measured float64
	target   float64 // at most; 0 where there is none
	unit     string
	remark   string
}

// table is what was measured so far.
type table struct{ rows []row }

func (t *table) add(r row) {
	t.rows = append(t.rows, r)
	fmt.Printf("… %s: %s %s\n", r.what, number(r.measured), r.unit)
}

func (r *row) verdict() string {
	switch {
	case r.target == 0:
		return ""
	case r.measured <= r.target:
		return "met"
	}
	return "MISSED"
}

func (t *table) print(to io.Writer) {
	const line = "%-58s %10s %10s  %-8s %-7s %s\n"
	fmt.Fprintf(to, line, "", "measured", "target", "", "", "")
	for i := range t.rows {
		r := &t.rows[i]
		target := "-"
		if r.target != 0 {
			target = number(r.target)
		}
		fmt.Fprint(to, strings.TrimRight(fmt.Sprintf(line, r.what, number(r.measured), target, r.unit, r.verdict(), r.remark), " \n"), "\n")
	}
}

// number writes three digits that count.
func number(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}
