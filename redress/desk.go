package redress

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config is what the desk obeys.
type Config struct {
	// Portal is the public address of the pages.
	Portal string
	// Operator is who runs the desk, as statements and dossiers name it, and Contact how they are
	// reached.
	Operator string
	Contact  string
	// Holiday says whether a day is one where the operator works. Nil: no day is.
	Holiday func(day time.Time) bool
	// Authorities are those of the secret lists, all of them: what a party is told that may be
	// theirs, whether or not a list has the name. Nil: none.
	Authorities func() []string
	// Approvals know who let a list's entries take effect. Nil: nobody is known to have.
	Approvals Approvals
	// Tell gives what the party is told of an event, in the transaction that writes it. Nil: nothing.
	Tell func(c *Case, event *Event) []notify.Message
	// Statements writes what the party is sent of a decision. Nil: nothing is written, nor kept.
	Statements Statements
	// Language is that in which people of ours write where they do not say; empty: nobody knows.
	Language string
	// Mail is where authorities, by name, get their dossiers.
	Mail map[string]string
	// Generation is that of the lists in force; where it moves, lifted names are looked at again.
	// Nil: they are not.
	Generation func() uint64
	// Everywhere gives the nodes that have what was decided in a case in force. Nil: none.
	Everywhere func(ctx context.Context, id CaseID) ([]InForceAt, error)
	// Late gives the nodes that had not reported by a time what had been decided in a case [ApplyTime] before.
	// Nil: nobody looks.
	Late func(ctx context.Context, id CaseID, by time.Time) ([]string, error)
	// Entries is how many a list has; false where nothing is told of them. Nil: of none.
	Entries func(list blocklists.ListID) (int, bool)
	// Suspension is how long a party that misuses the desk is suspended; 0: [SuspensionTime].
	Suspension time.Duration
	// Sources are what the facts of a case are gathered from.
	Sources Sources
}

// Approvals know who let a list's entries take effect.
type Approvals interface {
	// Approved says whether the person released a hold of the list, or vouched for the list.
	Approved(ctx context.Context, list blocklists.ListID, person string) (bool, error)
}

// Index is the policy in force, as the desk reads it.
type Index interface {
	// Matches are all entries that cover the name, for any client, with their
	// exceptions; those of secret lists too.
	Matches(name wire.Name) []policy.Match
	// Below are entries that block something below the name and do not cover it, at most so many, of
	// names that pass the test; more says that there are others. None is of a secret list.
	Below(name wire.Name, most int, of func(owner wire.Name) bool) (matches []policy.Match, more bool)
	// Find gives the entries that a code stands for.
	Find(code policy.Code) ([]policy.Match, bool)
	// ReasonOf is what the public may know of a match.
	ReasonOf(match policy.Match) policy.Reason
}

// Effect puts what the store holds in force.
type Effect interface {
	// Apply derives the exceptions anew and returns when the next query sees them.
	Apply(ctx context.Context) (generation uint64, at time.Time, err error)
}

// Store keeps cases. Every method is one transaction.
type Store interface {
	Cases
	Outbox
}

// Cases opens, reads and changes cases.
type Cases interface {
	// Open writes a filing's cases with their first events and the texts of all.
	Open(ctx context.Context, opened []Opened, texts []Text) error
	// Case reads a case with its events and texts; ErrNotFound if there is none.
	Case(ctx context.Context, id CaseID) (*Case, error)
	// Change reads all cases of the filing to which id belongs, that case first, and
	// writes what change returns, together or not at all.
	Change(ctx context.Context, id CaseID, change func(cases []*Case) ([]Change, error)) error
	// List gives a page of cases by deadline.
	List(ctx context.Context, page Page) ([]*Case, error)
	// Due are the clocks that have run out, the oldest first.
	Due(ctx context.Context, at time.Time, limit int) ([]DueClock, error)
	// Alike are other open cases of the same entry, the oldest first, a few at the most.
	Alike(ctx context.Context, one *Case) ([]CaseID, error)
	// Reversals are the decisions behind an event that lifted something of a list, and Corrected
	// how long each since a time took.
	Reversals(ctx context.Context, list blocklists.ListID, after int64, limit int) ([]Reversal, error)
	Corrected(ctx context.Context, list blocklists.ListID, since time.Time) ([]time.Duration, error)
	// MergedInto are the cases for which one stands, by id.
	MergedInto(ctx context.Context, id CaseID, limit int) ([]CaseID, error)
	// Standing are all cases of the filing to which one belongs, without their events and texts.
	Standing(ctx context.Context, id CaseID) ([]*Case, error)
	// Contested are the names of a list of whose blocks something was lifted from one time to another, by day
	// and then by name, each with the number of filings about it until then.
	Contested(ctx context.Context, list blocklists.ListID, from, to time.Time, limit int) ([]Contested, error)
	// Lifted are cases behind one that have exceptions in force, by id.
	Lifted(ctx context.Context, after CaseID, limit int) ([]CaseID, error)
	// Filed counts what others filed about the name of a case.
	Filed(ctx context.Context, one *Case) (Duplicates, error)
}

