package redress

import (
	"context"
	"errors"
	"time"
)

// ErrTooLate says that the time for an appeal is over.
var ErrTooLate = errors.New("the time for an appeal is over")

// Appeal asks for a decision by somebody who has not decided the case. A reporter may do so for
// what we decide the merits of; everybody once. An empty question is the merits.
func (d *Desk) Appeal(ctx context.Context, id CaseID, token string, question Question, explanation string) error {
	explanation, err := statement("explanation", explanation, true)
	if err != nil {
		return err
	}
	if question, err = readQuestion(question); err != nil {
		return err
	}
	if _, err := d.open(ctx, id, token); err != nil {
		return err
	}
	return d.one(ctx, "appeal", id, func(c *Case, at time.Time) (Change, error) { return c.appeal(question, explanation, at) })
}

func (c *Case) appeal(question Question, explanation string, at time.Time) (Change, error) {
	actor := Actor{Name: string(c.Filing.Role), Role: Party}
	if c.Unconfirmed() { // the party does not know which of the two was answered
		if question = Implementation; !c.mayAppeal(actor, question) {
			question = Merits
		}
	}
	track := c.track(question)
	switch {
	case track.Final, c.Unconfirmed() && c.count(AppealedEvent, Party) > 0:
		return Change{}, ErrDecided
	case c.Filing.Role == Reporter && c.Kind() == Ordered && !c.Confidential:
		return Change{}, ErrNotPermitted
	}
	if track.State == Merged && !c.followed(question) {
		return Change{}, ErrState
	}
	change, _, err := c.step(actor, question, Appeal, "", at)
	if err != nil {
		return Change{}, err
	}
	if decided := c.concluded(question); !decided.IsZero() && at.After(decided.AddDate(0, AppealMonths, 0)) {
		return Change{}, ErrTooLate
	}
	content := Content{Question: question}
	change.say(&content, map[TextKind]string{Explanation: explanation})
	change.told(AppealedEvent, actor, at, content)
	return change, nil
}

func (c *Case) mayAppeal(actor Actor, question Question) bool {
	_, err := c.ruleFor(actor, question, Appeal, "")
	return err == nil
}

// AppealUntil is when the time for an appeal ends; zero where there is none to be had.
func (c *Case) AppealUntil() time.Time {
	if c.Unconfirmed() {
		return c.concealedAppeal()
	}
	var until time.Time
	party := Actor{Role: Party}
	for _, question := range []Question{Merits, Implementation} {
		if c.track(question).Final || !c.mayAppeal(party, question) || c.track(question).State == Merged && !c.followed(question) || c.Filing.Role == Reporter && c.Kind() == Ordered && !c.Confidential {
			continue
		}
		if decided := c.concluded(question); !decided.IsZero() {
			until = decided.AddDate(0, AppealMonths, 0)
		}
	}
	return until
}

// concealedAppeal is the same for a case about nothing and one about a secret entry.
func (c *Case) concealedAppeal() time.Time {
	if state := c.shownState(); state != Closed && state != Inadmissible || c.count(AppealedEvent, Party) > 0 {
		return time.Time{}
	}
	var until time.Time
	for _, event := range c.Events {
		if event.isDecision() {
			until = event.At.AddDate(0, AppealMonths, 0)
		}
	}
	return until
}

// Withdraw ends what the party does not want decided any more. What was decided stays.
func (d *Desk) Withdraw(ctx context.Context, id CaseID, token, why string) error {
	why, err := statement("reason", why, false)
	if err != nil {
		return err
	}
	if _, err := d.open(ctx, id, token); err != nil {
		return err
	}
	if err := d.one(ctx, "withdraw", id, func(c *Case, at time.Time) (Change, error) { return c.withdraw(why, at) }); err != nil {
		return err
	}
	_, _ = d.putInForce(ctx, id) // an interim relief ends with it; what fails is tried again
	return nil
}

func (c *Case) withdraw(why string, at time.Time) (Change, error) {
	actor := Actor{Name: string(c.Filing.Role), Role: Party}
	change, moved := c.unchanged(), false
	for _, question := range []Question{Merits, Implementation} {
		step, _, err := c.step(actor, question, Withdraw, "", at)
		if err != nil {
			continue
		}
		moved = true
		change.EndExceptions = change.EndExceptions || step.EndExceptions
		if question == Merits {
			change.Merits = step.Merits
		} else {
			change.Implementation = step.Implementation
		}
	}
	if !moved {
		return Change{}, ErrState
	}
	change.Clocks = append(change.Clocks, clocksOf(Implementation, change.Implementation), clocksOf(Merits, change.Merits), Clock{Kind: RetestClock}, Clock{Kind: FollowClock, At: at})
	change.Clocks = append(change.Clocks, noReferral()...)
	content := Content{}
	change.say(&content, map[TextKind]string{Explanation: why})
	change.told(WithdrawnEvent, actor, at, content)
	return change, nil
}
