package report

import (
	"fmt"
	"slices"
	"strings"
)

// partsOf gives the metric of a key and its last part.
func partsOf(key string) (metric, last string) {
	metric, _, _ = strings.Cut(key, separator)
	return metric, key[strings.LastIndex(key, separator)+1:]
}

func (t *totals) identification(of *Transparency) Table {
	made := Table{Title: "This report", Splits: []string{"what", "is"}, Measures: []string{}}
	for _, row := range [][]string{
		{"operator", of.Operator}, {"portal", of.Portal}, {"from", of.From}, {"to", of.To}, {"last event", fmt.Sprint(of.Log.Sequence)}, {"its hash", of.Log.Hash},
	} {
		made.add(row)
	}
	return made
}

func (t *totals) orders() Table {
	made := Table{Metric: 1, Title: "Orders received", Splits: []string{"state", "authority", "category", "taken as"}, Measures: []string{"orders"}}
	for _, rest := range t.below("orders") {
		made.add(rest, number(t.of(append([]string{"orders"}, rest...)...)))
	}
	return made
}

func (t *totals) deficiencies() Table {
	made := Table{Metric: 1, Title: "Orders that lack what Article 9 asks for", Splits: []string{"state", "field"}, Measures: []string{"orders"}}
	for _, rest := range t.below("order missing") {
		made.add(rest, number(t.of(append([]string{"order missing"}, rest...)...)))
	}
	return made
}

