package passing

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
)

// Outcome is what became of a ticket.
type Outcome uint8

// The outcomes, a closed set. Unknown is the zero value: no ticket, or one that was used or
// is too old, or was changed on the way.
const (
	Unknown   Outcome = iota
	NotHere           // nobody looked the ticket up at this resolver
	Elsewhere         // somebody did, and the form comes from another place
	Shared            // many homes are behind the client's address
	Forbidden         // the client's profile wants no passes
	Lifted            // the entry blocks no more, or offers passes no more
	Full              // there is no room for another pass
	Granted
)

// Result is what became of a ticket, and what it was for.
type Result struct {
	Outcome Outcome
	Code    policy.Code // of the block; zero where the ticket is unknown
	Name    string      // that the entry blocks; "" unless granted
	Until   time.Time   // of the pass; zero unless granted
}

// Ready says what a ticket would lead to, now, for whoever comes from an address. It uses nothing up.
func (t *Tickets) Ready(label string, from netip.Addr) Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.find(label, time.Now())
	if one == nil {
		return Unknown
	}
	_, outcome := one.drafts(t.placeOf(from))
	return outcome
}

// Redeem uses a ticket up, and gives the pass where there is nothing against it. The address is
// that which the form comes from.
func (t *Tickets) Redeem(label string, from netip.Addr) Result {
	now := time.Now()
	one := t.take(label, now)
	if one == nil {
		return Result{}
	}
	result := Result{Code: one.code}
	var drafts []pass.Pass
	if drafts, result.Outcome = one.drafts(t.placeOf(from)); result.Outcome != Granted {
		return result
	}
	snapshot := t.current()
	match := offered(snapshot, one.code)
	if match == nil {
		result.Outcome = Lifted
		return result
	}
	for _, draft := range drafts {
		given, ok := snapshot.Passes.Give(draft, one.length, now)
		if !ok {
			return Result{Outcome: Full, Code: one.code}
		}
		result.Until = given.Until
	}
	result.Name = snapshot.ReasonOf(*match).Name
	return result
}

// take gives a ticket that nobody gets again.
func (t *Tickets) take(label string, now time.Time) *ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.find(label, now)
	if one != nil {
		delete(t.byName, one.label)
	}
	return one
}

// drafts are those of all who looked the ticket up from a place: a machine may have asked in
// several ways.
func (o *ticket) drafts(place [sha256.Size]byte) (drafts []pass.Pass, outcome Outcome) {
	if len(o.lookers) == 0 {
		return nil, NotHere
	}
	outcome = Elsewhere
	for i := range o.lookers {
		switch seen := &o.lookers[i]; {
		case !hmac.Equal(seen.place[:], place[:]):
		case seen.outcome == Granted:
			drafts, outcome = append(drafts, seen.draft), Granted
		case outcome == Elsewhere:
			outcome = seen.outcome
		}
	}
	return drafts, outcome
}

// offered is the match of a code whose list offers passes, if it still blocks.
func offered(snapshot *policy.Snapshot, code policy.Code) *policy.Match {
	matches, found := snapshot.Find(code)
	if !found {
		return nil
	}
	for i := range matches {
		if policy.Offers(&matches[i]) {
			return &matches[i]
		}
	}
	return nil
}
