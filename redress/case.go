package redress

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// CaseID names a case: C- and twelve Crockford base-32 digits, 60 random bits, as
// C-7K4Q-92QF-M3TX. It tells nothing without the token.
type CaseID string

// FilingID names what was filed at once; it never leaves the desk.
type FilingID string

// Role is who files.
type Role string

// The roles: whoever controls the name, who speaks for them, anybody else.
const (
	Owner    Role = "owner"
	Agent    Role = "agent"
	Reporter Role = "reporter"
)

// Entry is the listed entry that a case contests, as it stood at the filing.
type Entry struct {
	List    blocklists.ListID
	Name    wire.Name
	Scope   blocklists.Scope
	Order   string
	Code    policy.Code
	Purpose blocklists.Purpose
}

// Case is the contest of one entry.
type Case struct {
	ID     CaseID
	Filing Filing
	// Entry is nil where nothing covered the name at the filing.
	Entry *Entry
	// Confidential: the entry is of a secret list; the party never learns of it.
	Confidential bool
	// Hidden: the party is not told that the case exists, because another case of
	// the filing stands for it.
	Hidden         bool
	Implementation Track
	Merits         Track
	Events         []Event
	// Texts are what the events commit to, by commitment; an erased one is missing.
	Texts map[Commitment]Text
	// Linked are the other cases of the filing.
	Linked []CaseID
	// Elsewhere are open cases of other filings, in whose place a proof of control opened none.
	Elsewhere []Elsewhere
	// Clocks are what the clerk has to do and when; of a case that was read alone.
	Clocks map[ClockKind]time.Time
}

// Filing is what all cases of one submission share.
type Filing struct {
	ID       FilingID
	Name     wire.Name
	Role     Role
	Language string
	At       time.Time
	// Token is the hash of the secret that opens the cases for the party.
	Token TokenHash
	// Recovery is the hash of the words that open them again when the link is lost.
	Recovery TokenHash
	// Challenge is the value that the TXT record must have.
	Challenge string
	// Verified is when control of the name was proved; zero if it was not.
	Verified time.Time
	Method   string
}

// Unconfirmed says whether the party must not learn what the case is about.
func (c *Case) Unconfirmed() bool { return c.Entry == nil || c.Confidential }

// Due is the nearest deadline of ours; zero where none is left.
func (c *Case) Due() time.Time {
	var due time.Time
	for _, track := range []Track{c.Implementation, c.Merits} {
		if track.Waits() && !track.Deadline.IsZero() && (due.IsZero() || track.Deadline.Before(due)) {
			due = track.Deadline
		}
	}
	return due
}