// Outbox holds the decisions that are not known to be in force yet.
type Outbox interface {
	// Pending are the cases with a decision to put in force, oldest first.
	Pending(ctx context.Context) ([]Pending, error)
	// Settle notes that those decisions are in force since then, with an event each.
	// To settle twice changes nothing.
	Settle(ctx context.Context, settled []Pending, generation uint64, at time.Time) error
}

// Opened is a case to be opened. The store fills in sequence and hashes of events.
type Opened struct {
	Case   *Case
	Events []Event
	Clocks []Clock
	// Notices leave when the case is written.
	Notices []notify.Message
}

// Change is what happens to one case.
type Change struct {
	Case CaseID
	// Implementation and Merits are the tracks from now on.
	Implementation Track
	Merits         Track
	// Verified and Method are of the filing; a zero time leaves them.
	Verified   time.Time
	Method     string
	Events     []Event
	Texts      []Text
	Exceptions []blocklists.Exception
	// EndExceptions ends those that the case has, before it gets others.
	EndExceptions bool
	// Clocks are set, or with a zero time taken away.
	Clocks []Clock
	// Notices leave when the change is written.
	Notices []notify.Message
	// Opened are cases of the same filing that begin with the change. Where a case of another filing, of which
	// control was proved too, is open about the same entry, that one is linked in its place.
	Opened []Opened
	// Token and Recovery replace the filing's.
	Token    *TokenHash
	Recovery *TokenHash
}

// Pending is one decision in the outbox.
type Pending struct {
	ID   int64
	Case CaseID
}

// ErrUnavailable says that the desk cannot read or keep anything now. Nothing was taken; who
// tries again later may succeed. [store.Unavailable] knows it in any error.
var ErrUnavailable = store.ErrUnavailable

// RetryAfter is after how many seconds whoever was told so may try again.
const RetryAfter = 60

// ErrNotFound says that there is no such case, or not for this token.
var ErrNotFound = errors.New("no such case")

// Desk is where cases are filed, proved, shown and decided.
type Desk struct {
	config Config
	store  Store
	prover Prover
	index  func() Index
	effect Effect
	logger *slog.Logger
}

// NewDesk makes a desk. The index is asked anew at every use, so that it is always
// the one in force.
func NewDesk(config Config, store Store, prover Prover, index func() Index, effect Effect, logger *slog.Logger) *Desk {
	return &Desk{config: config, store: store, prover: prover, index: index, effect: effect, logger: logger}
}

// now is the time in whole milliseconds, as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Blocks says whether a match blocks for somebody: a list's entry that counts, as
// no exception goes before it and its list has not ended.
func Blocks(match *policy.Match) bool {
	return match.Role == policy.Feed && match.Manifest != nil && match.Counts
}

// Secret says whether nothing may be said of the match.
func Secret(match *policy.Match) bool {
	return match.Manifest == nil || match.Manifest.Disclosure == blocklists.Secret
}

// StillBlocking are the entries, not secret, that block the name now.
func (d *Desk) StillBlocking(name wire.Name) []policy.Match {
	var blocking []policy.Match
	for _, match := range d.index().Matches(name) {
		if Blocks(&match) && !Secret(&match) {
			blocking = append(blocking, match)
		}
	}
	return blocking
}
