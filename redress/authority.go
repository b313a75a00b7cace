package redress

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// AuthorityDecision is what an authority, a court or an out-of-court body made of a case.
type AuthorityDecision struct {
	Decision
	// Body is who decided, Ref its reference, and On the day.
	Body string
	Ref  string
	On   time.Time
}

// maxBody is the longest name or reference of who decided.
const maxBody = 300

func (d *AuthorityDecision) check() error {
	invalid := new(Invalid)
	d.Body, d.Ref = tidy(d.Body), tidy(d.Ref)
	for field, text := range map[string]string{"authority": d.Body, "ref": d.Ref} {
		if text == "" || utf8.RuneCountInString(text) > maxBody || strings.ContainsRune(text, '\n') {
			invalid.add(field, "is one line of at most %d characters, and needed", maxBody)
		}
	}
	if d.On.After(time.Now().Add(24 * time.Hour)) {
		invalid.add("on", "is in the future")
	}
	if err := invalid.err(); err != nil {
		return err
	}
	if d.Ground == "" { // the reasons are the authority's; what names them is its reference
		d.Ground = d.Body + ", " + d.Ref
	}
	if d.Facts == "" {
		d.Facts = "As " + d.Body + " decided."
	}
	return d.Decision.check()
}

// AuthorityDecision records what the authority, or a court, decided of the merits of an order.
// The track ends with it, and a lift is in force at once.
func (d *Desk) AuthorityDecision(ctx context.Context, actor Actor, id CaseID, decision AuthorityDecision) (Ruling, error) {
	if actor.Role != Operator {
		return Ruling{}, ErrNotPermitted
	}
	decision.Question = string(Merits)
	if err := decision.check(); err != nil {
		return Ruling{}, err
	}
	return d.elsewhere(ctx, actor, id, Pronounce, PronouncedBy, &decision)
}

// External records what a court or an out-of-court body made of a decision of ours. An empty
// outcome says that the matter is there and not decided.
func (d *Desk) External(ctx context.Context, actor Actor, id CaseID, decision AuthorityDecision) (Ruling, error) {
	if actor.Role != Operator {
		return Ruling{}, ErrNotPermitted
	}
	pending := decision.Outcome == ""
	if pending {
		decision.Outcome = string(Uphold) // for the check; nothing is decided
	}
	if err := decision.check(); err != nil {
		return Ruling{}, err
	}
	if !pending {
		return d.elsewhere(ctx, actor, id, Settled, ExternalEvent, &decision)
	}
	if err := d.sees(ctx, actor, id); err != nil {
		return Ruling{}, fmt.Errorf("external: %w", err)
	}
	return d.rule(ctx, id, func(c *Case, at time.Time) (Change, Rule, error) {
		change := c.unchanged()
		change.told(ExternalEvent, actor, at, Content{Question: Question(decision.Question), Body: decision.Body, Ref: decision.Ref})
		return change, Rule{}, nil
	})
}

func (d *Desk) elsewhere(ctx context.Context, actor Actor, id CaseID, action Action, kind EventKind, decision *AuthorityDecision) (Ruling, error) {
	if err := d.sees(ctx, actor, id); err != nil {
		return Ruling{}, fmt.Errorf("%s: %w", kind, err)
	}
	ruling, err := d.rule(ctx, id, func(c *Case, at time.Time) (Change, Rule, error) {
		change, rule, err := c.decide(actor, action, &decision.Decision, at)
		if err != nil {
			return change, rule, err
		}
		event := &change.Events[0]
		event.Kind, event.Content.Body, event.Content.Ref, event.Content.Deadline = kind, decision.Body, decision.Ref, decision.On
		return change, rule, nil
	})
	if err != nil {
		return Ruling{}, fmt.Errorf("%s: %w", kind, err)
	}
	d.logger.Info("decided elsewhere", slog.String("case", string(id)), slog.String("kind", string(kind)), slog.String("outcome", decision.Outcome), slog.String("actor", actor.Name))
	return ruling, nil
}

// sees says whether the actor may know of the case.
func (d *Desk) sees(ctx context.Context, actor Actor, id CaseID) error {
	one, err := d.store.Case(ctx, id)
	if err == nil && one.Confidential && !actor.Cleared {
		err = ErrNotFound
	}
	return err
}
