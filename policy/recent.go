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
	// recentSlots is how many blocked questions are remembered: about two megabytes.
	recentSlots = 4096
	// wantedSlots is more, so that two questions seldom keep each other from being remembered.
	wantedSlots = 4 * recentSlots
)

// recent is the questions that were blocked of late, of one snapshot. What is blocked is in
// no cache, so this is to it what a memo is to a cached answer: which entries match the name,
// for any client, and how a block by one of them is answered. Whom they concern, and when,
// is weighed for each query. Nobody waits for anybody. Nil remembers nothing.
type recent struct {
	seed   maphash.Seed
	slots  [recentSlots]atomic.Pointer[recalled]
	wanted [wantedSlots]atomic.Uint32 // of the question that last was not there
}

// recalled is one of them.
type recalled struct {
	question wire.Question
	ids      []uint32 // all that match the name; nil where more than the name was matched

	// The answer is that of a block by this entry, with this action and room for the text.
	id     uint32
	action blocklists.Action
	budget int
	answer atomic.Pointer[resolver.Answer]
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
	for _, half := range [2]uint32{lower, higher} {
		if kept := r.slots[half%recentSlots].Load(); kept != nil && kept.question == *question {
			return kept
		}
	}
	return nil
}

// offer remembers a question that is blocked for the second time in a row at its place: what is
// asked for once, as the names below a blocked one that a flood makes up, pushes nothing out.
func (r *recent) offer(query *resolver.Query, found *hits, id uint32, action blocklists.Action, answer *resolver.Answer) {
	if r == nil {
		return
	}
	lower, higher := r.hash(&query.Question)
	one, other := r.wanted[lower%wantedSlots].Swap(higher), r.wanted[higher%wantedSlots].Swap(lower)
	if one != higher && other != lower {
		return
	}
	place := lower % recentSlots
	if r.slots[place].Load() != nil && r.slots[higher%recentSlots].Load() == nil {
		place = higher % recentSlots
	}
	made := &recalled{question: query.Question, id: id, action: action, budget: query.Budget}
	if found.links == nil {
		made.ids = slices.Clone(found.ids)
	}
	made.question.Name = wire.Name(strings.Clone(string(query.Question.Name)))
	made.answer.Store(answer)
	r.slots[place].Store(made)
}

// answerAt is the answer with TTLs that count from now on. Within a second they are the same.
func (r *recalled) answerAt(now time.Time) *resolver.Answer {
	answer := r.answer.Load()
	if now.Sub(answer.Stored) < time.Second {
		return answer
	}
	later := *answer
	later.Stored = now
	r.answer.Store(&later)
	return &later
}

// answers says whether this is how the entry's block of the query is answered.
func (r *recalled) answers(query *resolver.Query, id uint32, action blocklists.Action) bool {
	return r != nil && r.id == id && r.action == action && r.budget == query.Budget
}
