package redress

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// MeasureKind is what is done about a party that misuses the desk.
type MeasureKind string

// The kinds. There is no suspension without a warning before it.
const (
	Warning    MeasureKind = "warning"
	Suspension MeasureKind = "suspension"
)

// MeasureState is how far a measure is.
type MeasureState string

// The states.
const (
	MeasureProposed MeasureState = "proposed" // by the system; a person decides
	MeasureDropped  MeasureState = "dropped"  // a person decided that nothing is done
	MeasureGiven    MeasureState = "given"
	MeasureAppealed MeasureState = "appealed" // in force until somebody else has decided
	MeasureUpheld   MeasureState = "upheld"   // on appeal, and in force
	MeasureLifted   MeasureState = "lifted"
	MeasureEnded    MeasureState = "ended"
)

// Kinds of events about measures, beside [WarnedEvent] and [SuspendedEvent].
const (
	MeasureProposedEvent EventKind = "measure_proposed"
	MeasureDroppedEvent  EventKind = "measure_dropped"
	MeasureAppealedEvent EventKind = "measure_appealed"
	MeasureUpheldEvent   EventKind = "measure_upheld"
	MeasureLiftedEvent   EventKind = "measure_lifted"
	MeasureEndedEvent    EventKind = "measure_ended"
)

// MeasureFacts is what events say of a measure: what was counted of the party when it was proposed.
type MeasureFacts struct {
	Kind      MeasureKind `json:"kind"`
	Unfounded int         `json:"unfounded,omitempty"` // filings in the time that counts
	Decided   int         `json:"decided,omitempty"`   // of how many that were decided
}

// Measure is what was done about the party of a case, as the events tell it.
type Measure struct {
	MeasureFacts
	State MeasureState
	At    time.Time // of the last change
	Given time.Time
	Until time.Time // of a suspension: it ends then
	By    string    // who gave it
}

// SuspensionTime is how long a suspension is where the configuration says nothing.
const SuspensionTime = 90 * 24 * time.Hour

// ErrNoMeasure says that nothing of the kind is proposed or in force.
var ErrNoMeasure = errors.New("no such measure is proposed or in force")

// InForce says whether the measure holds at a time.
func (m *Measure) InForce(at time.Time) bool {
	switch m.State {
	case MeasureGiven, MeasureAppealed, MeasureUpheld:
		return m.Until.IsZero() || at.Before(m.Until)
	}
	return false
}

// MayAppeal says whether the party may have it decided by somebody else: a suspension, once, while it holds.
func (m *Measure) MayAppeal(at time.Time) bool {
	return m.Kind == Suspension && m.State == MeasureGiven && m.InForce(at)
}

// Holds says whether the measure holds now.
func (m *Measure) Holds() bool { return m.InForce(time.Now()) }

// Appealable says whether the party may appeal now.
func (m *Measure) Appealable() bool { return m.MayAppeal(time.Now()) }

// Measure is the one that the case led to; its state is empty where there is none.
func (c *Case) Measure() Measure {
	var made Measure
	for i := range c.Events {
		made.add(&c.Events[i])
	}
	return made
}

func (m *Measure) add(event *Event) {
	state := event.Kind.measure()
	if state == "" {
		return
	}
	m.State, m.At = state, event.At
	if event.Content.Measure != nil {
		m.MeasureFacts = *event.Content.Measure
	}
	if state == MeasureGiven {
		m.Given, m.Until, m.By = event.At, event.Content.Until, event.Actor.Name
	}
}

// IsMeasure says whether an event is about a measure.
func (e *Event) IsMeasure() bool { return e.Kind.measure() != "" }

// measure is how a measure stands after an event of the kind; empty where it is about none.
func (k EventKind) measure() MeasureState {
	switch k {
	case MeasureProposedEvent:
		return MeasureProposed
	case MeasureDroppedEvent:
		return MeasureDropped
	case WarnedEvent, SuspendedEvent:
		return MeasureGiven
	case MeasureAppealedEvent:
		return MeasureAppealed
	case MeasureUpheldEvent:
		return MeasureUpheld
	case MeasureLiftedEvent:
		return MeasureLifted
	case MeasureEndedEvent:
		return MeasureEnded
	default:
		return ""
	}
}

// Propose brings a measure before a person. The system does so; it does nothing else about a party.
func (d *Desk) Propose(ctx context.Context, id CaseID, facts MeasureFacts) error {
	return d.one(ctx, "propose", id, func(c *Case, at time.Time) (Change, error) {
		if c.Measure().State != "" || !c.unfounded() {
			return Change{}, ErrState
		}
		change := c.unchanged()
		change.told(MeasureProposedEvent, clerk, at, Content{Measure: &facts})
		return change, nil
	})
}

// unfounded says whether the last decision on the merits found that the filing manifestly was.
func (c *Case) unfounded() bool {
	found := false
	for _, event := range c.Events {
		if event.isDecision() && (event.Content.Question == Merits || event.Content.Question == "") {
			found = event.Content.Unfounded != nil
		}
	}
	return found
}

