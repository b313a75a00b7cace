package redress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
)

// MaxStatement is the longest a decision's facts or ground may be, in characters.
const MaxStatement = 10000

// Decision is what a reviewer decides, as it was written. An empty question is the merits.
type Decision struct {
	Outcome  string
	Question string
	Facts    string
	Ground   string
	// NarrowTo is the name below the entry's that stays blocked, with what lies below
	// it, for narrow only; all else that the entry covers is let go.
	NarrowTo string
}

// Ruling is what a decision came to.
type Ruling struct {
	State State
	// Effect is when the exceptions came in force; nil where there are none, or
	// where Pending.
	Effect *InForce
	// Pending: the decision is recorded and could not be put in force yet. It is
	// tried again until it is.
	Pending bool
	// StillBlockedBy are the entries that block the name nevertheless.
	StillBlockedBy []policy.Match
}

// InForce is since when and with which generation the next query sees a decision.
type InForce struct {
	Generation uint64
	At         time.Time
}

// ErrNotPermitted says that the actor may not do this.
var ErrNotPermitted = errors.New("not permitted for this role")

// Decide answers one question of a case. What it writes is one transaction; when it
// returns without an error the decision is on the disk, and with an Effect it is in
// force for the next query.
func (d *Desk) Decide(ctx context.Context, actor Actor, id CaseID, decision Decision) (Ruling, error) {
	if !actor.May() {
		return Ruling{}, ErrNotPermitted
	}
	if err := decision.check(); err != nil {
		return Ruling{}, err
	}
	var (
		decided Case
		lifts   bool
	)
	err := d.store.Change(ctx, id, func(cases []*Case) ([]Change, error) {
		change, rule, err := cases[0].decide(actor, &decision, now())
		if err != nil {
			return nil, err
		}
		decided, lifts = *cases[0], rule.Lifts
		decided.Implementation, decided.Merits = change.Implementation, change.Merits
		return []Change{change}, nil
	})
	if err != nil {
		return Ruling{}, fmt.Errorf("decide: %w", err)
	}
	d.logger.Info("case decided", slog.String("case", string(id)), slog.String("question", decision.Question),
		slog.String("outcome", decision.Outcome), slog.String("actor", actor.Name))
	ruling := Ruling{State: decided.State()}
	if lifts {
		ruling.Effect, ruling.Pending = d.putInForce(ctx, id)
	}
	ruling.StillBlockedBy = d.StillBlocking(decided.Filing.Name)
	return ruling, nil
}

// putInForce does not stop when the reviewer's connection does.
func (d *Desk) putInForce(ctx context.Context, id CaseID) (effect *InForce, pending bool) {
	effect, err := d.Settle(context.WithoutCancel(ctx))
	if err != nil {
		d.logger.Error("decision not in force yet", slog.String("case", string(id)), slog.Any("error", err))
		return nil, true
	}
	if effect == nil { // another decision's call took this one along
		effect = d.inForceSince(ctx, id)
	}
	return effect, effect == nil
}

// inForceSince reads back what was noted for the case's last decision.
func (d *Desk) inForceSince(ctx context.Context, id CaseID) *InForce {
	decided, err := d.store.Case(context.WithoutCancel(ctx), id)
	if err != nil {
		return nil
	}
	var effect *InForce
	for _, event := range decided.Events {
		if event.Kind == InForceEvent {
			effect = &InForce{Generation: event.Content.Generation, At: event.At}
		}
	}
	return effect
}

// check reads the words and holds the texts to their bounds.
func (d *Decision) check() error {
	invalid := new(Invalid)
	if d.Question == "" {
		d.Question = string(Merits)
	}
	if !slices.Contains([]Question{Implementation, Merits}, Question(d.Question)) {
		invalid.add("question", "must be implementation or merits")
	}
	if !slices.Contains([]Outcome{Uphold, Reverse, Narrow}, Outcome(d.Outcome)) {
		invalid.add("outcome", "must be uphold, reverse or narrow")
	}
	d.Facts, d.Ground = tidy(d.Facts), tidy(d.Ground)
	for field, text := range map[string]string{"facts": d.Facts, "ground": d.Ground} {
		switch {
		case utf8.RuneCountInString(text) > MaxStatement:
			invalid.add(field, "is longer than %d characters", MaxStatement)
		// A refusal is reasoned (Regulation 2022/2065, Articles 17 and 20, as a template).
		case text == "" && d.Outcome == string(Uphold):
			invalid.add(field, "is missing: to uphold a block needs facts and a ground")
		}
	}
	if (d.Outcome == string(Narrow)) != (strings.TrimSpace(d.NarrowTo) != "") {
		invalid.add("narrow_to", "belongs to narrow, and narrow needs it")
	}
	slices.SortFunc(invalid.Fields, func(a, b FieldProblem) int { return strings.Compare(a.Field, b.Field) })
	return invalid.err()
}

