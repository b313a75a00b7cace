package redress

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Status is a case as its party sees it. Of a case about nothing, or about a secret
// entry, it shows no entry, and of its decision only that there is one.
type Status struct {
	ID             CaseID
	Name           string
	State          State
	Implementation Track
	Merits         Track
	Entry          *Entry
	Filed          time.Time
	Verified       bool
	Challenge      Challenge
	// ChallengeUntil is when the challenge can no longer be answered.
	ChallengeUntil time.Time
	Events         []StatusEvent
	// Decision is the last one; nil where there is none that may be shown.
	Decision *StatusDecision
	Linked   []CaseID
	// Beside are the states of the linked cases.
	Beside []Beside
	// Elsewhere are open cases of other filings that stand for entries on names below.
	Elsewhere []Elsewhere
	// Below is what blocks names below that of the filing.
	Below          Below
	StillBlockedBy []policy.Match
	// AppealUntil is when the time for an appeal ends; zero where there is none to be had.
	AppealUntil time.Time
	// Of a case of which we do not say what it is about, Corrected says that something was put
	// right, and ReferredTo whose any secret list is: all such authorities, whether or not the
	// name is on one.
	Corrected  bool
	ReferredTo []string
	// Measure is the warning or suspension that the case led to; nil where there is none.
	Measure *Measure
}

// Beside is another case of the same filing: how it stands, and the list that it is about.
type Beside struct {
	ID    CaseID
	State State
	List  string
	// Name is what it is about.
	Name wire.Name
}

// StatusEvent is an event as the party sees it: the actor's role and not the name.
type StatusEvent struct {
	At       time.Time
	Kind     EventKind
	By       ActorRole
	Question Question
	Outcome  Outcome
	Facts    string
	Ground   string
	// Language is that of facts and ground; empty: the desk's.
	Language string
	// Text is what the party wrote.
	Text string
	// Deadline is until when the party may answer, or the clock that was missed.
	Deadline time.Time
	// Body and Ref are whose decision, where it is not ours.
	Body string
	Ref  string
	Into CaseID // of a merged case: the one that stands for it
}

// StatusDecision is a decision with its reasons.
type StatusDecision struct {
	At       time.Time
	By       ActorRole
	Question Question
	Outcome  Outcome
	Facts    string
	Ground   string
	NarrowTo string
	Until    time.Time
	// Language is that of facts and ground; empty: unknown. Sent: the whole statement is kept.
	Language string
	Sent     bool
	// Effect is since when it is in force; nil while it is not, or has none.
	Effect *InForce
}

// Show gives the party its case. A wrong token and a case that does not exist are
// one and the same error.
func (d *Desk) Show(ctx context.Context, id CaseID, token string) (Status, error) {
	shown, err := d.open(ctx, id, token)
	if err != nil {
		return Status{}, err
	}
	status := d.status(shown)
	if status.Decision != nil && status.Decision.Language == "" {
		status.Decision.Language = d.config.Language
	}
	status.StillBlockedBy = d.StillBlocking(shown.Contested())
	if status.Below, err = d.below(ctx, shown); err != nil {
		return Status{}, fmt.Errorf("show: %w", err)
	}
	if status.Beside, err = d.beside(ctx, shown); err != nil {
		return Status{}, fmt.Errorf("show: %w", err)
	}
	if made := status.Decision; made != nil && made.Effect != nil && d.config.Everywhere != nil {
		if made.Effect.Nodes, err = d.config.Everywhere(ctx, id); err != nil {
			return Status{}, fmt.Errorf("show: %w", err)
		}
	}
	return status, nil
}

// beside is how the linked cases stand that the party may know of.
func (d *Desk) beside(ctx context.Context, shown *Case) ([]Beside, error) {
	if len(shown.Linked) == 0 {
		return nil, nil
	}
	cases, err := d.store.Standing(ctx, shown.ID)
	if err != nil {
		return nil, err
	}
	var found []Beside
	for _, other := range cases {
		if other.ID == shown.ID || other.Hidden || other.Unconfirmed() {
			continue
		}
		found = append(found, Beside{ID: other.ID, State: other.State(), List: string(other.Entry.List), Name: other.Contested()})
	}
	return found, nil
}

