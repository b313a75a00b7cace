package statements

import (
	"slices"
	"strings"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
)

// subject is which case, entry and name it is about.
func (l *letter) subject() {
	l.add(l.tongue.Say("head.case"), string(l.of.Case))
	l.add(l.tongue.Say("head.code"), l.of.Code)
	name := l.of.Name
	if l.of.Scope != "" {
		name += ": " + l.tongue.Word("scope", l.of.Scope)
	}
	l.add(l.tongue.Say("head.name"), name)
}

// decision is what was asked and answered, and what becomes of the name.
func (l *letter) decision() {
	s := l.of
	if s.Question != "" {
		l.add(l.tongue.Say("head.question"), l.tongue.Word("question", s.Question))
	}
	exact := ""
	if s.NarrowScope != "" {
		exact = l.tongue.Say("keeps.exact")
	}
	l.add(l.tongue.Say("head.decision"), l.tongue.Word("what", s.What),
		l.when(s.NarrowTo, "keeps", "name", s.NarrowTo), exact,
		l.when(strings.Join(s.Except, ""), "except", "names", strings.Join(s.Except, ", ")))
}

// reach is where, how long and since when it holds.
func (l *letter) reach() {
	s := l.of
	where := l.tongue.Say("everywhere")
	if len(s.Territory) > 0 {
		where = l.tongue.Say("only", "where", strings.Join(s.Territory, ", "))
	}
	l.add(l.tongue.Say("head.where"), where)
	l.add(l.tongue.Say("head.long"), l.duration()...)
	switch {
	case s.What == redress.StaysBlocked, s.What == redress.IsReferred:
	case s.Effect != nil:
		l.add(l.tongue.Say("head.effect"), l.tongue.Say("effect.since", "moment", l.moment(s.Effect.At)))
	case s.What == redress.OpenLater:
		l.add(l.tongue.Say("head.effect"), l.tongue.Say("effect.later", "moment", l.moment(s.Until)))
	default:
		l.add(l.tongue.Say("head.effect"), l.tongue.Say("effect.soon"))
	}
}

// duration is since when the block was there, and when it ends or is looked at again.
func (l *letter) duration() []string {
	s := l.of
	var lines []string
	if !s.From.IsZero() {
		lines = append(lines, l.tongue.Say("since", "day", l.day(s.From)))
	}
	switch {
	case s.What == redress.Unblocked:
		return lines
	case !s.Until.IsZero():
		lines = append(lines, l.tongue.Say("until", "day", l.day(s.Until)))
	default:
		lines = append(lines, l.tongue.Say("endless"))
	}
	if !s.ReviewBy.IsZero() {
		lines = append(lines, l.tongue.Say("review", "day", l.day(s.ReviewBy)))
	}
	return lines
}

// why is the ground, what it rests on, and how it came about.
func (l *letter) why() {
	s := l.of
	var acts []string
	for _, basis := range s.LegalBasis {
		acts = append(acts, strings.TrimSpace(basis.Act+" "+basis.Article))
	}
	if s.Purpose != "" {
		l.add(l.tongue.Say("head.ground"), l.tongue.Word("ground", s.Purpose),
			l.when(s.Category, "category", "category", l.tongue.Word("category", s.Category)),
			l.when(s.Authority, "authority", "authority", s.Authority), l.when(s.Order, "order", "order", s.Order),
			l.when(strings.Join(acts, ""), "acts", "acts", strings.Join(acts, "; ")))
	}
	l.quote(l.tongue.Say("head.facts"), s.Facts)
	if s.Summarised {
		l.add(l.tongue.Say("head.summary"), l.tongue.Say("summary"))
	}
	l.quote(l.tongue.Say("head.reason"), s.Ground)
	found := ""
	if slices.Contains([]policy.Detection{policy.Automated, policy.Human, policy.Notice}, s.Detection) {
		found = l.tongue.Word("found", s.Detection)
	}
	l.add(l.tongue.Say("head.source"), l.tongue.Word("source", s.Source), found)
}

// who decided, and who else had a part in it.
func (l *letter) who() {
	s := l.of
	if s.DecidedBy == "" {
		return
	}
	second, body := "", ""
	if s.SecondBy != "" {
		second = l.tongue.Say("second", "actor", l.tongue.Word("actor", s.SecondBy))
	}
	if s.Body != "" {
		body = l.tongue.Say("body", "body", s.Body, "ref", s.Ref)
	}
	automated := l.tongue.Say("person")
	if s.Automated {
		automated = l.tongue.Say("program")
	}
	l.add(l.tongue.Say("head.by"), l.tongue.Say("by", "actor", l.tongue.Word("actor", s.DecidedBy), "moment", l.moment(s.At)), body, automated, second)
}

// remedies are what can be done next, each with its time, language and cost.
func (l *letter) remedies() {
	var lines []string
	for i := range l.of.Remedies {
		lines = append(lines, l.remedy(&l.of.Remedies[i]))
	}
	if len(lines) == 0 {
		lines = []string{l.tongue.Say("nothing")}
	}
	l.add(l.tongue.Say("head.remedies"), lines...)
}

func (l *letter) remedy(r *redress.Remedy) string {
	said := []string{l.tongue.Word("remedy", r.Kind)}
	if where := strings.TrimSpace(r.Name + " " + r.URL); where != "" {
		said = append(said, where+".")
	}
	switch {
	case !r.Until.IsZero():
		said = append(said, l.tongue.Say("last", "moment", l.moment(r.Until)))
	case r.Deadline != "" && r.From != "":
		said = append(said, l.tongue.Say("counted", "length", l.length(r.Deadline), "from", l.tongue.Word("from", r.From)))
	case r.Deadline != "":
		said = append(said, l.tongue.Say("long", "length", l.length(r.Deadline)))
	case r.From != "":
		said = append(said, l.tongue.Say("uncounted", "from", l.tongue.Word("from", r.From)))
	}
	if len(r.Languages) > 0 {
		said = append(said, l.tongue.Say("spoken", "languages", l.names(r.Languages)))
	}
	switch r.Cost {
	case "":
	case "free":
		said = append(said, l.tongue.Say("free"))
	default:
		said = append(said, l.tongue.Say("cost", "cost", r.Cost))
	}
	return strings.Join(said, " ")
}
