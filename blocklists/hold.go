package blocklists

import (
	"net/netip"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Safeguard names what stopped an entry, or what a list brought.
type Safeguard string

// The safeguards. The first five look at one entry, the others at a list.
const (
	ProtectedName   Safeguard = "protected-name"
	PublicSuffix    Safeguard = "public-suffix"
	PopularName     Safeguard = "popular-name"
	WidePrefix      Safeguard = "wide-prefix"
	SharedAddresses Safeguard = "shared-addresses"

	Growth Safeguard = "growth" // more new entries than the limit: they are held
	Shrink Safeguard = "shrink" // more entries gone than the limit: the list as it was stays
	Spike  Safeguard = "spike"  // its staged entries blocked too much: they are halted

	// Overruled is of orders: another authority or a higher court has lifted the name before.
	Overruled Safeguard = "overruled"
)

// OfList says whether the safeguard stops what a list brings as a whole.
func (s Safeguard) OfList() bool { return s == Growth || s == Shrink || s == Spike }

// Subject is what a hold is bound to beside its list: an entry's trigger, name or prefix, and
// scope. The zero value stands for what the list brings as a whole.
type Subject struct {
	Trigger Trigger
	Name    wire.Name
	Scope   Scope
	Prefix  netip.Prefix
}

// SubjectOf is the subject of an entry.
func SubjectOf(entry *Entry) Subject {
	return Subject{Trigger: entry.Trigger, Name: entry.Name, Scope: entry.Scope, Prefix: entry.Prefix}
}

// String is the name or the prefix; empty for a whole list.
func (s Subject) String() string {
	switch {
	case s.Prefix.IsValid():
		return s.Prefix.String()
	case s.Name != "":
		return s.Name.String()
	}
	return ""
}

// Hold is an entry, or what a list brought, that a safeguard stopped before it could
// take effect, until people release it. A release is bound to list and subject: it
// survives every new import.
type Hold struct {
	ID        int64
	List      ListID
	Purpose   Purpose
	Subject   Subject
	Safeguard Safeguard
	Detail    string // which protected or popular name, its rank, how many entries
	// Count is, for [Growth] and [Shrink], how many entries the list would have.
	Count    int
	Line     uint32
	Since    time.Time
	Releases []Release
	// Ended is when the list no longer had what is held; zero while it has.
	Ended time.Time
}

// Release is one person's word that a hold may go.
type Release struct {
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at"`
}

// Needed is how many different people must release a hold of this purpose.
func (p Purpose) Needed() int {
	if p == User {
		return 1
	}
	return 2
}

// Released says whether enough different people have released the hold.
func (h *Hold) Released() bool {
	return h.Purpose != 0 && len(h.ReleasedBy()) >= h.Purpose.Needed()
}

// ReleasedBy are the different people who released the hold. Two spellings of one
// name, by case or by blanks, are one person.
func (h *Hold) ReleasedBy() []string {
	seen := make(map[string]bool, len(h.Releases))
	var people []string
	for _, release := range h.Releases {
		if person := Person(release.By); person != "" && !seen[person] {
			seen[person] = true
			people = append(people, release.By)
		}
	}
	return people
}

// Person is a person's name in the form in which two are compared.
func Person(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// ListState is what is remembered of a list beside its entries.
type ListState struct {
	List   ListID `json:"list"`
	Serial uint64 `json:"serial,omitempty"` // of the last good edition; 0 where it has none
	// Pinned is when a rollback fixed the list; zero where none has. Until somebody applies it
	// anew, nothing new is taken of it.
	Pinned   time.Time `json:"pinned,omitzero"`
	PinnedBy string    `json:"pinned_by,omitempty"`
	// PinnedFrom is the generation that the rollback left, and PinnedTo the one whose content
	// took its place. No generation up to the former may be in force again.
	PinnedFrom uint64 `json:"pinned_from,omitempty"`
	PinnedTo   uint64 `json:"pinned_to,omitempty"`
}

// Confirmation is a person's word that an entry, or a whole list where the name is empty, has been
// reviewed and stands. It counts like a first sighting at its time.
type Confirmation struct {
	List ListID
	Name wire.Name
	By   string
	Note string
	At   time.Time
}

// AlarmKind is what somebody has to be told of a list.
type AlarmKind string

// The kinds of alarm.
const (
	AlarmHeld        AlarmKind = "held"          // entries wait for people
	AlarmShrink      AlarmKind = "shrink"        // the list lost more than its limit
	AlarmGrowth      AlarmKind = "growth"        // the list grew beyond its limit
	AlarmSpike       AlarmKind = "spike"         // staged entries were halted
	AlarmSource      AlarmKind = "source"        // the source is missing or refused
	AlarmUnreachable AlarmKind = "unreachable"   // a law list's source, for a week: public
	AlarmReviewSoon  AlarmKind = "review-soon"   // the authority is written to 30 days before
	AlarmReviewDue   AlarmKind = "review-due"    // and on the day; the entries stay
	AlarmReviewStops AlarmKind = "review-stops"  // security entries stop, or have stopped
	AlarmReviewUser  AlarmKind = "review-holder" // the account holder is to be asked
	AlarmExpired     AlarmKind = "expired"       // the list has ended
	AlarmEnforce     AlarmKind = "enforce-by"    // a held order's time ran out
)

// Alarm is one thing that somebody has to be told of a list, and since when.
type Alarm struct {
	List   ListID    `json:"list"`
	Kind   AlarmKind `json:"kind"`
	Detail string    `json:"detail"`
	Since  time.Time `json:"since"`
}
