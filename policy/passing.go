package policy

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/pass"
	"github.com/recourse-dns/recourse/policy/profile"
)

// passTTL is the longest TTL, in seconds, of what a client sees by a pass.
const passTTL = 300

// ttlUntil is the longest TTL for what changes at a time.
func ttlUntil(end, now time.Time) uint32 {
	return uint32(min(max(0, end.Sub(now)/time.Second), passTTL))
}

// MayPass says whether a client can have passes at all: not where many homes are behind one
// address, since the others did not ask, and not where its profile wants none.
func MayPass(who profile.Who) bool { return !who.Shared && !who.Profile.ForbidsPasses() }

// Offers says whether a person may be let past the match for a while: of a list of purpose
// security that says so, and by an entry of its own that blocks. A secret list tells of none.
func Offers(match *Match) bool {
	return match.Role == Feed && match.Action != blocklists.Passthru && match.Manifest != nil && match.Manifest.Purpose == blocklists.Security && match.Manifest.Pass > 0 &&
		match.Manifest.Disclosure != blocklists.Secret && match.Entry.List == match.Manifest.ID && match.Counts
}

// PassEntry is the match's entry as passes know it; false where the bundle has none.
func (s *Snapshot) PassEntry(match *Match) ([]byte, bool) {
	if !Offers(match) {
		return nil, false
	}
	id, found := s.Bundle.Same(&match.Entry)
	if !found {
		return nil, false
	}
	return s.Bundle.AppendIdentity(id, nil)
}

// isPassed says whether the client has a pass for the hit, and remembers until when. Unless
// there is any pass in the world it costs no more than to see that.
func (h *hearing) isPassed(i int, manifest *blocklists.Manifest) bool {
	book := h.snapshot.Passes
	if manifest.Pass <= 0 || !book.Any() || !MayPass(h.who) {
		return false
	}
	var room [pass.MaxEntry]byte
	entry, found := h.snapshot.Bundle.AppendIdentity(h.hits.ids[i], room[:0])
	if !found {
		return false
	}
	until, passes := book.Until(h.caller, entry, h.at)
	if passes && (h.passUntil.IsZero() || until.Before(h.passUntil)) {
		h.passUntil = until
	}
	return passes
}
