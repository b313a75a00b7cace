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
	// Language is that of facts and ground, as en; empty: the desk's.
	Language string
	// NarrowTo is the name below the entry's that stays blocked, with what lies below
	// it, for narrow only; all else that the entry covers is let go.
	NarrowTo string
	// NarrowScope exact: of what the entry covers, only the name itself stays blocked. Except are
	// names below it that are let go. Jurisdiction is where the block stays; it is let go
	// elsewhere. Each is of narrow, which needs one of the four.
	NarrowScope  string
	Except       []string
	Jurisdiction []string
	// Until is of shorten: the block ends then.
	Until time.Time
	// Unfounded: what was filed manifestly was. Nil: it was not, or nobody says so.
	Unfounded *Unfounded
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
	// Nodes are those that have reported it, the first one first; none where nobody asked.
	Nodes []InForceAt
}

// InForceAt is since when a node has had something in force.
type InForceAt struct {
	Node       string
	Generation uint64
	At         time.Time
}

// ErrNotPermitted says that the actor may not do this.
var ErrNotPermitted = errors.New("not permitted for this role")

// ErrOwnList says that the actor let the list's entries take effect, and so is no judge of them.
var ErrOwnList = errors.New("who approved a list does not decide about it")

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
	if err := d.mayDecide(ctx, actor, id); err != nil {
		return Ruling{}, fmt.Errorf("decide: %w", err)
	}
	ruling, err := d.rule(ctx, id, func(c *Case, at time.Time) (Change, Rule, error) { return c.decide(actor, Decide, &decision, at) })
	if err != nil {
		return Ruling{}, fmt.Errorf("decide: %w", err)
	}
	d.logger.Info("case decided", slog.String("case", string(id)), slog.String("question", decision.Question),
		slog.String("outcome", decision.Outcome), slog.String("actor", actor.Name))
	return ruling, nil
}

// mayDecide says why the actor may not decide the case: it is about a secret list and the actor
// is not cleared for those, or the actor let the list's entries take effect.
func (d *Desk) mayDecide(ctx context.Context, actor Actor, id CaseID) error {
	one, err := d.store.Case(ctx, id)
	if err != nil {
		return err
	}
	if one.Confidential && !actor.Cleared {
		return ErrNotFound
	}
	if one.Entry == nil || d.config.Approvals == nil {
		return nil
	}
	approved, err := d.config.Approvals.Approved(ctx, one.Entry.List, blocklists.Person(actor.Name))
	if err == nil && approved {
		err = ErrOwnList
	}
	return err
}

// rule writes a decision of whatever kind and puts it in force.
func (d *Desk) rule(ctx context.Context, id CaseID, decide func(c *Case, at time.Time) (Change, Rule, error)) (Ruling, error) {
	var (
		decided Case
		moved   bool
	)
	err := d.change(ctx, id, func(cases []*Case) ([]Change, error) {
		change, _, err := decide(cases[0], now())
		if err != nil {
			return nil, err
		}
		decided, moved = *cases[0], len(change.Exceptions) > 0 || change.EndExceptions
		decided.Implementation, decided.Merits = change.Implementation, change.Merits
		return []Change{change}, nil
	})
	if err != nil {
		return Ruling{}, err
	}
	ruling := Ruling{State: decided.State()}
	if moved {
		ruling.Effect, ruling.Pending = d.putInForce(ctx, id)
	}
	ruling.StillBlockedBy = d.StillBlocking(decided.Contested())
	return ruling, nil
}

// change writes what do makes of a filing's cases, with what the party is told of it.
func (d *Desk) change(ctx context.Context, id CaseID, do func(cases []*Case) ([]Change, error)) error {
	return d.store.Change(ctx, id, func(cases []*Case) ([]Change, error) {
		changes, err := do(cases)
		if err != nil {
			return nil, err
		}
		for i := range changes {
			for _, one := range cases {
				if one.ID != changes[i].Case {
					continue
				}
				if err := d.write(one, &changes[i]); err != nil {
					return nil, err
				}
				d.tell(one, &changes[i])
				d.watchNodes(&changes[i])
			}
		}
		return changes, nil
	})
}

// tell adds what the party is told of each event; of a hidden case nothing.
func (d *Desk) tell(one *Case, change *Change) {
	if one.Hidden || d.config.Tell == nil {
		return
	}
	after := one.after(change)
	after.Events = one.Events
	for i := range change.Events {
		change.Notices = append(change.Notices, d.config.Tell(after, &change.Events[i])...)
	}
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
	if !slices.Contains([]Outcome{Uphold, Reverse, Narrow, Shorten}, Outcome(d.Outcome)) {
		invalid.add("outcome", "must be uphold, reverse, narrow or shorten")
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
	if !isLanguage(d.Language) {
		invalid.add("language", "give the language tag of facts and ground, as en, or nothing")
	}
	d.checkParts(invalid)
	d.Unfounded.check(d, invalid)
	slices.SortFunc(invalid.Fields, func(a, b FieldProblem) int { return strings.Compare(a.Field, b.Field) })
	return invalid.err()
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
