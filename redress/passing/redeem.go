package passing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
)

// Outcome is what became of a ticket.
type Outcome uint8

// The outcomes, a closed set. Nodes tell them to one another by number: new ones come last. Unknown is the zero value: no ticket, or one that was used or
// is too old, or was changed on the way.
const (
	Unknown   Outcome = iota
	NotHere           // nobody looked the ticket up at a resolver that tells this desk
	Elsewhere         // somebody did, and the form comes from another place
	Shared            // many homes are behind the client's address
	Forbidden         // the client's profile wants no passes
	Lifted            // the entry blocks no more, or offers passes no more
	Full              // there is no room for another pass
	Granted
	// Spent is told to other nodes of a ticket that was used, and is no outcome of one.
	Spent
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
	one, good := t.keys.open(label, time.Now())
	if !good {
		return Unknown
	}
	place := t.placeOf(one.id, from)
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.byID[one.id]
	switch {
	case known == nil:
		return NotHere
	case known.spent:
		return Unknown
	}
	_, outcome := drafts(known.lookers, place)
	return outcome
}

// Redeem uses a ticket up, and gives the pass where there is nothing against it. The address is
// that which the form comes from.
func (t *Tickets) Redeem(ctx context.Context, label string, from netip.Addr) Result {
	now := time.Now()
	one, good := t.keys.open(label, now)
	if !good {
		return Result{}
	}
	lookers, first := t.spend(one, now)
	if !first {
		return Result{}
	}
	spent := Look{Label: label, Outcome: Spent}
	spent.Seal = t.keys.seal(one.id, &spent)
	// Nobody else has to know: one that is used at two desks at a time gives the same pass twice.
	_ = t.tell(ctx, spent)
	return t.give(one, lookers, t.placeOf(one.id, from), now)
}

func (t *Tickets) give(one ticket, lookers []looker, place [sha256.Size]byte, now time.Time) Result {
	result := Result{Code: one.code}
	var wanted []pass.Pass
	if wanted, result.Outcome = drafts(lookers, place); result.Outcome != Granted {
		return result
	}
	snapshot := t.current()
	match := offered(snapshot, one.code)
	if match == nil {
		result.Outcome = Lifted
		return result
	}
	length := min(match.Manifest.Pass, pass.Longest)
	for _, draft := range wanted {
		given, ok := snapshot.Passes.Give(draft, length, now)
		if !ok {
			return Result{Outcome: Full, Code: one.code}
		}
		result.Until = given.Until
	}
	result.Name = snapshot.ReasonOf(*match).Name
	return result
}

// drafts are those of all who looked the ticket up from a place: a machine may have asked in
// several ways.
func drafts(lookers []looker, place [sha256.Size]byte) (wanted []pass.Pass, outcome Outcome) {
	if len(lookers) == 0 {
		return nil, NotHere
	}
	outcome = Elsewhere
	for i := range lookers {
		switch seen := &lookers[i]; {
		case !hmac.Equal(seen.place[:], place[:]):
		case seen.outcome == Granted:
			wanted, outcome = append(wanted, seen.draft), Granted
		case outcome == Elsewhere:
			outcome = seen.outcome
		}
	}
	return wanted, outcome
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
