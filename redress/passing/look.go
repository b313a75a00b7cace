package passing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/resolver"
)

// Look is what one node tells others of a ticket: that a client looked it up, or that it was used.
// Who the client is it does not say: Place and Mark are HMACs.
type Look struct {
	Label   string    `json:"label"`
	Outcome Outcome   `json:"outcome"` // [Granted] where nothing is against a pass, [Spent] of a ticket that was used
	Place   []byte    `json:"place,omitempty"`
	Hour    pass.Hour `json:"hour,omitempty"` // of the mark
	Mark    []byte    `json:"mark,omitempty"` // of the pass that the client would get
	Seal    []byte    `json:"seal"`
}

// ErrLook says that a look was made by nobody who has the fleet's key, or says what cannot be.
var ErrLook = errors.New("no look of a ticket that is good")

// looker is a client that looked the ticket up.
type looker struct {
	place   [sha256.Size]byte
	outcome Outcome // Granted where nothing is against a pass
	draft   pass.Pass
}

// seal makes what proves that a look comes from a node of the fleet, and is of this ticket.
func (k *keys) seal(id ticketID, look *Look) []byte {
	fixed := binary.BigEndian.AppendUint64([]byte{byte(look.Outcome), byte(len(look.Place)), byte(len(look.Mark))}, uint64(look.Hour))
	return mac(k.looks, id[:], fixed, look.Place, look.Mark)
}

// look is what is told of a looker.
func (k *keys) look(label string, id ticketID, seen *looker) Look {
	made := Look{Label: label, Outcome: seen.outcome, Place: seen.place[:]}
	if seen.outcome == Granted {
		made.Hour, made.Mark = seen.draft.Hour, seen.draft.Mark[:]
	}
	made.Seal = k.seal(id, &made)
	return made
}

// read gives the looker of a look; false where it is none.
func (l *Look) read() (seen looker, is bool) {
	granted := l.Outcome == Granted
	if !granted && l.Outcome != Shared && l.Outcome != Forbidden && l.Outcome != Lifted || len(l.Place) != sha256.Size || granted != (len(l.Mark) == sha256.Size) {
		return looker{}, false
	}
	seen = looker{place: [sha256.Size]byte(l.Place), outcome: l.Outcome}
	if granted {
		seen.draft = pass.Pass{Hour: l.Hour, Mark: pass.Mark(l.Mark)}
	}
	return seen, true
}

// Note takes in what another node tells.
func (t *Tickets) Note(told *Look) error {
	now := time.Now()
	one, good := t.keys.open(told.Label, now)
	if !good || !hmac.Equal(t.keys.seal(one.id, told), told.Seal) {
		return ErrLook
	}
	if told.Outcome == Spent {
		t.spend(one, now)
		return nil
	}
	seen, is := told.read()
	if !is {
		return ErrLook
	}
	t.note(one, &seen, now)
	return nil
}

// see is what a client's look comes to here; false where it comes to nothing.
func (t *Tickets) see(one ticket, client resolver.Client, now time.Time) (looker, bool) {
	snapshot := t.current()
	who, admitted := snapshot.Clients.Who(client, now)
	if !admitted {
		return looker{}, false
	}
	seen := looker{place: t.placeOf(one.id, client.Addr), outcome: Granted}
	switch {
	case who.Shared:
		seen.outcome = Shared
	case !policy.MayPass(who):
		seen.outcome = Forbidden
	default:
		match := offered(snapshot, one.code)
		if match == nil {
			seen.outcome = Lifted
			break
		}
		entry, found := snapshot.PassEntry(match)
		if !found {
			return looker{}, false
		}
		var fits bool
		if seen.draft, fits = snapshot.Passes.Draft(pass.ClientOf(client), entry, now); !fits {
			return looker{}, false
		}
	}
	return seen, true
}

// placeOf is what is kept of where a client is: another for each ticket.
func (t *Tickets) placeOf(id ticketID, addr netip.Addr) [sha256.Size]byte {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		network = netip.Prefix{} // nobody's: it equals no client's
	}
	return [sha256.Size]byte(mac(t.keys.places, id[:], []byte(network.String())))
}

// knows says whether there is nothing new in a look, or no room for it.
func (t *Tickets) knows(one ticket, seen *looker) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.byID[one.id]
	return known != nil && (known.spent || len(known.lookers) == maxLookers || slices.Contains(known.lookers, *seen))
}

// note keeps a look, if there is room.
func (t *Tickets) note(one ticket, seen *looker, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.keep(one, now)
	if kept == nil || kept.spent || len(kept.lookers) == maxLookers || slices.Contains(kept.lookers, *seen) {
		return
	}
	kept.lookers = append(kept.lookers, *seen)
}