// decide applies the rule for the decision. It changes nothing of the case.
func (c *Case) decide(actor Actor, decision *Decision, at time.Time) (Change, Rule, error) {
	question, outcome := Question(decision.Question), Outcome(decision.Outcome)
	rule, err := c.ruleFor(question, outcome)
	if err != nil {
		return Change{}, Rule{}, err
	}
	change := Change{Case: c.ID, Implementation: c.Implementation, Merits: c.Merits}
	own, other := &change.Merits, &change.Implementation
	if question == Implementation {
		own, other = other, own
	}
	own.State = rule.To
	if rule.Other != "" && (other.State == Submitted || other.State == Referred) {
		other.State = rule.Other
	}
	content := Content{Question: question, Outcome: outcome, Implementation: change.Implementation.State, Merits: change.Merits.State}
	if rule.Lifts {
		exception, err := c.exception(decision, at)
		if err != nil {
			return Change{}, Rule{}, err
		}
		change.Exceptions = []blocklists.Exception{exception}
		if !c.Confidential {
			content.say(&exception, c.Entry)
		}
	}
	change.Texts, content.Texts = commit(map[TextKind]string{Facts: decision.Facts, Ground: decision.Ground})
	kind := DecidedEvent
	if rule.To == Referred {
		kind = ReferredEvent
	}
	change.Events = []Event{{Case: c.ID, At: at, Kind: kind, Actor: actor, Content: content}}
	return change, rule, nil
}

// say tells what a decision lifts.
func (c *Content) say(exception *blocklists.Exception, entry *Entry) {
	c.List, c.Entry = string(exception.List), entry.Name.String()
	if exception.Keep != "" {
		c.NarrowTo = exception.Keep.String()
	}
}

// exception is what a reversal makes: for the entry's name with what lies below it,
// but for the name to which the block is narrowed.
func (c *Case) exception(decision *Decision, at time.Time) (blocklists.Exception, error) {
	exception := blocklists.Exception{Kind: blocklists.Decided, List: c.Entry.List, Name: c.Entry.Name, Case: string(c.ID), At: at}
	if Outcome(decision.Outcome) != Narrow {
		return exception, nil
	}
	invalid := new(Invalid)
	narrow, err := ReadName(decision.NarrowTo)
	switch {
	case err != nil:
		invalid.add("narrow_to", "%s", err)
	case narrow == c.Entry.Name || !c.Entry.Scope.Covers(c.Entry.Name, narrow):
		invalid.add("narrow_to", "is not a name below the entry that the entry covers")
	}
	exception.Keep = narrow
	return exception, invalid.err()
}

// Settle puts every decision in force that is not known to be, and notes it. It is
// called after a decision, at start, and now and then by [Desk.Run]. Nil without an
// error says that there was nothing to do.
func (d *Desk) Settle(ctx context.Context) (*InForce, error) {
	// Read before applying: what is decided in between is left for its own call.
	pending, err := d.store.Pending(ctx)
	if err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	if len(pending) == 0 {
		return nil, nil
	}
	generation, at, err := d.effect.Apply(ctx)
	if err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	at = at.UTC().Truncate(time.Millisecond)
	if err := d.store.Settle(ctx, pending, generation, at); err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	return &InForce{Generation: generation, At: at}, nil
}

// Run settles at once and then at every interval, until the context ends.
func (d *Desk) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if _, err := d.Settle(ctx); err != nil && ctx.Err() == nil {
			d.logger.Error("decisions not in force yet", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
