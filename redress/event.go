package redress

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	FiledEvent    EventKind = "filed"
	ReferredEvent EventKind = "referred"
	VerifiedEvent EventKind = "verified"
	DecidedEvent  EventKind = "decided"
	InForceEvent  EventKind = "in_force"

	MessageEvent   EventKind = "message"
	AskedEvent     EventKind = "asked"
	RelievedEvent  EventKind = "relieved" // unblocked until a person has decided
	AppealedEvent  EventKind = "appealed"
	RereadEvent    EventKind = "reread" // somebody else read the decision again
	WithdrawnEvent EventKind = "withdrawn"
	DismissedEvent EventKind = "dismissed" // inadmissible
	MergedEvent    EventKind = "merged"
	FollowedEvent  EventKind = "followed" // the case that stands for this one was decided
	ClosedEvent    EventKind = "closed"   // as the party did not reply
	PronouncedBy   EventKind = "authority_decided"
	ExternalEvent  EventKind = "external"
	ReopenedEvent  EventKind = "reopened"
	RecoveredEvent EventKind = "link_renewed"

	// HolderEvent: the party was told that the account holder can undo it at once; our clock runs beside.
	HolderEvent     EventKind = "holder_first"
	TriagedEvent    EventKind = "triaged"
	RetestedEvent   EventKind = "retested"
	MissedEvent     EventKind = "clock_missed"
	OverdueEvent    EventKind = "reply_overdue" // the party has not replied; a person may close
	RemindedEvent   EventKind = "authority_reminded"
	UnansweredEvent EventKind = "unanswered" // by the authority, and published
	ReviewEvent     EventKind = "exception_review"
	ReblockedEvent  EventKind = "reblocked" // two feeds of their own list the name
	PublisherEvent  EventKind = "publisher_told"
	DossierEvent    EventKind = "dossier_sent"      // by mail, or by hand: to be sent by a person
	DeliveredEvent  EventKind = "dossier_delivered" // a person has sent it
	LiftedEvent     EventKind = "lifted"            // what was decided to end has ended
	WarnedEvent     EventKind = "warned"
	SuspendedEvent  EventKind = "suspended"
)

// Event is one thing that happened to a case, to an order, or to what its subject names. Events
// are appended to one log for all of them, are never changed or removed, and each commits to the
// one before it.
type Event struct {
	Sequence int64
	Case     CaseID
	Order    int64     // 0 where the event is of none
	Subject  string    // of what is neither a case nor an order: [About] makes such events
	At       time.Time // whole milliseconds, UTC
	Kind     EventKind
	Actor    Actor
	Content  Content
	Previous Hash
	Hash     Hash
}

// Hash is the SHA-256 that an event has or refers to.
type Hash [sha256.Size]byte

// Content is what an event says. It holds no text that a person wrote freely, only
// commitments to such texts.
type Content struct {
	Question       Question            `json:"question,omitempty"`
	Outcome        Outcome             `json:"outcome,omitempty"`
	NarrowTo       string              `json:"narrow_to,omitempty"`
	Method         string              `json:"method,omitempty"`
	List           string              `json:"list,omitempty"`
	Entry          string              `json:"entry,omitempty"`
	Implementation State               `json:"implementation,omitempty"`
	Merits         State               `json:"merits,omitempty"`
	Generation     uint64              `json:"generation,omitempty"`
	Texts          map[TextKind]string `json:"texts,omitempty"` // commitments in hexadecimal
	Order          *OrderFacts         `json:"order,omitempty"` // of events of orders
	Facts          json.RawMessage     `json:"facts,omitempty"` // of events of a subject: what its kind says

	// NarrowScope, Except, Jurisdiction and Until are further ways to let a part go.
	NarrowScope  string    `json:"narrow_scope,omitempty"`
	Except       []string  `json:"except,omitempty"`
	Jurisdiction []string  `json:"jurisdiction,omitempty"`
	Until        time.Time `json:"until,omitzero"`
	// Body and Ref are of an authority's, a court's or an out-of-court body's decision.
	Body string `json:"body,omitempty"`
	Ref  string `json:"ref,omitempty"`
	// Into is the case that stands for a merged one.
	Into string `json:"into,omitempty"`
	// Clock is the one that was missed, and Deadline when it ran out.
	Clock    ClockKind `json:"clock,omitempty"`
	Deadline time.Time `json:"deadline,omitzero"`
	// Node is one that did not have in time what was decided.
	Node string `json:"node,omitempty"`
	// Language is that in which whoever decided wrote.
	Language string `json:"language,omitempty"`
	// Agrees is of who read a decision again.
	Agrees *bool   `json:"agrees,omitempty"`
	Triage *Triage `json:"triage,omitempty"`
	// Unfounded is of a decision, Measure of what is done about a party.
	Unfounded *Unfounded    `json:"unfounded,omitempty"`
	Measure   *MeasureFacts `json:"measure,omitempty"`
}

