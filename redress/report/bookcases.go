package report

import (
	"time"

	"github.com/recourse-dns/recourse/redress"
)

// standing is how a case stands.
type standing struct {
	List           string        `json:"list,omitempty"`
	Purpose        string        `json:"purpose"`
	Entry          string        `json:"entry,omitempty"`
	Filed          int64         `json:"filed"` // milliseconds since 1970
	Implementation redress.State `json:"implementation"`
	Merits         redress.State `json:"merits"`
	Verified       bool          `json:"verified,omitempty"`
	Lifted         int64         `json:"lifted,omitempty"`   // decided so, and not in force yet
	Outside        bool          `json:"outside,omitempty"`  // by a body of elsewhere
	Appealed       int64         `json:"appealed,omitempty"` // when, while it waits
	Since          int64         `json:"since,omitempty"`    // the block is known to have been
}

// open says whether anybody has something to do.
func (s *standing) open() bool {
	return redress.Track{State: s.Implementation}.Unfinished() || redress.Track{State: s.Merits}.Unfinished()
}

func (s *standing) filed() time.Time { return time.UnixMilli(s.Filed) }

func (b *Book) ofCase(event *redress.Event) error {
	if event.Kind == redress.FiledEvent {
		b.fileCase(event)
		return nil
	}
	one, wasOpen := b.Open[event.Case]
	if !wasOpen {
		var err error
		if one, err = b.closedCase(event); err != nil || one == nil {
			return err
		}
		one.Purpose = b.purposeOf(one.List) // as it is known now, whether the case was kept or read again
	}
	b.tell(one, event)
	one.moved(event)
	switch isOpen := one.open(); {
	case wasOpen && !isOpen:
		b.count(event.At, 1, "closed", one.Purpose, one.List)
		b.close(event.Case, one)
	case !wasOpen && isOpen:
		b.count(event.At, 1, "reopened", one.Purpose, one.List)
		b.Open[event.Case] = one
		delete(b.Waiting, event.Case)
		delete(b.kept, event.Case)
	case !wasOpen:
		b.close(event.Case, one)
	}
	return nil
}

func (b *Book) close(id redress.CaseID, one *standing) {
	delete(b.Open, id)
	delete(b.Waiting, id)
	switch {
	case one.Lifted != 0:
		b.Waiting[id] = one
	case b.kept != nil:
		b.kept[id] = one
	}
}

// closedCase finds a case to which something happens again; nil where its filing is not in the log.
func (b *Book) closedCase(event *redress.Event) (*standing, error) {
	if one, waits := b.Waiting[event.Case]; waits {
		return one, nil
	}
	if b.past == nil {
		return b.kept[event.Case], nil
	}
	before, err := b.past(event.Case, event.Sequence)
	if err != nil {
		return nil, err
	}
	var one *standing
	for i := range before {
		if before[i].Kind == redress.FiledEvent {
			one = b.filing(&before[i])
		} else if one != nil {
			one.moved(&before[i])
		}
	}
	return one, nil
}

func (b *Book) filing(event *redress.Event) *standing {
	content := &event.Content
	return &standing{
		List: content.List, Purpose: b.purposeOf(content.List), Entry: content.Entry, Filed: event.At.UnixMilli(),
		Implementation: content.Implementation, Merits: content.Merits,
	}
}

func (b *Book) fileCase(event *redress.Event) {
	one := b.filing(event)
	b.count(event.At, 1, "received", one.Purpose, one.List)
	b.count(event.At, 1, "filed", one.Purpose, b.Lists[one.List].Category, event.Actor.Name)
	if !one.open() { // as it can be of none
		b.count(event.At, 1, "closed", one.Purpose, one.List)
		b.close(event.Case, one)
		return
	}
	b.Open[event.Case] = one
}

// moved is what an event makes of a case.
func (s *standing) moved(event *redress.Event) {
	if event.Content.Implementation != "" {
		s.Implementation = event.Content.Implementation
	}
	if event.Content.Merits != "" {
		s.Merits = event.Content.Merits
	}
	switch event.Kind {
	case redress.VerifiedEvent:
		s.Verified = true
	case redress.AppealedEvent:
		s.Appealed = event.At.UnixMilli()
	case redress.DecidedEvent, redress.ExternalEvent, redress.PronouncedBy:
		s.Appealed = 0
		if lifts(event.Content.Outcome) {
			s.Lifted, s.Outside = event.At.UnixMilli(), event.Kind != redress.DecidedEvent
		}
	case redress.InForceEvent:
		s.Lifted, s.Outside = 0, false
	case redress.TriagedEvent:
		s.triaged(event.Content.Triage)
	}
}

