package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/audit"
)

// staffFrom is who works at the desk from a day on.
type staffFrom struct {
	Day int32            `json:"day"`
	Is  audit.StaffFacts `json:"is"`
}

// ofOrder counts what authorities ordered.
func (b *Book) ofOrder(event *redress.Event) {
	facts, at := event.Content.Order, event.At
	if facts == nil {
		return
	}
	switch event.Kind {
	case redress.OrderRecorded, redress.OrderAccepted:
		state := "accepted"
		if event.Kind == redress.OrderRecorded {
			state = "deficient"
		}
		b.count(at, 1, "orders", facts.Country, facts.Authority, b.Lists[string(facts.List)].Category, state)
		b.count(at, int64(facts.Names), "ordered names", facts.Country)
		for _, missing := range facts.Missing {
			b.count(at, 1, "order missing", facts.Country, missing)
		}
		if !facts.Received.IsZero() {
			b.took(at, at.Sub(facts.Received), "acknowledged", facts.Country)
		}
	case redress.OrderInForce:
		b.count(at, 1, "order effects", facts.Country, facts.What)
		if facts.What == "blocked" && !facts.Received.IsZero() {
			b.took(at, facts.InForce.Sub(facts.Received), "order effect", facts.Country)
		}
	case redress.OrderLate:
		b.count(at, 1, "orders late", facts.Country)
	case redress.OrderHeld, redress.OrderLifted, redress.OrderSuspended, redress.OrderNotExecuted, redress.OrderOverridden, redress.OrderNodeLate:
		b.count(at, 1, "order changes", facts.Country, strings.TrimPrefix(string(event.Kind), "order_"))
	}
}

// ofSubject counts what happened to lists, to the desk and to answers.
func (b *Book) ofSubject(event *redress.Event) error {
	if audit.OfNode(event.Subject) {
		return nil // a node's lists are the desk's once more, and what it counts is no count of ours
	}
	list, isList := strings.CutPrefix(event.Subject, "list/")
	at := event.At
	switch event.Kind {
	case audit.Version:
		var facts audit.ListVersion
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		if isList && facts.Purpose != "" { // a secret list says none
			b.version(list, at, &facts)
		}
	case audit.Gone:
		b.gone(list, at)
	case audit.Held:
		var facts audit.ListHolds
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		if _, told := b.Lists[list]; told {
			b.count(at, int64(facts.Begun), "held", list)
		}
	case audit.Released:
		var facts audit.HoldReleased
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		if _, told := b.Lists[list]; told && facts.Released {
			b.count(at, int64(facts.Held), "waived", list)
		}
	case audit.Informed:
		var facts audit.InformationOrder
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		b.informed(at, &facts)
	case audit.Staff:
		var facts audit.StaffFacts
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		b.Staff = append(b.Staff, staffFrom{Day: dayOf(at), Is: facts})
	case audit.Counted, audit.Blocks:
		return b.counted(event)
	case redress.WarnedEvent, redress.SuspendedEvent:
		b.count(at, 1, "misuse", string(event.Kind))
	}
	return nil
}

func (b *Book) version(list string, at time.Time, facts *audit.ListVersion) {
	b.Lists[list] = known{Purpose: facts.Purpose, Category: facts.Category, Scope: facts.Scope}
	b.count(at, int64(facts.Added), "added", list)
	b.count(at, int64(facts.Removed), "removed", list)
	b.day(dayOf(at)).gauge(int64(facts.Entries-facts.Held), "active", list)
}

// gone takes a list out of what is counted of lists from now on.
func (b *Book) gone(list string, at time.Time) {
	if _, told := b.Lists[list]; told {
		b.day(dayOf(at)).gauge(0, "active", list)
	}
}

func (b *Book) informed(at time.Time, facts *audit.InformationOrder) {
	answer := "not held"
	if facts.Held {
		answer = "held"
	}
	b.count(at, 1, "information", facts.Country, facts.Authority, answer)
	if !facts.Answered.IsZero() && !facts.Received.IsZero() {
		b.took(at, facts.Answered.Sub(facts.Received), "informed", facts.Country)
	}
}

// counted takes what is told once a day.
func (b *Book) counted(event *redress.Event) error {
	if event.Kind == audit.Blocks {
		var facts audit.BlocksCount
		if err := event.ReadFacts(&facts); err != nil {
			return err
		}
		at, err := time.Parse(time.DateOnly, facts.Day)
		if err != nil {
			return fmt.Errorf("blocks counted: %w", err)
		}
		b.count(at, facts.Answers, "answers")
		b.count(at, facts.Passes, "passes")
		b.count(at, facts.OptOuts, "opt-outs")
		for list, blocked := range facts.Blocked {
			b.count(at, blocked, "blocked", list)
		}
		return nil
	}
	var facts audit.ListsCount
	if err := event.ReadFacts(&facts); err != nil {
		return err
	}
	day := b.day(dayOf(event.At))
	for i := range facts.Lists {
		day.list(&facts.Lists[i])
	}
	return nil
}

func (d *Day) list(list *audit.ListCount) {
	d.gauge(int64(list.Active), "active", list.List)
	d.gauge(int64(list.NoEnd), "no end", list.List)
	d.gauge(int64(list.Review), "past review", list.List)
	d.gauge(int64(list.Expired), "expired", list.List)
	d.gauge(1, "detected", list.List, list.Detected)
	for power, count := range list.Ages {
		d.gauge(int64(count), "age", list.List, fmt.Sprint(1<<power))
	}
}
