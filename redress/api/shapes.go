package api

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress"
)

// track is one question's state and clock.
type track struct {
	State    redress.State `json:"state"`
	Deadline *time.Time    `json:"deadline"`
}

func trackOf(from redress.Track) track {
	return track{State: from.State, Deadline: timeOrNull(from.Deadline)}
}

// effect is since when the next query sees a decision.
type effect struct {
	Generation uint64       `json:"generation"`
	At         time.Time    `json:"at"`
	Nodes      []nodeEffect `json:"nodes,omitempty"`
}

// nodeEffect is since when a node has had it.
type nodeEffect struct {
	Node       string    `json:"node"`
	Generation uint64    `json:"generation"`
	At         time.Time `json:"at"`
}

func effectOf(from *redress.InForce) *effect {
	if from == nil {
		return nil
	}
	made := &effect{Generation: from.Generation, At: from.At}
	for _, node := range from.Nodes {
		made.Nodes = append(made.Nodes, nodeEffect(node))
	}
	return made
}

// blocking is an entry that blocks the name of a case.
type blocking struct {
	List         blocklists.ListID  `json:"list"`
	Purpose      blocklists.Purpose `json:"purpose"`
	Jurisdiction []string           `json:"jurisdiction"`
	ReasonCode   policy.Code        `json:"reason_code"`
}

func blockingOf(matches []policy.Match) []blocking {
	all := []blocking{}
	for i := range matches {
		match := &matches[i]
		all = append(all, blocking{List: match.Entry.List, Purpose: match.Purpose(), Jurisdiction: notNil(match.Jurisdiction()), ReasonCode: match.Code})
	}
	return all
}

// status is a case as its party sees it. Purpose, list and reason code are null
// where we do not say what the case is about.
type status struct {
	ID             redress.CaseID      `json:"id"`
	State          redress.State       `json:"state"`
	Name           string              `json:"name"`
	Purpose        *blocklists.Purpose `json:"purpose"`
	List           *blocklists.ListID  `json:"list"`
	ReasonCode     *policy.Code        `json:"reason_code"`
	Implementation track               `json:"implementation"`
	Merits         track               `json:"merits"`
	Filed          time.Time           `json:"filed"`
	Verified       bool                `json:"verified"`
	Challenge      challenge           `json:"challenge"`
	ChallengeUntil time.Time           `json:"challenge_until"`
	Events         []statusEvent       `json:"events"`
	Decision       *decision           `json:"decision,omitempty"`
	Linked         []redress.CaseID    `json:"linked"`
	StillBlockedBy []blocking          `json:"still_blocked_by"`
	AppealUntil    *time.Time          `json:"appeal_until"`
	Corrected      bool                `json:"corrected,omitempty"`
	ReferredTo     []string            `json:"referred_to,omitempty"`
	Measure        *standingMeasure    `json:"measure,omitempty"`
	Elsewhere      []elsewhere         `json:"elsewhere,omitempty"`
	Below          *below              `json:"below,omitempty"`
}

// statusEvent is an event that concerns the party.
type statusEvent struct {
	At       time.Time         `json:"at"`
	Kind     redress.EventKind `json:"kind"`
	By       redress.ActorRole `json:"by"`
	Question redress.Question  `json:"question,omitempty"`
	Outcome  redress.Outcome   `json:"outcome,omitempty"`
	Facts    string            `json:"facts,omitempty"`
	Ground   string            `json:"ground,omitempty"`
	Language string            `json:"language,omitempty"`
	Text     string            `json:"text,omitempty"`
	Deadline time.Time         `json:"deadline,omitzero"`
	Body     string            `json:"body,omitempty"`
	Ref      string            `json:"ref,omitempty"`
	Into     redress.CaseID    `json:"into,omitempty"`
}

// decision is a decision with its reasons.
type decision struct {
	At       time.Time         `json:"at"`
	By       redress.ActorRole `json:"by"`
	Question redress.Question  `json:"question"`
	Outcome  redress.Outcome   `json:"outcome"`
	Facts    string            `json:"facts"`
	Ground   string            `json:"ground"`
	NarrowTo string            `json:"narrow_to,omitempty"`
	Until    time.Time         `json:"until,omitzero"`
	Effect   *effect           `json:"effect"`
}

