package recurse

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	band         = 30 * time.Millisecond // within it servers are equally quick
	exploreOneIn = 16
)

// choice is one server with what speaks for it.
type choice struct {
	server resolver.Server
	cost   time.Duration
	late   bool // down, lame or out of reach: after all others
}

// order puts the servers as they are to be asked, each once: first one of the
// quickest, at random; then the others by their time; last those in trouble.
func (h *health) order(servers []resolver.Server, zone wire.Name) []resolver.Server {
	choices := h.choices(servers, zone)
	slices.SortFunc(choices, func(a, b choice) int {
		if a.late != b.late {
			if a.late {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.cost, b.cost)
	})
	usable := slices.IndexFunc(choices, func(c choice) bool { return c.late })
	if usable < 0 {
		usable = len(choices)
	}
	if usable > 1 {
		first := pick(choices[:usable])
		chosen := choices[first]
		copy(choices[1:first+1], choices[:first])
		choices[0] = chosen
	}
	ordered := make([]resolver.Server, len(choices))
	for i, c := range choices {
		ordered[i] = c.server
	}
	return ordered
}

// pick takes one of those that are about as quick as the best, so that a forger
// cannot tell which will be asked; and now and then any, to learn of a change.
func pick(sorted []choice) int {
	if rand.IntN(exploreOneIn) == 0 {
		return rand.IntN(len(sorted))
	}
	close := 1
	for close < len(sorted) && sorted[close].cost <= sorted[0].cost+band {
		close++
	}
	return rand.IntN(close)
}

func (h *health) choices(servers []resolver.Server, zone wire.Name) []choice {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	choices := make([]choice, 0, len(servers))
	for _, server := range servers {
		if slices.ContainsFunc(choices, func(c choice) bool { return c.server == server }) {
			continue
		}
		known, _ := h.standing.Get(server)
		lame, _ := h.lame.Get(lameness{server.Addr, zone})
		suspect, _ := h.suspect.Get(lameness{server.Addr, zone})
		late := now.Before(suspect) || now.Before(known.down) || now.Before(lame) || now.Before(h.family(server).missing)
		cost := known.smoothed
		if cost == 0 { // a stranger gets its chance soon
			cost = rand.N(2 * band)
		}
		choices = append(choices, choice{server, cost + cost*time.Duration(known.timeouts), late})
	}
	return choices
}
