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

// rank is what stands against asking a server first. Sorting goes by it before all else.
type rank uint8

const (
	good    rank = iota
	distant      // its family leads nowhere
	useless      // lame or failing for the zone, or its word on it is doubted
	down         // left alone
)

// choice is one server with what speaks for it.
type choice struct {
	server resolver.Server
	rank   rank
	doubt  int64 // when its word is believed again; of two the one that erred last comes last
	cost   time.Duration
}

// order puts the servers as they are to be asked, each once: first one of the
// quickest, at random; then the others by their time; last those in trouble.
func (h *health) order(servers []resolver.Server, zone wire.Name) []resolver.Server {
	choices := h.choices(servers, zone)
	slices.SortFunc(choices, func(a, b choice) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.doubt, b.doubt), cmp.Compare(a.cost, b.cost))
	})
	best := 0
	for best < len(choices) && choices[best].rank == choices[0].rank && choices[best].doubt == choices[0].doubt {
		best++
	}
	if best > 1 {
		first := pick(choices[:best])
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

// turn puts a server of the other family first where a stranger was silent, if there is
// one as good as the next: perhaps it is the family that leads nowhere (RFC 8305).
func (h *health) turn(queue []resolver.Server, zone wire.Name, silent resolver.Server) []resolver.Server {
	if len(queue) == 0 {
		return queue
	}
	choices := h.choices(queue, zone)
	other := slices.IndexFunc(choices, func(c choice) bool {
		return c.rank == choices[0].rank && h.family(c.server) != h.family(silent)
	})
	if other <= 0 {
		return queue
	}
	return slices.Concat(queue[other:other+1], queue[:other], queue[other+1:])
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
		if !slices.ContainsFunc(choices, func(c choice) bool { return c.server == server }) {
			known, _ := h.standing.Get(server)
			rank, doubt := h.rank(server, zone, known, now)
			choices = append(choices, choice{server, rank, doubt, known.cost()})
		}
	}
	return choices
}

func (h *health) rank(server resolver.Server, zone wire.Name, known standing, now time.Time) (is rank, doubt int64) {
	lame, _ := h.lame.Get(lameness{server.Addr, zone})
	suspect, _ := h.suspect.Get(lameness{server.Addr, zone})
	switch {
	case now.Before(known.down):
		return down, 0
	case now.Before(suspect):
		return useless, suspect.UnixNano()
	case now.Before(lame):
		return useless, 0
	case now.Before(h.family(server).missing):
		return distant, 0
	}
	return good, 0
}

// cost is how long a reply is likely to take. A stranger gets its chance soon,
// once; each time-out since the last reply makes another more likely.
func (s *standing) cost() time.Duration {
	switch {
	case s.smoothed > 0:
		return s.smoothed * time.Duration(1+s.timeouts)
	case s.timeouts == 0:
		return rand.N(2 * band)
	}
	return firstTimeout * time.Duration(2*s.timeouts)
}
