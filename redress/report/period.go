package report

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress/audit"
)

// Period is the days that a report is about, both included, UTC.
type Period struct{ From, To time.Time }

// maxYears bounds a period.
const maxYears = 50

// ParsePeriod reads two dates. An empty end is yesterday, the last day that is over; an empty beginning is a
// year before the end.
func ParsePeriod(from, to string, now time.Time) (Period, error) {
	made := Period{To: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)}
	var err error
	if to != "" {
		if made.To, err = time.Parse(time.DateOnly, to); err != nil {
			return made, fmt.Errorf("to: %.40q is no date as 2026-12-31", to)
		}
	}
	made.From = made.To.AddDate(-1, 0, 1)
	if from != "" {
		if made.From, err = time.Parse(time.DateOnly, from); err != nil {
			return made, fmt.Errorf("from: %.40q is no date as 2026-01-01", from)
		}
	}
	switch {
	case made.To.Before(made.From):
		return made, errors.New("the period ends before it begins")
	case made.From.Year() < 1970 || made.From.AddDate(maxYears, 0, 0).Before(made.To):
		return made, fmt.Errorf("the period is longer than %d years, or begins before 1970", maxYears)
	}
	return made, nil
}

// totals are all days of a period in one.
type totals struct {
	book   *Book
	from   int32
	to     int32
	counts map[string]int64
	gauges map[string]int64 // as they stood at the end
	times  map[string]map[int32]int64
	staff  audit.StaffFacts
}

func (b *Book) totals(period Period) *totals {
	t := &totals{book: b, from: dayOf(period.From), to: dayOf(period.To), counts: map[string]int64{}, gauges: map[string]int64{}, times: map[string]map[int32]int64{}}
	for _, number := range slices.Sorted(maps.Keys(b.Days)) {
		if number > t.to {
			break
		}
		day := b.Days[number]
		maps.Copy(t.gauges, day.Gauges)
		if number < t.from {
			continue
		}
		for key, n := range day.Counts {
			t.counts[key] += n
		}
		for key, lengths := range day.Times {
			if t.times[key] == nil {
				t.times[key] = map[int32]int64{}
			}
			for length, n := range lengths {
				t.times[key][length] += n
			}
		}
	}
	for _, staff := range b.Staff {
		if staff.Day <= t.to {
			t.staff = staff.Is
		}
	}
	return t
}

// of gives a count.
func (t *totals) of(parts ...string) int64 { return t.counts[keyOf(parts...)] }

// sum adds all counts that begin so.
func (t *totals) sum(parts ...string) int64 {
	sum := int64(0)
	for _, rest := range t.below(parts...) {
		sum += t.of(append(parts[:len(parts):len(parts)], rest...)...)
	}
	return sum + t.of(parts...)
}

// below are the further parts of all keys of counts that begin so, sorted.
func (t *totals) below(parts ...string) [][]string {
	return partsBelow(t.counts, keyOf(parts...)+separator)
}

// timed are those of what was timed.
func (t *totals) timed(parts ...string) [][]string {
	return partsBelow(t.times, keyOf(parts...)+separator)
}

func partsBelow[V any](in map[string]V, prefix string) [][]string {
	var found [][]string
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if rest, is := strings.CutPrefix(key, prefix); is {
			found = append(found, strings.Split(rest, separator))
		}
	}
	return found
}

// length gives how many lengths there are and the one that a share of them does not exceed, in minutes:
// the nearest rank.
func (t *totals) length(share float64, parts ...string) (count, minutes int64) {
	lengths := t.times[keyOf(parts...)]
	for _, n := range lengths {
		count += n
	}
	if count == 0 {
		return 0, 0
	}
	rank := int64(share*float64(count) + 0.999999)
	for _, length := range slices.Sorted(maps.Keys(lengths)) {
		if rank -= lengths[length]; rank <= 0 {
			return count, int64(length)
		}
	}
	return count, 0
}

// lists are those that were in force at the end, or that something was counted of, with what is known of each.
func (t *totals) lists() []string {
	found := map[string]bool{}
	for _, rest := range partsBelow(t.gauges, keyOf("active")+separator) {
		found[rest[0]] = true
	}
	for _, metric := range []string{"added", "removed", "blocked", "held", "lifted"} {
		for _, rest := range t.below(metric) {
			found[rest[0]] = true
		}
	}
	delete(found, "")
	return slices.Sorted(maps.Keys(found))
}

func (t *totals) gauge(parts ...string) int64 { return t.gauges[keyOf(parts...)] }

// Balance is that what came in is what went out and what is left, of one purpose and list.
type Balance struct {
	Purpose  string `json:"purpose"`
	List     string `json:"list"`
	Before   int64  `json:"open_before"`
	Received int64  `json:"received"`
	Reopened int64  `json:"reopened"`
	Closed   int64  `json:"closed"`
	Open     int64  `json:"open"`
}

// ErrBalance says that the totals of a report do not reconcile: the log lacks something, or
// this program is wrong.
var ErrBalance = errors.New("the report does not reconcile")

// balances holds received cases against closed and open ones, whom the book counts apart.
func (b *Book) balances(period Period) ([]Balance, error) {
	type place struct{ purpose, list string }
	all := map[place]*Balance{}
	at := func(purpose, list string) *Balance {
		if all[place{purpose, list}] == nil {
			all[place{purpose, list}] = &Balance{Purpose: purpose, List: list}
		}
		return all[place{purpose, list}]
	}
	open := map[place]int64{}
	for _, one := range b.Open {
		open[place{one.Purpose, one.List}]++
		at(one.Purpose, one.List)
	}
	ever := map[place]int64{}
	from, to := dayOf(period.From), dayOf(period.To)
	for number, day := range b.Days {
		for key, n := range day.Counts {
			parts := strings.Split(key, separator)
			if len(parts) != 3 || parts[0] != "received" && parts[0] != "reopened" && parts[0] != "closed" {
				continue
			}
			ever[place{parts[1], parts[2]}] += at(parts[1], parts[2]).take(parts[0], n, number, from, to)
		}
	}
	var wrong []string
	made := make([]Balance, 0, len(all))
	for where, balance := range all {
		if ever[where] != open[where] || balance.Before < 0 || balance.Open != balance.Before+balance.Received+balance.Reopened-balance.Closed {
			wrong = append(wrong, fmt.Sprintf("purpose %s, list %q: %d are open by what was received and closed, and %d are open", where.purpose, where.list, ever[where], open[where]))
		}
		made = append(made, *balance)
	}
	slices.SortFunc(made, func(a, b Balance) int { return strings.Compare(a.Purpose+separator+a.List, b.Purpose+separator+b.List) })
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return nil, fmt.Errorf("%w: %s", ErrBalance, strings.Join(wrong, "; "))
	}
	return made, nil
}

// take adds what was counted on a day, and says by how much it changes what is open.
func (b *Balance) take(what string, n int64, day, from, to int32) int64 {
	moved := n
	if what == "closed" {
		moved = -n
	}
	if day < from {
		b.Before += moved
	}
	if day <= to {
		b.Open += moved
	}
	if day < from || day > to {
		return moved
	}
	switch what {
	case "received":
		b.Received += n
	case "reopened":
		b.Reopened += n
	case "closed":
		b.Closed += n
	}
	return moved
}
