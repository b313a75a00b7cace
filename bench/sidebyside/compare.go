package main

import (
	"slices"
	"strings"
)

// unexplained is the id of what no expectation is about.
const unexplained = "?"

// row is one question on which not all agree with us.
type row struct {
	Question string
	// Answers by resolver.
	Answers map[string]answer
	// Reasons by peer that differs from us: the id of the expectation.
	Reasons map[string]string

	question question
}

// isExplained says whether every difference has its expectation.
func (r row) isExplained() bool {
	for _, id := range r.Reasons {
		if id == unexplained {
			return false
		}
	}
	return true
}

// reasons lists the ids without repetition.
func (r row) reasons() string {
	var ids []string
	for _, id := range r.Reasons {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), " ")
}

// comparison is all that was asked and answered. Names begins with ours.
type comparison struct {
	names    []string
	asked    []question
	answers  map[string][]answer
	expected []expectation
}

// differing lists the numbers of the questions on which a peer differs from us.
func (c comparison) differing() []int {
	var numbers []int
	for i := range c.asked {
		ours := c.answers[c.names[0]][i]
		if slices.ContainsFunc(c.names[1:], func(peer string) bool { return !ours.same(c.answers[peer][i]) }) {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// row explains one question.
func (c comparison) row(i int) row {
	r := row{Question: c.asked[i].String(), question: c.asked[i], Answers: map[string]answer{}, Reasons: map[string]string{}}
	for _, name := range c.names {
		r.Answers[name] = c.answers[name][i]
	}
	ours := r.Answers[c.names[0]]
	for _, peer := range c.names[1:] {
		if theirs := r.Answers[peer]; !ours.same(theirs) {
			r.Reasons[peer] = c.reason(c.asked[i], peer, ours, theirs)
		}
	}
	return r
}

func (c comparison) reason(q question, peer string, ours, theirs answer) string {
	for _, e := range c.expected {
		if e.explains(q, peer, ours, theirs) {
			return e.id
		}
	}
	return unexplained
}

// sides says who agrees with whom: resolvers with one answer stand together,
// largest camp first, ours marked by its name alone.
func (r row) sides(names []string) string {
	var camps []string
	done := map[string]bool{}
	for _, name := range names {
		if done[name] {
			continue
		}
		var camp []string
		for _, other := range names {
			if r.Answers[name].same(r.Answers[other]) {
				camp, done[other] = append(camp, other), true
			}
		}
		camps = append(camps, strings.Join(camp, "=")+" "+r.Answers[name].Outcome)
	}
	return strings.Join(camps, " | ")
}
