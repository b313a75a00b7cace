package redress

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"
)

// statement reads a text of one of us, or of the party.
func statement(field, text string, needed bool) (string, error) {
	text, invalid := tidy(text), new(Invalid)
	switch {
	case utf8.RuneCountInString(text) > MaxStatement:
		invalid.add(field, "is longer than %d characters", MaxStatement)
	case text == "" && needed:
		invalid.add(field, "is missing")
	}
	return text, invalid.err()
}

// MaxMessages is the most messages that a party sends in one case.
const MaxMessages = 200

// Message is what the party writes in its case. Where we had asked, it is the answer, and our
// clock goes on.
func (d *Desk) Message(ctx context.Context, id CaseID, token, text string) error {
	text, err := statement("text", text, true)
	if err != nil {
		return err
	}
	if _, err := d.open(ctx, id, token); err != nil {
		return err
	}
	return d.one(ctx, "message", id, func(c *Case, at time.Time) (Change, error) { return c.message(text, at) })
}

func (c *Case) message(text string, at time.Time) (Change, error) {
	actor := Actor{Name: string(c.Filing.Role), Role: Party}
	if c.count(MessageEvent, Party) >= MaxMessages {
		invalid := new(Invalid)
		invalid.add("text", "a case takes %d messages: write to us on another way", MaxMessages)
		return Change{}, invalid
	}
	change := c.unchanged()
	for _, question := range []Question{Merits, Implementation} {
		if c.track(question).State != NeedInfo {
			continue
		}
		answered, _, err := c.step(actor, question, Answer, "", at)
		if err != nil {
			return Change{}, err
		}
		if question == Merits {
			change.Merits = answered.Merits
		} else {
			change.Implementation = answered.Implementation
		}
	}
	change.Clocks = append(change.Clocks, clocksOf(Implementation, change.Implementation), clocksOf(Merits, change.Merits))
	content := Content{}
	change.say(&content, map[TextKind]string{Explanation: text})
	change.told(MessageEvent, actor, at, content)
	return change, nil
}

func (c *Case) count(kind EventKind, role ActorRole) int {
	count := 0
	for _, event := range c.Events {
		if event.Kind == kind && event.Actor.Role == role {
			count++
		}
	}
	return count
}

// Reply is what we write to the party, in a language; an empty one is the desk's.
func (d *Desk) Reply(ctx context.Context, actor Actor, id CaseID, text, language string) error {
	text, err := d.spoken(ctx, actor, id, "text", text, language)
	if err != nil {
		return err
	}
	return d.one(ctx, "reply", id, func(c *Case, at time.Time) (Change, error) {
		change, content := c.unchanged(), Content{Language: language}
		change.say(&content, map[TextKind]string{Facts: text})
		change.told(MessageEvent, actor, at, content)
		return change, nil
	})
}

// spoken reads what an actor says in a case that the actor may change.
func (d *Desk) spoken(ctx context.Context, actor Actor, id CaseID, field, text, language string) (string, error) {
	if !actor.May() {
		return "", ErrNotPermitted
	}
	text, err := statement(field, text, true)
	if err != nil {
		return "", err
	}
	if !isLanguage(language) {
		invalid := new(Invalid)
		invalid.add("language", "give the language tag of what you write, as en, or nothing")
		return "", invalid
	}
	return text, d.mayDecide(ctx, actor, id)
}

// AskParty asks the party for what is missing to answer a question, the merits where it is
// empty. Our clock stands still, for 14 days at the most: then a person may close.
func (d *Desk) AskParty(ctx context.Context, actor Actor, id CaseID, question Question, text, language string) error {
	text, err := d.spoken(ctx, actor, id, "text", text, language)
	if err != nil {
		return err
	}
	if question, err = readQuestion(question); err != nil {
		return err
	}
	return d.one(ctx, "ask", id, func(c *Case, at time.Time) (Change, error) {
		change, _, err := c.step(actor, question, Ask, "", at)
		if err != nil {
			return Change{}, err
		}
		content := Content{Question: question, Deadline: at.Add(ReplyTime), Language: language}
		change.say(&content, map[TextKind]string{Facts: text})
		change.told(AskedEvent, actor, at, content)
		return change, nil
	})
}

func readQuestion(question Question) (Question, error) {
	switch question {
	case "":
		return Merits, nil
	case Implementation, Merits:
		return question, nil
	}
	invalid := new(Invalid)
	invalid.add("question", "must be implementation or merits")
	return "", invalid
}

// one writes the change of one case.
func (d *Desk) one(ctx context.Context, what string, id CaseID, do func(c *Case, at time.Time) (Change, error)) error {
	err := d.change(ctx, id, func(cases []*Case) ([]Change, error) {
		change, err := do(cases[0], now())
		if err != nil {
			return nil, err
		}
		return []Change{change}, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