// Encode is the one form of the content that is stored and hashed.
func (c Content) Encode() ([]byte, error) {
	encoded, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return encoded, nil
}

// ChainHash is the hash of an event: over the hash of the event before it and all
// that the event says, each part preceded by its length. The first event's
// previous hash is zero. The content is as [Content.Encode] gave it.
func ChainHash(event *Event, content []byte) Hash {
	const around = 256 // what the other parts take, as a rule
	said := make([]byte, 0, around+len(content))
	number := func(value uint64) { said = binary.BigEndian.AppendUint64(said, value) }
	said = append(said, "recourse event 1\n"...)
	said = append(said, event.Previous[:]...)
	number(uint64(event.Sequence))
	number(uint64(event.At.UnixMicro()))
	for _, part := range []string{string(event.Case), string(event.Kind), event.Actor.Name, string(event.Actor.Role)} {
		number(uint64(len(part)))
		said = append(said, part...)
	}
	number(uint64(len(content)))
	said = append(said, content...)
	switch { // one part more than an event of a case has, or two
	case event.Order != 0:
		number(uint64(event.Order))
	case event.Subject != "":
		number(0)
		number(uint64(len(event.Subject)))
		said = append(said, event.Subject...)
	}
	return sha256.Sum256(said)
}

// TextKind is what a text is.
type TextKind string

// The kinds of texts. Whatever the party says later is an explanation too, and whatever we
// say to the party are facts.
const (
	Explanation TextKind = "explanation"
	Contact     TextKind = "contact"
	Facts       TextKind = "facts"
	Ground      TextKind = "ground"
	// Reasons are the statement of reasons as it was sent, a [Written].
	Reasons TextKind = "reasons"
	// WhyUnfounded are the reasons of [Unfounded].
	WhyUnfounded TextKind = "unfounded"
)

// Personal says whether a text is its party's own affair: it is sealed, and erased in time. What
// we said, and why, stays with the decision that it belongs to.
func (k TextKind) Personal() bool { return k != Facts && k != Ground && k != Reasons }

// Commitment is the salted hash of a text.
type Commitment [sha256.Size]byte

// String is the commitment in hexadecimal.
func (c Commitment) String() string { return hex.EncodeToString(c[:]) }

// ParseCommitment reads what String wrote.
func ParseCommitment(text string) (Commitment, error) {
	var commitment Commitment
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != len(commitment) {
		return commitment, fmt.Errorf("commitment %q: not %d octets in hexadecimal", text, len(commitment))
	}
	return Commitment(decoded), nil
}

// Text is what a person wrote, with the salt of its commitment. Erasing a text
// erases its salt with it; what is left cannot be guessed from the commitment.
type Text struct {
	Kind TextKind
	Salt []byte
	Body string
}

// newText salts a text with 128 random bits.
func newText(kind TextKind, body string) Text {
	return Text{Kind: kind, Salt: randomBytes(16), Body: body}
}

// Commitment is the salted hash that events hold.
func (t Text) Commitment() Commitment {
	mac := hmac.New(sha256.New, t.Salt)
	mac.Write([]byte(t.Kind))
	mac.Write([]byte{0})
	mac.Write([]byte(t.Body))
	return Commitment(mac.Sum(nil))
}

// commit gives the texts that are not empty and their commitments.
func commit(bodies map[TextKind]string) ([]Text, map[TextKind]string) {
	var texts []Text
	commitments := make(map[TextKind]string)
	for _, kind := range []TextKind{Explanation, Contact, Facts, Ground, WhyUnfounded} {
		if bodies[kind] == "" {
			continue
		}
		text := newText(kind, bodies[kind])
		texts = append(texts, text)
		commitments[kind] = text.Commitment().String()
	}
	return texts, commitments
}

// Text gives the body of one of the event's texts; empty where there is none or
// where it was erased.
func (c *Case) Text(event Event, kind TextKind) string {
	commitment, err := ParseCommitment(event.Content.Texts[kind])
	if err != nil {
		return ""
	}
	return c.Texts[commitment].Body
}
