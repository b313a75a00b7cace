package redress

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
)

// Statement is a statement of reasons, for a decision or for a block: what Article 17(3) of
// Regulation (EU) 2022/2065 asks of others, taken as a template. Its words are of closed sets and
// in no language; [Statements] writes it for people.
type Statement struct {
	Case     CaseID    `json:"case,omitempty"`
	Code     string    `json:"reason_code,omitempty"`
	Name     string    `json:"name"`
	Scope    string    `json:"scope,omitempty"`
	Question Question  `json:"question,omitempty"`
	Outcome  Outcome   `json:"outcome,omitempty"`
	At       time.Time `json:"at,omitzero"`

	// What happens to the name now (a), where and how long.
	What        What      `json:"what"`
	NarrowTo    string    `json:"narrow_to,omitempty"`
	NarrowScope string    `json:"narrow_scope,omitempty"`
	Except      []string  `json:"except,omitempty"`
	Territory   []string  `json:"territory"` // empty: wherever this resolver serves
	From        time.Time `json:"from,omitzero"`
	Until       time.Time `json:"until,omitzero"`
	ReviewBy    time.Time `json:"review_by,omitzero"`
	Effect      *Effected `json:"effect,omitempty"`

	// Why (b, d, e).
	Purpose    string             `json:"purpose,omitempty"`
	Category   string             `json:"category,omitempty"`
	GroundKind string             `json:"ground_kind"` // law, or terms for what the operator or its client chose
	LegalBasis []blocklists.Basis `json:"legal_basis"`
	Order      string             `json:"order,omitempty"`
	Authority  string             `json:"authority,omitempty"`
	Ground     string             `json:"ground,omitempty"`
	Facts      string             `json:"facts,omitempty"`
	// Summarised: detail that would help attackers is left out, and the facts are a summary.
	Summarised bool `json:"summarised"`

	// How it came about (b, c), and who decided.
	Source    string           `json:"source"` // order, notice or own_initiative
	Detection policy.Detection `json:"detection,omitempty"`
	Automated bool             `json:"automated_decision"`
	DecidedBy ActorRole        `json:"decided_by,omitempty"`
	// SecondBy is who read the decision again, or had decided before an appeal.
	SecondBy ActorRole `json:"second_by,omitempty"`
	Body     string    `json:"body,omitempty"` // the authority or court that decided
	Ref      string    `json:"ref,omitempty"`

	// What can be done about it (f).
	Remedies  []Remedy `json:"remedies"`
	Languages []string `json:"languages"`

	// TextLanguage is that of facts and ground, as whoever decided wrote them; empty: unknown.
	TextLanguage string `json:"text_language,omitempty"`
	// Written is the statement for a person to read: AsSent, the one that the party was sent. Versions are
	// the languages in which it can be had.
	Written  *Written `json:"written,omitempty"`
	AsSent   bool     `json:"as_sent"`
	Versions []string `json:"versions"`

	// Record is the machine copy, with the names of the Transparency Database.
	Record Record `json:"record"`
}

// What is what happens to a name.
type What string

// The words for it.
const (
	StaysBlocked What = "stays_blocked"
	Unblocked    What = "unblocked"
	PartlyOpen   What = "partly_unblocked"
	OpenLater    What = "unblocked_later"
	IsReferred   What = "referred"
)

// Effected is what changed where and when.
type Effected struct {
	Generation uint64    `json:"generation"`
	At         time.Time `json:"at"`
}

// Remedy is what can be done next.
type Remedy struct {
	Kind string `json:"kind"` // appeal, authority, court, out-of-court, provider, self
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
	// Until is the last day where it is known; else From says from when it is counted.
	Until     time.Time `json:"until,omitzero"`
	Deadline  string    `json:"deadline,omitempty"`
	From      string    `json:"deadline_from,omitempty"`
	Languages []string  `json:"languages,omitempty"`
	Cost      string    `json:"cost,omitempty"`
}

// Statement is the statement of reasons of a case's last decision, for its party. ErrState:
// nothing is decided that could be told.
func (d *Desk) Statement(ctx context.Context, id CaseID, token string) (Statement, error) {
	one, err := d.open(ctx, id, token)
	if err != nil {
		return Statement{}, err
	}
	if one.Unconfirmed() {
		return Statement{}, ErrState
	}
	return d.stated(one)
}

// StatementFor is Statement for people of ours.
func (d *Desk) StatementFor(ctx context.Context, actor Actor, id CaseID) (Statement, error) {
	one, err := d.Review(ctx, actor, id)
	if err != nil {
		return Statement{}, err
	}
	return d.stated(one)
}

