package policy

import (
	"strings"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// Witness is told of what is withheld from clients, while somebody at home finds out why something
// does not work.
type Witness interface {
	// Listens says whether anybody wants to know. It is asked at every block, and must neither wait
	// nor allocate.
	Listens() bool
	// Withheld is told of a question that is not answered as it would be. The match is the witness's.
	Withheld(client resolver.Client, match *Match)
}

// tell gives the witness what decided. Nothing of the hearing goes with it but copies: it stands on
// the stack of who asks, and stays there.
func (s *Snapshot) tell(h *hearing, winner int, query *resolver.Query) {
	var own *profile.Profile
	if h.who.Profile != nil {
		own = s.Clients.Profile(strings.Clone(h.who.Profile.ID))
	}
	var match Match
	switch {
	case winner != offlineHit:
		link := copied(h.link(winner))
		list := &s.Bundle.Lists()[h.place(winner)]
		match = s.match(h.hits.ids[winner], list, link)
		match.ofProfile(own, list.Kind, link, h.at)
	case own == nil:
		return // the profile went away meanwhile
	default:
		match = s.offline(own, h.phase, copied(resolver.Link{Name: h.question}))
	}
	s.Witness.Withheld(query.Client, &match)
}
