package recurse

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// askedAgainWithin is how soon a Fresh question doubts the last answer to the same.
	askedAgainWithin = 10 * time.Second
	maxTrails        = 4096
	maxTrail         = 16
)

// trail is who told what an answer was made of.
type trail struct {
	at   time.Time
	told []lameness
}

type trails struct {
	by *lru.Cache[wire.Question, trail]
}

// shared is what all lookups of one query have in common. Lookups may run side
// by side.
type shared struct {
	mu       sync.Mutex
	lookups  int  // name servers looked up
	failed   int  // name servers without an address
	limited  bool // a bound kept a name server from being looked up
	told     []lameness
	extended []resolver.Extended
	cuts     []*resolver.Cut // of the question's own lookups, which run one after the other
}

// heard adds a server to those whose word the answer rests on.
func (s *shared) heard(server resolver.Server, zone wire.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.told) < maxTrail {
		s.told = append(s.told, lameness{server.Addr, zone})
	}
}

// explain keeps the Extended DNS Errors of a part for the whole answer.
func (s *shared) explain(extended []resolver.Extended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extended = append(s.extended, extended...)
}

// heardOf adds those who told of the cuts that a lookup starts from.
func (r *resolution) heardOf(cut *delegation) {
	for zone := cut.zone; zone != "" && zone != wire.Root; zone = zone.Parent() {
		if known := r.cuts.at(zone, r.query.Now); known != nil && known.teller.Addr.IsValid() {
			r.shared.heard(known.teller, known.parent)
		}
	}
}

// doubt holds the last answer to a question against its givers when the question
// comes again at once and is to be asked anew: what they said did not validate.
// Others are then asked first.
func (r *resolution) doubt() {
	last, found := r.trails.by.Get(r.query.Question)
	if !found || r.query.Now.Sub(last.at) > askedAgainWithin {
		return
	}
	for _, told := range last.told {
		r.upstreams.health.doubted(told)
	}
}

// leave remembers who told what this answer is made of.
func (r *resolution) leave() {
	r.shared.mu.Lock()
	defer r.shared.mu.Unlock()
	r.trails.by.Add(r.query.Question, trail{r.query.Now, r.shared.told})
}
