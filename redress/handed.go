package redress

import (
	"context"
	"time"
)

// byHand is how a dossier goes to an authority of which we know no mail address: a person sends it.
const byHand = "by_hand"

// sendWorkingDays is how long that person has.
const sendWorkingDays = 1

// DossierSent notes that a person has sent the authority its dossier, and when: now, where the day is zero. The
// authority's time, for the reminder and until we publish that it has not answered, counts from then.
func (d *Desk) DossierSent(ctx context.Context, actor Actor, id CaseID, on time.Time) error {
	if !actor.May() {
		return ErrNotPermitted
	}
	if err := d.sees(ctx, actor, id); err != nil {
		return err
	}
	return d.one(ctx, "dossier", id, func(c *Case, at time.Time) (Change, error) { return c.delivered(actor, on, at) })
}

func (c *Case) delivered(actor Actor, on, at time.Time) (Change, error) {
	asked, waits := c.toBeSent()
	if !waits {
		return Change{}, ErrState
	}
	if on.IsZero() {
		on = at
	}
	on = on.UTC().Truncate(time.Millisecond)
	invalid := new(Invalid)
	switch {
	case on.After(at):
		invalid.add("on", "is in the future")
	case on.Before(asked.Truncate(24 * time.Hour)): // a day says no hour
		invalid.add("on", "is before there was a dossier, on %s", asked.Format(time.DateOnly))
	}
	if err := invalid.err(); err != nil {
		return Change{}, err
	}
	change := c.unchanged()
	change.Clocks = append(change.Clocks, Clock{Kind: SendClock}, Clock{Kind: RemindClock, At: on.AddDate(0, 0, RemindDays)}, Clock{Kind: AnswerClock, At: on.AddDate(0, 0, AnswerDays)})
	change.told(DeliveredEvent, actor, at, Content{Question: Merits, Method: byHand, Deadline: on})
	return change, nil
}

// ToBeSent says whether a person has to send the authority the dossier still.
func (c *Case) ToBeSent() bool {
	_, waits := c.toBeSent()
	return waits
}

// toBeSent is since when a person has been asked to send the dossier; false where nobody has to, or has done so.
func (c *Case) toBeSent() (asked time.Time, waits bool) {
	for i := range c.Events {
		switch event := &c.Events[i]; event.Kind {
		case DossierEvent:
			asked, waits = event.At, event.Content.Method == byHand
		case DeliveredEvent:
			waits = false
		}
	}
	return asked, waits && c.Merits.State == Referred
}

// referredAt is when the authority got the dossier; now, where it is to be sent still.
func (c *Case) referredAt(at time.Time) time.Time {
	sent := c.opened()
	for i := range c.Events {
		switch event := &c.Events[i]; {
		case event.Kind == DossierEvent && event.Content.Method == byHand:
			sent = at
		case event.Kind == DossierEvent:
			sent = event.At
		case event.Kind == DeliveredEvent:
			sent = event.Content.Deadline
		}
	}
	return sent
}

func (c *Case) countKind(kind EventKind) int {
	count := 0
	for i := range c.Events {
		if c.Events[i].Kind == kind {
			count++
		}
	}
	return count
}

// sayThatItWasSent is how whoever sends a dossier says so. Of a reminder nobody waits for that.
func sayThatItWasSent(c *Case, kind EventKind) string {
	if kind != DossierEvent {
		return ""
	}
	return "Do so within a working day, and say when: recourse cases refer " + string(c.ID) + " --sent\n"
}