// firsts are the different first parts, in order.
func firsts(of ...[][]string) []string {
	var found []string
	for _, parts := range of {
		for _, rest := range parts {
			found = append(found, rest[0])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (t *totals) orderTimes() Table {
	made := Table{
		Metric: 2, Title: "From receipt to acknowledgement and to effect", Note: "In minutes.", Splits: []string{"state"},
		Measures: []string{"acknowledged", "median to acknowledge", "95th percentile", "in effect", "median to effect", "95th percentile of effect", "late"},
	}
	for _, state := range firsts(t.timed("acknowledged"), t.timed("order effect"), t.below("orders late")) {
		acknowledged, first, firstHigh := t.minutes("acknowledged", state)
		effective, second, secondHigh := t.minutes("order effect", state)
		made.add([]string{state}, acknowledged, first, firstHigh, effective, second, secondHigh, number(t.of("orders late", state)))
	}
	return made
}

func (t *totals) orderChanges() Table {
	made := Table{Metric: 2, Title: "What became of orders", Splits: []string{"state", "what"}, Measures: []string{"orders"}}
	for _, rest := range t.below("order changes") {
		made.add(rest, number(t.of(append([]string{"order changes"}, rest...)...)))
	}
	return made
}

func (t *totals) information() Table {
	made := Table{Metric: 3, Title: "Orders for information", Splits: []string{"state", "authority", "answer"}, Measures: []string{"orders"}}
	for _, rest := range t.below("information") {
		made.add(rest, number(t.of(append([]string{"information"}, rest...)...)))
	}
	return made
}

func (t *totals) received() Table {
	made := Table{Metric: 7, Title: "Cases received, by who filed", Splits: []string{"purpose", "category", "actor"}, Measures: []string{"cases"}}
	for _, rest := range t.below("filed") {
		made.add(rest, number(t.of(append([]string{"filed"}, rest...)...)))
	}
	return made
}

func (t *totals) verified() Table {
	made := Table{Metric: 7, Title: "Cases whose party proved control of the name", Splits: []string{"purpose", "method"}, Measures: []string{"cases"}}
	for _, rest := range t.below("verified") {
		made.add(rest, number(t.of(append([]string{"verified"}, rest...)...)))
	}
	return made
}

func (t *totals) entries() Table {
	made := Table{
		Metric: 4, Title: "Entries of lists", Note: "Active, expired and past review are as at the end of the period. Secret lists are not in this report.",
		Splits: []string{"purpose", "list", "category", "scope"}, Measures: []string{"active", "added", "removed", "expired", "past review"},
	}
	for _, list := range t.lists() {
		of := t.book.Lists[list]
		made.add([]string{t.book.purposeOf(list), list, of.Category, of.Scope}, number(t.gauge("active", list)), number(t.of("added", list)),
			number(t.of("removed", list)), number(t.gauge("expired", list)), number(t.gauge("past review", list)))
	}
	return made
}

// purposes are those that are reported, in order.
func purposes() []string { return []string{"law", "security", "user"} }

func (t *totals) ages() Table {
	made := Table{
		Metric: 5, Title: "Age of entries", Note: "At the end of the period. The median is at most so many days: ages are counted in powers of two.",
		Splits: []string{"purpose"}, Measures: []string{"entries", "median days at most", "share without end or review"},
	}
	for _, purpose := range purposes() {
		ages, all, endless := [16]int64{}, int64(0), int64(0)
		for _, list := range t.lists() {
			if t.book.purposeOf(list) != purpose || t.gauge("active", list) == 0 {
				continue
			}
			endless += t.gauge("no end", list)
			for power := range ages {
				count := t.gauge("age", list, fmt.Sprint(1<<power))
				ages[power], all = ages[power]+count, all+count
			}
		}
		made.add([]string{purpose}, number(all), medianAge(ages, all), ratio(endless, all))
	}
	return made
}

func medianAge(ages [16]int64, all int64) *float64 {
	if all == 0 {
		return nil
	}
	rank := (all + 1) / 2
	for power, count := range ages {
		if rank -= count; rank <= 0 {
			return number(1 << power)
		}
	}
	return nil
}

func (t *totals) blocked() Table {
	made := Table{
		Metric: 6, Title: "Answers that lists withheld", Splits: []string{"purpose", "list"}, Measures: []string{"answers", "share of all"},
		Note: "Counted by list and day only, rounded to 100, for resolvers of at least 1,000 clients; fewer are not published.",
	}
	all := t.of("answers")
	for _, list := range t.below("blocked") {
		blocked := t.of("blocked", list[0])
		made.add([]string{t.book.purposeOf(list[0]), list[0]}, number(blocked), ratio(blocked, all))
	}
	return made
}

func (t *totals) cases(balances []Balance) Table {
	made := Table{
		Metric: 7, Title: "Cases", Splits: []string{"purpose", "list"}, Measures: []string{"open before", "received", "reopened", "closed", "open"},
		Note: "Cases of purpose undisclosed were about no block of ours, or about one of which nothing may be said.",
	}
	for _, one := range balances {
		made.add([]string{one.Purpose, one.List}, number(one.Before), number(one.Received), number(one.Reopened), number(one.Closed), number(one.Open))
	}
	return made
}

func (t *totals) outcomes() Table {
	made := Table{Metric: 8, Title: "What became of cases", Splits: []string{"purpose", "list", "outcome"}, Measures: []string{"times"}}
	for _, rest := range t.below("outcome") {
		made.add(rest, number(t.of(append([]string{"outcome"}, rest...)...)))
	}
	return made
}

func (t *totals) basis() Table {
	made := Table{Metric: 7, Title: "Decisions, by what was asked", Splits: []string{"purpose", "question", "outcome", "decided by"}, Measures: []string{"decisions"}}
	for _, rest := range t.below("decided") {
		made.add(rest, number(t.of(append([]string{"decided"}, rest...)...)))
	}
	return made
}

func (t *totals) caseTimes() Table {
	made := Table{
		Metric: 9, Title: "How long it took", Splits: []string{"purpose", "from", "to"}, Measures: []string{"times", "median", "95th percentile"},
		Note: "In minutes. A receipt is given with the filing. Lengths are counted to the minute up to two hours; to a quarter of an hour up to three days; to the hour up to thirty days; then to the day.",
	}
	for _, what := range [][3]string{{"relief", "filing", "interim relief"}, {"decision", "filing", "decision"}, {"effect", "decision", "effect"}} {
		for _, purpose := range t.timed(what[0]) {
			count, median, high := t.minutes(what[0], purpose[0])
			made.add([]string{purpose[0], what[1], what[2]}, count, median, high)
		}
	}
	for _, purpose := range firsts(t.below("received")) {
		made.add([]string{purpose, "filing", "receipt"}, number(t.sum("received", purpose)), number(0), number(0))
	}
	return made
}

func (t *totals) missed() Table {
	made := Table{Metric: 9, Title: "Deadlines of ours that were missed", Splits: []string{"purpose"}, Measures: []string{"times"}}
	for _, purpose := range firsts(t.below("missed")) {
		made.add([]string{purpose}, number(t.of("missed", purpose)))
	}
	return made
}

func (t *totals) appeals() Table {
	made := Table{
		Metric: 10, Title: "Appeals, and disputes before other bodies", Splits: []string{"purpose"},
		Measures: []string{"appeals", "decided", "reversed on appeal", "before other bodies", "median minutes there", "in force"},
	}
	for _, purpose := range firsts(t.below("appeals"), t.below("appeal decided"), t.below("external")) {
		decided := t.sum("appeal decided", purpose)
		_, median, _ := t.minutes("external", purpose)
		made.add([]string{purpose}, number(t.of("appeals", purpose)), number(decided), number(decided-t.of("appeal decided", purpose, "upheld")),
			number(t.sum("external", purpose)), median, number(t.of("external in force", purpose)))
	}
	return made
}

func (t *totals) misuse() Table {
	made := Table{Metric: 15, Title: "Warnings and suspensions for misuse", Splits: []string{"what"}, Measures: []string{"times"}}
	for _, what := range []string{"warned", "suspended"} {
		made.add([]string{what}, number(t.of("misuse", what)))
	}
	return made
}
