package report

import "strings"

func (t *totals) detection() Table {
	made := Table{
		Metric: 13, Title: "How entries came to be listed", Note: "By the lists in force at the end of the period.", Splits: []string{"detection"},
		Measures: []string{"entries", "share"},
	}
	counts, all := map[string]int64{}, int64(0)
	for _, rest := range partsBelow(t.gauges, keyOf("detected")+separator) {
		if len(rest) == 2 {
			active := t.gauge("active", rest[0])
			counts[rest[1]], all = counts[rest[1]]+active, all+active
		}
	}
	for _, how := range []string{"automated", "human", "notice"} {
		made.add([]string{how}, number(counts[how]), ratio(counts[how], all))
	}
	return made
}

func (t *totals) automation() Table {
	made := Table{
		Metric: 13, Title: "Decisions without a person, and errors", Note: "Automation may unblock, ask or escalate; only a person refuses. The error rate is reversed decisions by all decided.",
		Splits: []string{"purpose"}, Measures: []string{"decided", "decided without a person", "relieved without a person", "reversed", "error rate"},
	}
	for _, purpose := range firsts(t.below("decided"), t.below("relieved")) {
		decided, alone, reversed := int64(0), int64(0), int64(0)
		for _, rest := range t.below("decided", purpose) { // question, outcome, role
			count := t.of("decided", purpose, rest[0], rest[1], rest[2])
			decided += count
			if rest[2] == "system" {
				alone += count
			}
			if rest[1] != "upheld" {
				reversed += count
			}
		}
		made.add([]string{purpose}, number(decided), number(alone), number(t.of("relieved", purpose, "system")), number(reversed), ratio(reversed, decided))
	}
	return made
}

func (t *totals) people() Table {
	made := Table{Metric: 16, Title: "Reviewers", Splits: []string{"languages"}, Measures: []string{"reviewers", "training hours"}}
	made.add([]string{strings.Join(t.staff.Languages, " ")}, number(int64(t.staff.Reviewers)), number(int64(t.staff.TrainingHours)))
	return made
}

func (t *totals) recipients() Table {
	made := Table{Title: "Clients, as the operator says", Splits: []string{"what"}, Measures: []string{"clients"}}
	var clients *float64
	if t.staff.Clients > 0 {
		clients = number(int64(t.staff.Clients))
	}
	made.add([]string{"clients"}, clients)
	return made
}

func (t *totals) tooMuch() Table {
	made := Table{
		Metric: 11, Title: "Over-blocking", Note: "Minutes are how long blocks that were lifted later had been live, where that is known.",
		Splits: []string{"list"}, Measures: []string{"entries held by a safeguard", "held entries let go", "later lifted", "minutes live"},
	}
	for _, list := range t.lists() {
		made.add([]string{list}, number(t.of("held", list)), number(t.of("waived", list)), number(t.of("lifted", list)), number(t.of("live minutes", list)))
	}
	return made
}

// perEntries is of how many active entries a list's score is.
const perEntries = 10_000

func (t *totals) scores() Table {
	made := Table{
		Metric: 12, Title: "Score of lists", Note: "Lifted blocks for each 10,000 active entries at the end of the period, and minutes from a filing to its effect.",
		Splits: []string{"list"}, Measures: []string{"lifted", "per 10,000 entries", "median minutes to correct"},
	}
	for _, list := range t.lists() {
		_, median, _ := t.minutes("corrected", list)
		made.add([]string{list}, number(t.of("lifted", list)), ratio(t.of("lifted", list)*perEntries, t.gauge("active", list)), median)
	}
	return made
}

func (t *totals) choices() Table {
	made := Table{
		Metric: 14, Title: "Passes and opt-outs", Note: "Passes past a block of security that were used; profiles that were left. Of resolvers of at least 1,000 clients.",
		Splits: []string{"what"}, Measures: []string{"times"},
	}
	made.add([]string{"passes used"}, number(t.of("passes")))
	made.add([]string{"opt-outs"}, number(t.of("opt-outs")))
	return made
}
