package redress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recourse-dns/recourse/policy"
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
	Decision       *StatusDecision
	Linked         []CaseID
	StillBlockedBy []policy.Match
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
	status := shown.status()
	status.StillBlockedBy = d.StillBlocking(shown.Filing.Name)
	return status, nil
}

// Review gives a reviewer the whole case.
func (d *Desk) Review(ctx context.Context, actor Actor, id CaseID) (*Case, error) {
	if !actor.MayRead() {
		return nil, ErrNotPermitted
	}
	shown, err := d.store.Case(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	return shown, nil
}

// MaxPage is the most cases on one page of the list.
const MaxPage = 200

// List gives a reviewer a page of cases, the next deadline first.
func (d *Desk) List(ctx context.Context, actor Actor, page Page) ([]*Case, error) {
	if !actor.MayRead() {
		return nil, ErrNotPermitted
	}
	if page.Limit <= 0 || page.Limit > MaxPage {
		page.Limit = MaxPage
	}
	cases, err := d.store.List(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return cases, nil
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

// shownState is the state for the party.
func (c *Case) shownState() State {
	switch {
	case !c.Unconfirmed():
		return c.State()
	case c.isDecided():
		return Closed
	}
	return Submitted
}

func (c *Case) isDecided() bool {
	for _, event := range c.Events {
		if event.Kind == DecidedEvent {
			return true
		}
	}
	return false
}

func (c *Case) status() Status {
	filing := &c.Filing
	status := Status{
		ID: c.ID, Name: filing.Name.String(), State: c.shownState(), Implementation: c.Implementation, Merits: c.Merits, Entry: c.Entry,
		Filed: filing.At, Verified: !filing.Verified.IsZero(), Challenge: filing.challenge(), ChallengeUntil: filing.At.Add(ChallengeLife),
		Linked: c.Linked,
	}
	for _, event := range c.Events {
		status.add(c, event)
	}
	if c.Unconfirmed() {
		status.conceal(filing)
	}
	return status
}

func (s *Status) add(c *Case, event Event) {
	s.Events = append(s.Events, StatusEvent{
		At: event.At, Kind: event.Kind, By: event.Actor.Role, Question: event.Content.Question, Outcome: event.Content.Outcome,
		Facts: c.Text(event, Facts), Ground: c.Text(event, Ground),
	})
	switch event.Kind {
	case DecidedEvent:
		s.Decision = &StatusDecision{
			At: event.At, By: event.Actor.Role, Question: event.Content.Question, Outcome: event.Content.Outcome,
			Facts: c.Text(event, Facts), Ground: c.Text(event, Ground), NarrowTo: event.Content.NarrowTo,
		}
	case InForceEvent:
		if s.Decision != nil {
			s.Decision.Effect = &InForce{Generation: event.Content.Generation, At: event.At}
		}
	}
}

// conceal makes a case about nothing and one about a secret entry the same to see:
// the tracks of a case about nothing, no outcome, and no event that only one can have.
func (s *Status) conceal(filing *Filing) {
	s.Entry, s.Decision = nil, nil
	s.Implementation, s.Merits = tracks(nil, filing.At)
	if s.Verified {
		s.Merits = hastened(nil, s.Merits, filing.Verified)
	}
	if s.State == Closed {
		s.Implementation.State, s.Merits.State = Closed, Closed
	}
	var shown []StatusEvent
	closed := false
	for _, event := range s.Events {
		event.Question, event.Outcome, event.Facts, event.Ground = "", "", "", ""
		if event.Kind == FiledEvent || event.Kind == VerifiedEvent || event.Kind == DecidedEvent && !closed {
			shown = append(shown, event)
		}
		closed = closed || event.Kind == DecidedEvent
	}
	s.Events = shown
}
