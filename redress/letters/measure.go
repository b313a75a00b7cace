package letters

import "github.com/recourse-dns/recourse/redress"

// measure writes of a warning or a suspension, with its reasons and what can be done about it.
func (w *Writer) measure(c *redress.Case, event *redress.Event, begin func(string) *draft) (*draft, string) {
	switch kind := string(event.Kind); kind {
	case "warned":
		return w.reasons(c, event, begin("warned.subject").say("warned.body")), kind
	case "suspended":
		d := begin("suspended.subject")
		w.reasons(c, event, d.say("suspended.body", "until", w.moment(d, event.Content.Until)))
		return d.say("suspended.still").say("suspended.appeal"), kind
	case "measure_appealed":
		return begin("appeal.subject").say("appeal.body"), kind
	case "measure_upheld":
		return w.reasons(c, event, begin("kept.subject").say("kept.body")), kind
	case "measure_lifted":
		return w.reasons(c, event, begin("lifted.subject").say("lifted.body", "id", string(c.ID))), kind
	}
	return nil, ""
}