func lifts(outcome redress.Outcome) bool { return outcome != "" && outcome != redress.Uphold }

// triaged learns since when the entry has been blocking.
func (s *standing) triaged(facts *redress.Triage) {
	if facts == nil || s.Since != 0 {
		return
	}
	for i := range facts.Matches {
		match := &facts.Matches[i]
		if string(match.List) == s.List && match.Name == s.Entry && !match.FirstSeen.IsZero() {
			s.Since = match.FirstSeen.UnixMilli()
		}
	}
}

// tell counts what an event says of a case, which stands as before it.
func (b *Book) tell(one *standing, event *redress.Event) {
	content, at := &event.Content, event.At
	switch event.Kind {
	case redress.VerifiedEvent:
		if !one.Verified {
			b.count(at, 1, "verified", one.Purpose, content.Method)
		}
	case redress.DecidedEvent:
		b.decided(one, event)
	case redress.InForceEvent:
		b.inForce(one, event)
	case redress.RelievedEvent:
		b.count(at, 1, "relieved", one.Purpose, string(event.Actor.Role))
		b.took(at, at.Sub(one.filed()), "relief", one.Purpose)
	case redress.AppealedEvent:
		b.count(at, 1, "appeals", one.Purpose)
	case redress.ExternalEvent:
		b.count(at, 1, "external", one.Purpose, string(content.Outcome))
		b.took(at, at.Sub(one.filed()), "external", one.Purpose)
	case redress.PronouncedBy:
		b.count(at, 1, "pronounced", one.Purpose, string(content.Outcome))
	case redress.MissedEvent:
		b.count(at, 1, "missed", one.Purpose)
	case redress.ReferredEvent, redress.WithdrawnEvent, redress.DismissedEvent, redress.MergedEvent, redress.ClosedEvent, redress.UnansweredEvent, redress.ReblockedEvent:
		b.count(at, 1, "outcome", one.Purpose, one.List, outcomeOf(event.Kind))
	case redress.WarnedEvent, redress.SuspendedEvent:
		b.count(at, 1, "misuse", string(event.Kind))
	case redress.RereadEvent:
		agrees := content.Agrees == nil || *content.Agrees
		b.count(at, 1, "reread", one.Purpose, map[bool]string{true: "agrees", false: "differs"}[agrees])
	}
}

// outcomeOf is what becomes of a case otherwise than by a decision.
func outcomeOf(kind redress.EventKind) string {
	switch kind {
	case redress.DismissedEvent:
		return "inadmissible"
	case redress.ClosedEvent:
		return "no reply"
	}
	return string(kind)
}

func (b *Book) decided(one *standing, event *redress.Event) {
	content, at := &event.Content, event.At
	outcome := outcomeWord(content.Outcome)
	b.count(at, 1, "outcome", one.Purpose, one.List, outcome)
	b.count(at, 1, "decided", one.Purpose, string(content.Question), outcome, string(event.Actor.Role))
	b.took(at, at.Sub(one.filed()), "decision", one.Purpose)
	if one.Appealed != 0 {
		b.count(at, 1, "appeal decided", one.Purpose, outcome)
	}
	if lifts(content.Outcome) {
		b.count(at, 1, "lifted", one.List)
	}
}

func outcomeWord(outcome redress.Outcome) string {
	switch outcome {
	case redress.Uphold:
		return "upheld"
	case redress.Reverse:
		return "reversed"
	case redress.Narrow:
		return "narrowed"
	case redress.Shorten:
		return "shortened"
	}
	return string(outcome)
}

// inForce counts what a decision took to be felt.
func (b *Book) inForce(one *standing, event *redress.Event) {
	if one.Lifted == 0 {
		return
	}
	at := event.At
	b.took(at, at.Sub(time.UnixMilli(one.Lifted)), "effect", one.Purpose)
	b.took(at, at.Sub(one.filed()), "corrected", one.List)
	if one.Outside {
		b.count(at, 1, "external in force", one.Purpose)
	}
	if one.Since != 0 {
		b.count(at, int64(at.Sub(time.UnixMilli(one.Since))/time.Minute), "live minutes", one.List)
	}
}
