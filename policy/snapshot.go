package policy

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/guard"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// Snapshot is all that a verdict depends on beside question, client and time. It is
// immutable once a [Current] holds it, and is swapped whole.
type Snapshot struct {
	Bundle   *bundle.Bundle
	Overlay  *Overlay       // nil: no exceptions
	Clients  *profile.Table // nil: nobody is admitted
	Operator Operator
	Key      Key
	StandIns StandIns // nil: none
	// Passes are those that clients have; nil: none is ever given.
	Passes *pass.Book
	// Witness is told of what is withheld while somebody wants to know; nil: nobody ever does.
	Witness Witness
	// Orders are those whose names lie on the bundle; nil: none.
	Orders *Orders
	// Guard knows what is held and why; nil: no safeguards.
	Guard *guard.Guard
	// Unreachable are law lists whose source has not been reached for long, with since when.
	Unreachable map[blocklists.ListID]time.Time

	// codes finds entries by code; made for this bundle and key, and shared by the
	// snapshots that have the same two.
	codes *codeIndex
	// recent is of this snapshot alone.
	recent *recent
	// nothing is the memo of all answers that nothing matches: one, so that it is at hand.
	nothing *resolver.Memo
	// caps are made of this bundle's lists.
	caps ttlCaps
	// trials are made for this bundle and go on with the next.
	trials *Trials
}

// Trials are the staged lists of the snapshot in force.
func (s *Snapshot) Trials() *Trials { return s.trials }

// Current holds the snapshot in force. Readers never wait.
type Current struct {
	snapshot atomic.Pointer[Snapshot]
	changing sync.Mutex // held by those who change snapshot, never by readers
}

// NewCurrent starts with a snapshot, which must not be changed afterwards.
func NewCurrent(first *Snapshot) *Current {
	current := new(Current)
	current.Swap(first)
	return current
}

// Load gives the snapshot in force.
func (c *Current) Load() *Snapshot { return c.snapshot.Load() }

// Admits says whether any row of clients is for the client, and whether many homes are
// behind its address. Whoever is not admitted need not get as far as a verdict.
func (c *Current) Admits(client resolver.Client) (admitted, shared bool) {
	who, admitted := c.Load().Clients.Who(client, time.Time{})
	return admitted, who.Shared
}

// AdmitsByName says whether some are admitted by the name that they connect to, which is
// not known before they have.
func (c *Current) AdmitsByName() bool { return c.Load().Clients.Names() }

// WatchesServers says whether any list looks at the name servers of a name's zones, so
// that who resolves need tell of them only then.
func (c *Current) WatchesServers() bool { return watches(c.Load().Bundle) }

// Swap puts a snapshot in force, whatever was before.
func (c *Current) Swap(next *Snapshot) {
	c.Update(func(Snapshot) Snapshot { return *next })
}

// Update puts in force what change makes of the snapshot in force. Changes run one
// after the other, so that a new bundle and a new overlay do not lose each other.
func (c *Current) Update(change func(Snapshot) Snapshot) {
	c.changing.Lock()
	defer c.changing.Unlock()
	var before Snapshot
	if held := c.snapshot.Load(); held != nil {
		before = *held
	}
	next := change(before)
	if next.Bundle == nil {
		next.Bundle = bundle.Empty()
	}
	if !next.codes.fits(&next) {
		next.codes = newCodeIndex(&next)
	}
	next.recent = newRecent()
	if kept := next.nothing; kept == nil || kept.Generation != next.Bundle.Generation() || kept.Sequence != next.Overlay.Sequence() {
		next.nothing = &resolver.Memo{Generation: next.Bundle.Generation(), Sequence: next.Overlay.Sequence()}
	}
	next.caps = capsOf(next.Bundle)
	next.trials = next.trials.fit(next.Bundle)
	c.snapshot.Store(&next)
}