func (d *Desk) stated(one *Case) (Statement, error) {
	at := slices.IndexFunc(one.Events, func(event Event) bool { return event.isDecision() })
	if at < 0 {
		return Statement{}, fmt.Errorf("statement: %w", ErrState)
	}
	made := Statement{Case: one.ID, Name: one.Filing.Name.String(), Territory: []string{}, LegalBasis: []blocklists.Basis{}, Remedies: []Remedy{}, Languages: []string{}, Versions: []string{}}
	if one.Entry != nil {
		made.Code, made.Name, made.Scope = one.Entry.Code.String(), one.Entry.Name.String(), one.Entry.Scope.String()
		made.Purpose = one.Entry.Purpose.String()
		if match, found := d.match(one.Entry); found {
			made.block(d.index().ReasonOf(match))
		}
	}
	byItself := made.Until
	for _, event := range one.Events {
		if event.isDecision() && endsTerm(event.Content.Question, event.Content.Outcome, event.Kind == ExternalEvent) {
			made.Until = byItself
		}
		made.add(one, &event)
	}
	if made.TextLanguage == "" {
		made.TextLanguage = d.config.Language
	}
	if d.config.Statements != nil {
		made.Versions = d.config.Statements.Languages()
	}
	made.remedies(one, d.StatusURL(one.ID, ""))
	made.Record = made.record()
	return made, nil
}

// isDecision says whether the event answers a question of a case.
func (e *Event) isDecision() bool {
	switch e.Kind {
	case DecidedEvent, DismissedEvent, ClosedEvent, PronouncedBy, ReferredEvent, FollowedEvent:
		return e.Actor.Role != System
	case ExternalEvent:
		return e.Content.Outcome != ""
	}
	return false
}

// add takes in an event: the last decision is the one that counts.
func (s *Statement) add(one *Case, event *Event) {
	content := &event.Content
	switch {
	case event.isDecision():
		if s.DecidedBy != "" {
			s.SecondBy = s.DecidedBy
		}
		s.DecidedBy, s.At, s.Question, s.Outcome = event.Actor.Role, event.At, content.Question, content.Outcome
		s.Facts, s.Ground = one.Text(*event, Facts), one.Text(*event, Ground)
		s.NarrowTo, s.NarrowScope, s.Except, s.Body, s.Ref, s.Effect = content.NarrowTo, content.NarrowScope, content.Except, content.Body, content.Ref, nil
		s.What, s.TextLanguage = whatOf(event), content.Language
		s.Written, s.AsSent = nil, false
		if sent, kept := one.Sent(event); kept {
			s.Written, s.AsSent = &sent, true
		}
		s.Automated, s.Source = false, "notice" // a person decided, on what was filed
		if !content.Until.IsZero() {
			s.Until = content.Until
		}
		if len(content.Jurisdiction) > 0 {
			s.Territory = content.Jurisdiction
		}
		s.Summarised = s.Purpose == blocklists.Security.String() && s.What == StaysBlocked
	case event.Kind == RereadEvent:
		s.SecondBy = event.Actor.Role
	case event.Kind == InForceEvent && s.DecidedBy != "":
		s.Effect = &Effected{Generation: content.Generation, At: event.At}
	}
}

func whatOf(event *Event) What {
	switch event.Content.Outcome {
	case Reverse:
		return Unblocked
	case Narrow:
		return PartlyOpen
	case Shorten:
		return OpenLater
	}
	if event.Kind == ReferredEvent {
		return IsReferred
	}
	return StaysBlocked
}

// remedies are what the party may do next.
func (s *Statement) remedies(one *Case, status string) {
	if until := one.AppealUntil(); !until.IsZero() {
		s.Remedies = slices.Insert(s.Remedies, 0, Remedy{Kind: "appeal", URL: status, Until: until, Cost: "free"})
	}
}

// BlockStatement is the statement of reasons of a block itself.
func BlockStatement(reason policy.Reason) Statement {
	made := Statement{
		Code: reason.Code.String(), Name: reason.Name, What: StaysBlocked, Territory: []string{}, LegalBasis: []blocklists.Basis{}, Remedies: []Remedy{}, Versions: []string{},
		Purpose: reason.Purpose.String(), Scope: reason.Scope,
	}
	made.block(reason)
	if reason.Excepted {
		made.What = Unblocked
	}
	made.Record = made.record()
	return made
}

// block takes in what the public may know of the block.
func (s *Statement) block(reason policy.Reason) {
	s.From, s.Until, s.ReviewBy = reason.Since, reason.Until, reason.ReviewBy
	s.Territory = append(s.Territory, reason.Jurisdiction...)
	s.LegalBasis = append(s.LegalBasis, reason.LegalBasis...)
	s.Order, s.Category, s.Ground, s.Detection = reason.Order, reason.Category, reason.Ground, reason.Detection
	s.Languages = append([]string{}, reason.Redress.Languages...)
	s.GroundKind, s.Source = "terms", "own_initiative"
	if reason.Purpose == blocklists.Law {
		s.GroundKind, s.Source, s.Authority = "law", "order", reason.DecidedBy
	}
	s.Automated = reason.Detection == policy.Automated
	for _, venue := range reason.Redress.Venues {
		s.Remedies = append(s.Remedies, Remedy{
			Kind: venue.Kind, Name: venue.Name, URL: venue.URL, Deadline: reason.Redress.Deadline, From: reason.Redress.DeadlineFrom,
			Languages: reason.Redress.Languages, Cost: reason.Redress.Cost,
		})
	}
	if reason.DisableURL != "" {
		s.Remedies = append(s.Remedies, Remedy{Kind: "self", URL: reason.DisableURL, Cost: "free"})
	}
}
