package policy

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// recentSets of recentWays each are the blocked questions that are remembered: about two
	// megabytes in all.
	recentSets = 1024
	recentWays = 4
	// wantedSlots is more, so that two questions seldom keep each other from being remembered.
	wantedSlots = 16 * recentSets
)

// recent is the questions that were blocked of late, of one snapshot. What is blocked is in
// no cache, so this is to it what a memo is to a cached answer: which entries match the name,
// for any client, and how a block by one of them is answered. Whom they concern, and when,
// is weighed for each query. Nobody waits for anybody. Nil remembers nothing.
type recent struct {
	seed   maphash.Seed
	sets   [recentSets]recentSet
	wanted [wantedSlots]atomic.Uint32 // of the question that last found no place
}

// recentSet is one line of the processor's cache: a question has its place in one of two. A tag
// tells most others from it without a look at them.
type recentSet struct {
	tags  [recentWays]atomic.Uint32
	slots [recentWays]atomic.Pointer[recalled]
	_     [16]byte
}

// recalled is one of them.
type recalled struct {
	question wire.Question
	ids      []uint32 // all that match the name; nil where more than the name was matched
	facts    []fact   // of ids
	used     atomic.Bool

	// The answer is that of a block by this entry, with this action and room for the text.
	id     uint32
	action blocklists.Action
	budget int
	answer resolver.Answer
	// structured says that the answer has a structured text too, which names these others that
	// block the name for the client that it was made for.
	structured bool
	also       also
}

func newRecent() *recent { return &recent{seed: maphash.MakeSeed()} }

// hash gives the two places that a question may have, by its lower and its higher half.
func (r *recent) hash(question *wire.Question) (lower, higher uint32) {
	hash := maphash.String(r.seed, string(question.Name)) ^ uint64(question.Type)*0x9e3779b97f4a7c15
	return uint32(hash), uint32(hash >> 32)
}

// find gives what is remembered of a question; nil for nothing.
func (r *recent) find(question *wire.Question) *recalled {
	if r == nil {
		return nil
	}
	lower, higher := r.hash(question)
	if kept := r.sets[lower%recentSets].find(question, higher); kept != nil {
		return kept
	}
	return r.sets[higher%recentSets].find(question, lower)
}

func (s *recentSet) find(question *wire.Question, tag uint32) *recalled {
	for way := range s.tags {
		if s.tags[way].Load() != tag {
			continue
		}
		if kept := s.slots[way].Load(); kept != nil && kept.question == *question {
			if !kept.used.Load() {
				kept.used.Store(true)
			}
			return kept
		}
	}
	return nil
}

// room is a way for a question: its own, or an empty one; -1 where there is none.
func (s *recentSet) room(question *wire.Question) int {
	empty := -1
	for way := range s.slots {
		switch kept := s.slots[way].Load(); {
		case kept == nil:
			empty = way
		case kept.question == *question:
			return way
		}
	}
	return empty
}

// victim is a way whose question was not asked again since the last victim was looked for.
func (s *recentSet) victim() int {
	for way := range s.slots {
		if kept := s.slots[way].Load(); kept == nil || !kept.used.Swap(false) {
			return way
		}
	}
	return 0
}

func (s *recentSet) put(way int, tag uint32, made *recalled) {
	s.slots[way].Store(made)
	s.tags[way].Store(tag)
}

// offer remembers a question that is blocked. Where that would push another out, it must have been
// blocked for the second time in a row at its place: what is asked for once, as the names below
// a blocked one that a flood makes up, pushes nothing out.
func (r *recent) offer(query *resolver.Query, h *hearing, id uint32, action blocklists.Action, others also, answer *resolver.Answer) {
	if r == nil {
		return
	}
	lower, higher := r.hash(&query.Question)
	set, tag := &r.sets[lower%recentSets], higher
	way := set.room(&query.Question)
	if way < 0 {
		if other := &r.sets[higher%recentSets]; other.room(&query.Question) >= 0 {
			set, tag, way = other, lower, other.room(&query.Question)
		}
	}
	if way < 0 {
		one, other := r.wanted[lower%wantedSlots].Swap(higher), r.wanted[higher%wantedSlots].Swap(lower)
		if one != higher && other != lower {
			return
		}
		way = set.victim()
	}
	if way >= 0 {
		set.put(way, tag, remembered(query, h, id, action, others, answer))
	}
}

// lasting is when the TTLs of a remembered answer begin to count: never, since it is made up
// anew for each query. It is not as far away as a Duration does not reach.
const lasting = 100 * 365 * 24 * time.Hour

func remembered(query *resolver.Query, h *hearing, id uint32, action blocklists.Action, others also, answer *resolver.Answer) *recalled {
	made := &recalled{question: query.Question, id: id, action: action, budget: query.Budget, answer: *answer, structured: query.Structured, also: others}
	made.question.Name = wire.Name(strings.Clone(string(query.Question.Name)))
	made.answer.Stored = query.Now.Add(lasting)
	if h.hits.links == nil {
		made.ids, made.facts = slices.Clone(h.hits.ids), h.lasting()
	}
	return made
}

// answers says whether this is how the entry's block of the query is answered, where the others
// would block the name too for the client.
func (r *recalled) answers(query *resolver.Query, id uint32, action blocklists.Action, others *also) bool {
	return r != nil && r.id == id && r.action == action && r.budget == query.Budget &&
		(!query.Structured || r.structured && r.also == *others)
}
