package parse

import (
	"fmt"
	"math"
	"time"
	_ "time/tzdata" // registers have dates in their country's time, also where the machine knows no zones
)

// maxDates is how many dates are remembered: a register has few, many times each.
const maxDates = 4096

// dateLayouts are the dates of registers: days first where they are not years first. A
// month first is read by nobody in Europe, and cannot be told from a day.
var dateLayouts = []string{
	"2006-01-02", "2.1.2006", "2/1/2006", "2-1-2006", "2006/01/02", "2006.01.02", "20060102",
	"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04",
	"2.1.2006 15:04:05", "2.1.2006 15:04", "2/1/2006 15:04:05", "2/1/2006 15:04",
}

// date reads a date of a list, in the list's time zone unless it names its own; 0 for none.
func (p *parser) date(text []byte, what string) (seconds uint32, reason string) {
	if len(text) == 0 {
		return 0, ""
	}
	if known, ok := p.dates[string(text)]; ok {
		return known, ""
	}
	if len(text) > 40 {
		return 0, "the date it was " + what + " is none"
	}
	at, ok := readDate(string(text), p.location)
	if !ok {
		return 0, fmt.Sprintf("the date it was %s is not understood: %q", what, printable(string(text)))
	}
	// Long ago is not the same as no date, which is 0.
	seconds = uint32(min(max(at.Unix(), 1), math.MaxUint32))
	if p.dates == nil || len(p.dates) >= maxDates {
		p.dates = make(map[string]uint32)
	}
	p.dates[string(text)] = seconds
	return seconds, ""
}

func readDate(text string, in *time.Location) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	for _, layout := range dateLayouts {
		if at, err := time.ParseInLocation(layout, text, in); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