// GiveMeasure warns or suspends, as was proposed. Only a person does so, with a statement of reasons: the facts and the ground.
func (d *Desk) GiveMeasure(ctx context.Context, actor Actor, id CaseID, facts, ground string) error {
	return d.measured(ctx, actor, id, facts, ground, func(c *Case, at time.Time) (EventKind, Content, error) {
		measure := c.Measure()
		if measure.State != MeasureProposed {
			return "", Content{}, ErrNoMeasure
		}
		if measure.Kind == Warning {
			return WarnedEvent, Content{Measure: &measure.MeasureFacts}, nil
		}
		return SuspendedEvent, Content{Measure: &measure.MeasureFacts, Until: at.Add(d.suspensionTime())}, nil
	})
}

func (d *Desk) suspensionTime() time.Duration {
	if d.config.Suspension > 0 {
		return d.config.Suspension
	}
	return SuspensionTime
}

// DropMeasure decides that nothing is done. The party is not told of what was only proposed.
func (d *Desk) DropMeasure(ctx context.Context, actor Actor, id CaseID, facts, ground string) error {
	return d.measured(ctx, actor, id, facts, ground, func(c *Case, _ time.Time) (EventKind, Content, error) {
		if measure := c.Measure(); measure.State != MeasureProposed {
			return "", Content{}, ErrNoMeasure
		}
		return MeasureDroppedEvent, Content{}, nil
	})
}

// DecideMeasureAppeal upholds or lifts a suspension. Who gave it does not decide the appeal.
func (d *Desk) DecideMeasureAppeal(ctx context.Context, actor Actor, id CaseID, lift bool, facts, ground string) error {
	if !actor.MayReview() {
		return ErrNotPermitted
	}
	return d.measured(ctx, actor, id, facts, ground, func(c *Case, _ time.Time) (EventKind, Content, error) {
		measure := c.Measure()
		switch {
		case measure.State != MeasureAppealed:
			return "", Content{}, ErrNoMeasure
		case blocklists.Person(measure.By) == blocklists.Person(actor.Name):
			return "", Content{}, ErrSamePerson
		case lift:
			return MeasureLiftedEvent, Content{}, nil
		}
		return MeasureUpheldEvent, Content{}, nil
	})
}

// measured writes what a person decides about a measure, with the reasons.
func (d *Desk) measured(ctx context.Context, actor Actor, id CaseID, facts, ground string, decide func(c *Case, at time.Time) (EventKind, Content, error)) error {
	facts, err := d.spoken(ctx, actor, id, "facts", facts, "")
	if err != nil {
		return err
	}
	if ground, err = statement("ground", ground, true); err != nil {
		return err
	}
	return d.one(ctx, "measure", id, func(c *Case, at time.Time) (Change, error) {
		kind, content, err := decide(c, at)
		if err != nil {
			return Change{}, err
		}
		change := c.unchanged()
		change.say(&content, map[TextKind]string{Facts: facts, Ground: ground})
		change.told(kind, actor, at, content)
		d.logger.Info("measure decided", slog.String("case", string(id)), slog.String("event", string(kind)), slog.String("actor", actor.Name))
		return change, nil
	})
}

// AppealMeasure asks for somebody else to decide a suspension. It needs the token of the case that led to it.
func (d *Desk) AppealMeasure(ctx context.Context, id CaseID, token, explanation string) error {
	explanation, err := statement("explanation", explanation, true)
	if err != nil {
		return err
	}
	if _, err := d.open(ctx, id, token); err != nil {
		return err
	}
	return d.one(ctx, "appeal", id, func(c *Case, at time.Time) (Change, error) {
		measure := c.Measure()
		if !measure.MayAppeal(at) {
			return Change{}, ErrNoMeasure
		}
		change, content := c.unchanged(), Content{}
		change.say(&content, map[TextKind]string{Explanation: explanation})
		change.told(MeasureAppealedEvent, Actor{Name: string(c.Filing.Role), Role: Party}, at, content)
		return change, nil
	})
}

// EndMeasure is done by the system: a suspension ends when its time is over, and is lifted where the decision that it
// rests on was overturned.
func (d *Desk) EndMeasure(ctx context.Context, id CaseID) error {
	return d.one(ctx, "end measure", id, func(c *Case, at time.Time) (Change, error) {
		measure, change := c.Measure(), c.unchanged()
		switch {
		case measure.State == MeasureProposed && !c.unfounded():
			change.told(MeasureDroppedEvent, clerk, at, Content{})
		case measure.InForce(at) && !c.unfounded():
			change.told(MeasureLiftedEvent, clerk, at, Content{})
		case measure.Kind == Suspension && !measure.InForce(at) && measure.InForce(measure.Given):
			change.told(MeasureEndedEvent, clerk, at, Content{})
		default:
			return Change{}, ErrNoMeasure
		}
		return change, nil
	})
}
