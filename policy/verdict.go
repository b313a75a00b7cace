package policy

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Action is what a verdict does with a question. The zero value passes.
type Action uint8

// The actions.
const (
	Pass Action = iota
	Block
	Rewrite
)

func (a Action) String() string { return [...]string{"pass", "block", "rewrite"}[a] }

// Role is what a matching entry argues for. The zero value is [Feed].
type Role uint8

// The roles: an entry of a list with a manifest; a name that a profile allows or denies by
// itself; a name that the operator exempts; a name of a service that a profile withholds; a host
// of a search engine that has a safe form; a name of help, which no user's filter withholds;
// and no name, but the hour or a pause.
const (
	Feed Role = iota
	ProfileAllow
	ProfileDeny
	OperatorException
	Service
	SafeSearch
	HelpName
	Offline
	Pause
)

// Match is one entry that covers the question, something that it leads to or who asks,
// with everything that explains it. Matches are made for explanations and blocked
// answers, never for a name that nothing matches.
type Match struct {
	Entry    blocklists.Entry
	Role     Role
	Manifest *blocklists.Manifest // nil for a name of a profile or of the operator
	Order    *blocklists.Order    // that the entry belongs to; nil for a list's own
	Profile  string               // whose wish it is, for roles of profiles; never shown in public
	Label    string               // which service or engine, for Service and SafeSearch
	Target   rewrite.Target       // what a search engine's host is answered with, for SafeSearch
	Lasts    time.Time            // until when the hour holds at least, for Offline and Pause
	Link     resolver.Link        // what the entry covers
	Action   blocklists.Action    // what the match does if it decides
	// StandIn is the zone whose records or servers answer if the match decides, since the
	// configuration has some; "" where the list says how.
	StandIn wire.Name
	Code    Code
	// Exception is the decided or operator's exception that covers the match; nil if none.
	Exception *blocklists.Exception
	// Hold is what a safeguard holds of the match, or held before it was released; nil if none did.
	Hold *Hold
	// UnreachableSince is since when the source of a law list has been out of reach, where
	// that has been so for a week; zero where it is not.
	UnreachableSince time.Time
	// ReviewBy is when the entry's review is due; zero for never.
	ReviewBy time.Time
	// Because says in words why the match counts for this client or does not.
	Because string
	// Also are the other matches that block the name for the client, where they are wanted.
	Also []Match
	// Counts is whether the match could decide for this client: in force in its
	// jurisdiction, chosen by its profile, not excepted.
	Counts bool
}

// Purpose is the match's purpose; a profile's own name is the user's.
func (m *Match) Purpose() blocklists.Purpose {
	if m.Manifest != nil {
		return m.Manifest.Purpose
	}
	return blocklists.User
}

// Verdict is what policy says of one question for one client.
type Verdict struct {
	Action Action
	// Primary decided; nil when nothing matched or nothing counted.
	Primary *Match
	// Matches are all that cover the name, the deciding one among them, in the order
	// of precedence.
	Matches []Match
	// Steps are the reasoning as a tree: the order of precedence, and under each step what was
	// weighed there.
	Steps []Step
	// Answered is what goes out in the place of the real answer; nil where nothing does, and
	// where nobody wants to know.
	Answered *Answered
	// Because is the same in sentences, one for each match.
	Because []string
}