// Review gives a person of ours the whole case. The contact is left out until that person has
// decided, so that nobody decides by who asks; an auditor never sees it.
func (d *Desk) Review(ctx context.Context, actor Actor, id CaseID) (*Case, error) {
	if !actor.MayRead() {
		return nil, ErrNotPermitted
	}
	shown, err := d.store.Case(ctx, id)
	if err == nil && shown.Confidential && !actor.Cleared {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	if !shown.contactOpen(actor) {
		maps.DeleteFunc(shown.Texts, func(_ Commitment, text Text) bool { return text.Kind == Contact })
	}
	return shown, nil
}

// contactOpen says whether the actor may see how to reach the party.
func (c *Case) contactOpen(actor Actor) bool {
	if !actor.May() {
		return false
	}
	person := blocklists.Person(actor.Name)
	return slices.Contains(c.deciders(Merits), person) || slices.Contains(c.deciders(Implementation), person)
}

// open reads a case for whoever has its token. The token is compared also when
// there is no case, so that both take the same time.
func (d *Desk) open(ctx context.Context, id CaseID, token string) (*Case, error) {
	shown, err := d.store.Case(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("show: %w", err)
	}
	var hash TokenHash
	if shown != nil {
		hash = shown.Filing.Token
	}
	if !hash.Matches(token) || shown == nil || shown.Hidden {
		return nil, ErrNotFound
	}
	return shown, nil
}

// shownState is the state for the party. Of a case of which we do not say what it is about,
// it is what a case about nothing would have after the same words between the party and us.
func (c *Case) shownState() State {
	if !c.Unconfirmed() {
		return c.State()
	}
	state := Submitted
	for _, event := range c.Events {
		switch event.Kind {
		case DecidedEvent, ClosedEvent, FollowedEvent:
			state = Closed
		case DismissedEvent:
			state = Inadmissible
		case WithdrawnEvent:
			state = Withdrawn
		case AppealedEvent:
			state = Appealed
		case AskedEvent:
			state = NeedInfo
		case MessageEvent:
			if state == NeedInfo && event.Actor.Role == Party {
				state = Submitted
			}
		}
	}
	return state
}

func (d *Desk) status(c *Case) Status {
	filing := &c.Filing
	status := Status{
		ID: c.ID, Name: c.Contested().String(), State: c.shownState(), Implementation: c.Implementation, Merits: c.Merits, Entry: c.Entry,
		Filed: c.opened(), Verified: !filing.Verified.IsZero(), Challenge: filing.challenge(), ChallengeUntil: filing.At.Add(ChallengeLife),
		Linked: c.Linked, Elsewhere: c.Elsewhere, AppealUntil: c.AppealUntil(),
	}
	for _, event := range c.Events {
		if !internal(&event) {
			status.add(c, event)
		}
	}
	if measure := c.Measure(); !measure.Given.IsZero() {
		status.Measure = &measure
	}
	if c.Unconfirmed() {
		status.conceal(filing, d.config.Holiday)
		status.elsewhere(c, d.config.Authorities)
	}
	return status
}

func (s *Status) add(c *Case, event Event) {
	content := &event.Content
	s.Events = append(s.Events, StatusEvent{
		At: event.At, Kind: event.Kind, By: event.Actor.Role, Question: content.Question, Outcome: content.Outcome,
		Facts: c.Text(event, Facts), Ground: c.Text(event, Ground), Text: c.Text(event, Explanation), Language: content.Language,
		Deadline: content.Deadline, Body: content.Body, Ref: content.Ref, Into: CaseID(content.Into),
	})
	switch {
	case event.Kind == InForceEvent && s.Decision != nil:
		s.Decision.Effect = &InForce{Generation: content.Generation, At: event.At}
	case event.isDecision() && event.Kind != ReferredEvent:
		s.Decision = &StatusDecision{
			At: event.At, By: event.Actor.Role, Question: content.Question, Outcome: content.Outcome,
			Facts: c.Text(event, Facts), Ground: c.Text(event, Ground), NarrowTo: content.NarrowTo, Until: content.Until,
			Language: content.Language, Sent: content.Texts[Reasons] != "",
		}
	}
}

// internal are the events that the party does not see. At which nodes a decision is in force it is shown with the decision.
func internal(event *Event) bool {
	switch event.Kind {
	case DossierEvent:
		return event.Content.Method == byHand
	case MissedEvent:
		return event.Content.Clock == NodesClock
	case TriagedEvent, RetestedEvent, PublisherEvent, RereadEvent, MeasureProposedEvent, MeasureDroppedEvent:
		return true
	}
	return false
}

// conceal makes a case about nothing and one about a secret entry the same to see:
// the tracks of a case about nothing, no outcome, and no event that only one can have.
func (s *Status) conceal(filing *Filing, holiday func(time.Time) bool) {
	s.Entry, s.Decision = nil, nil
	s.Implementation, s.Merits = tracks(nil, filing.At, holiday)
	if s.Verified {
		s.Merits = hastened(nil, s.Merits, filing.Verified)
	}
	if s.State != Submitted {
		s.Implementation.State, s.Merits.State = s.State, s.State
	}
	var shown []StatusEvent
	closed := false
	for _, event := range s.Events {
		if event.Kind == FollowedEvent { // a case about nothing is never merged
			event.Kind = DecidedEvent
		}
		decided := event.Kind == DecidedEvent
		if !concealed(event.Kind) && (!decided || !closed) {
			event.Question, event.Outcome, event.Body, event.Ref, event.Into = "", "", "", "", ""
			if decided || event.Kind == ClosedEvent || event.Kind == DismissedEvent {
				event.Facts, event.Ground = "", ""
			}
			shown = append(shown, event)
		}
		closed = closed && event.Kind != AppealedEvent || decided
	}
	s.Events = shown
}

// concealed are the events that only a case with an entry can have.
func concealed(kind EventKind) bool {
	switch kind {
	case FiledEvent, VerifiedEvent, MessageEvent, AskedEvent, DecidedEvent, ClosedEvent, DismissedEvent, WithdrawnEvent, AppealedEvent, RecoveredEvent:
		return false
	}
	return true
}

// elsewhere says, once something was decided, all that is told of it.
func (s *Status) elsewhere(c *Case, authorities func() []string) {
	if s.State != Closed {
		return
	}
	for _, event := range c.Events {
		s.Corrected = s.Corrected || event.isDecision() && (event.Content.Outcome == Reverse || event.Content.Outcome == Narrow)
	}
	if !s.Corrected && authorities != nil {
		s.ReferredTo = authorities()
	}
}
