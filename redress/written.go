package redress

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Written is a statement of reasons as a person reads it. The one that a party was sent is kept with the
// decision, which commits to it.
type Written struct {
	// Language is that of all that no person wrote.
	Language string      `json:"language"`
	Parts    []Paragraph `json:"parts"`
}

// Paragraph is one thing that a statement says.
type Paragraph struct {
	Heading string `json:"heading"`
	// Lines are sentences, or the lines that a person wrote.
	Lines []string `json:"lines"`
	// Quoted: a person wrote it, and it is in Language where that is known.
	Quoted   bool   `json:"quoted,omitempty"`
	Language string `json:"language,omitempty"`
}

// Statements writes statements of reasons for people.
type Statements interface {
	// Write writes a statement in the language nearest to a tag; an empty one is the operator's.
	Write(made *Statement, tag string) Written
	// Languages are those that there are.
	Languages() []string
}

// StatementIn is the statement of reasons of a case's last decision in another language than it was
// sent in; an empty tag is [Desk.Statement].
func (d *Desk) StatementIn(made Statement, tag string) Statement {
	if tag == "" || d.config.Statements == nil || made.Written != nil && made.Written.Language == tag {
		return made
	}
	written := d.config.Statements.Write(&made, tag)
	made.Written, made.AsSent = &written, false
	return made
}

// write keeps with each decision the statement that the party is sent of it, in the party's language.
// Of a case of which the party learns nothing there is none.
func (d *Desk) write(one *Case, change *Change) error {
	if d.config.Statements == nil || one.Hidden || one.Unconfirmed() {
		return nil
	}
	after := one.after(change)
	after.Events = slices.Clone(one.Events)
	for i := range change.Events {
		event := &change.Events[i]
		after.Events = append(after.Events, *event)
		if !event.isDecision() {
			continue
		}
		made, err := d.stated(after)
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(d.config.Statements.Write(&made, one.Filing.Language))
		if err != nil {
			return fmt.Errorf("statement: %w", err)
		}
		text := newText(Reasons, string(encoded))
		change.Texts = append(change.Texts, text)
		event.Content.Texts = maps.Clone(event.Content.Texts)
		if event.Content.Texts == nil {
			event.Content.Texts = make(map[TextKind]string)
		}
		event.Content.Texts[Reasons] = text.Commitment().String()
	}
	return nil
}

// after is the case as a change leaves it.
func (c *Case) after(change *Change) *Case {
	after := *c
	after.Implementation, after.Merits = change.Implementation, change.Merits
	after.Texts = maps.Clone(c.Texts)
	if after.Texts == nil {
		after.Texts = make(map[Commitment]Text)
	}
	for _, text := range change.Texts {
		after.Texts[text.Commitment()] = text
	}
	after.Events = slices.Concat(c.Events, change.Events)
	return &after
}

// Sent is the statement that the party was sent of a decision; false where none is kept.
func (c *Case) Sent(event *Event) (Written, bool) {
	var written Written
	body := c.Text(*event, Reasons)
	if body == "" || json.Unmarshal([]byte(body), &written) != nil {
		return Written{}, false
	}
	return written, true
}

// Preview is the statement that a decision would come to. Nothing is written of it.
func (d *Desk) Preview(ctx context.Context, actor Actor, id CaseID, decision Decision) (Statement, error) {
	if !actor.May() {
		return Statement{}, ErrNotPermitted
	}
	if err := decision.check(); err != nil {
		return Statement{}, err
	}
	if err := d.mayDecide(ctx, actor, id); err != nil {
		return Statement{}, fmt.Errorf("preview: %w", err)
	}
	one, err := d.store.Case(ctx, id)
	if err != nil {
		return Statement{}, fmt.Errorf("preview: %w", err)
	}
	change, _, err := one.decide(actor, Decide, &decision, now())
	if err != nil {
		return Statement{}, fmt.Errorf("preview: %w", err)
	}
	made, err := d.stated(one.after(&change))
	if err != nil || d.config.Statements == nil {
		return made, err
	}
	written := d.config.Statements.Write(&made, one.Filing.Language)
	made.Written = &written
	return made, nil
}