func statusOf(from *redress.Status) status {
	shown := status{
		ID: from.ID, State: from.State, Name: from.Name, Implementation: trackOf(from.Implementation), Merits: trackOf(from.Merits),
		Filed: from.Filed, Verified: from.Verified, Challenge: challengeOf(from.Challenge), ChallengeUntil: from.ChallengeUntil,
		Events: []statusEvent{}, Linked: linkedOf(from.Linked, from.Elsewhere), StillBlockedBy: blockingOf(from.StillBlockedBy),
		AppealUntil: timeOrNull(from.AppealUntil), Corrected: from.Corrected, ReferredTo: from.ReferredTo, Measure: standingOf(from.Measure),
		Elsewhere: elsewhereOf(from.Elsewhere), Below: belowOf(from),
	}
	if from.Entry != nil {
		shown.Purpose, shown.List, shown.ReasonCode = &from.Entry.Purpose, &from.Entry.List, &from.Entry.Code
	}
	for _, event := range from.Events {
		shown.Events = append(shown.Events, statusEvent(event))
	}
	if made := from.Decision; made != nil {
		shown.Decision = &decision{
			At: made.At, By: made.By, Question: made.Question, Outcome: made.Outcome, Facts: made.Facts, Ground: made.Ground,
			NarrowTo: made.NarrowTo, Until: made.Until, Effect: effectOf(made.Effect),
		}
	}
	return shown
}

// summary is a case in a reviewer's list.
type summary struct {
	ID             redress.CaseID      `json:"id"`
	State          redress.State       `json:"state"`
	Name           string              `json:"name"`
	Purpose        *blocklists.Purpose `json:"purpose"`
	List           *blocklists.ListID  `json:"list"`
	Entry          *string             `json:"entry"`
	Scope          *blocklists.Scope   `json:"scope"`
	Order          string              `json:"order,omitempty"`
	ReasonCode     *policy.Code        `json:"reason_code"`
	Confidential   bool                `json:"confidential"`
	Role           redress.Role        `json:"role"`
	Implementation track               `json:"implementation"`
	Merits         track               `json:"merits"`
	Due            *time.Time          `json:"due"`
	Filed          time.Time           `json:"filed"`
	Verified       bool                `json:"verified"`
}

func summaryOf(from *redress.Case) summary {
	shown := summary{
		ID: from.ID, State: from.State(), Name: from.Contested().String(), Confidential: from.Confidential, Role: from.Filing.Role,
		Implementation: trackOf(from.Implementation), Merits: trackOf(from.Merits), Due: timeOrNull(from.Due()),
		Filed: from.Filing.At, Verified: !from.Filing.Verified.IsZero(),
	}
	if entry := from.Entry; entry != nil {
		name := entry.Name.String()
		shown.Purpose, shown.List, shown.Entry, shown.Scope, shown.ReasonCode = &entry.Purpose, &entry.List, &name, &entry.Scope, &entry.Code
		shown.Order = entry.Order
	}
	return shown
}

// review is a case as a reviewer sees it.
type review struct {
	summary
	Language    string           `json:"language,omitempty"`
	Explanation string           `json:"explanation"`
	Contact     string           `json:"contact,omitempty"`
	Linked      []redress.CaseID `json:"linked"`
	Events      []reviewEvent    `json:"events"`
}

// reviewEvent is an event of the log with its place in the chain.
type reviewEvent struct {
	Sequence int64             `json:"sequence"`
	At       time.Time         `json:"at"`
	Kind     redress.EventKind `json:"kind"`
	Actor    string            `json:"actor"`
	Role     redress.ActorRole `json:"role"`
	Content  redress.Content   `json:"content"`
	Facts    string            `json:"facts,omitempty"`
	Ground   string            `json:"ground,omitempty"`
	Text     string            `json:"text,omitempty"` // what the party wrote
}

func reviewOf(from *redress.Case) review {
	shown := review{summary: summaryOf(from), Language: from.Filing.Language, Linked: linkedOf(from.Linked, from.Elsewhere), Events: []reviewEvent{}}
	for _, event := range from.Events {
		if event.Kind == redress.FiledEvent {
			shown.Explanation, shown.Contact = from.Text(event, redress.Explanation), from.Text(event, redress.Contact)
		}
		shown.Events = append(shown.Events, reviewEvent{
			Sequence: event.Sequence, At: event.At, Kind: event.Kind, Actor: event.Actor.Name, Role: event.Actor.Role, Content: event.Content,
			Facts: from.Text(event, redress.Facts), Ground: from.Text(event, redress.Ground),
			Text: from.Text(event, redress.Explanation),
		})
	}
	return shown
}
