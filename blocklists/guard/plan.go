package guard

import (
	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// MaxNames is how many names of a kind a plan shows of each list.
const MaxNames = 50

// MaxHeld is how many held names a plan shows of each list: people work through them.
const MaxHeld = bundle.MaxNotes

// Plan is what an import would change, in all and list by list.
type Plan struct {
	Counts
	From  uint64   `json:"from"` // generations
	To    uint64   `json:"to"`
	Lists []Change `json:"lists"`
	// TopHits are the most popular names that entries cover, held or not.
	TopHits []Hit `json:"top_hits,omitempty"`
	// Conflicts are names of which lists say different things; ConflictCount is of all of
	// them, Conflicts are the first.
	Conflicts     []Conflict `json:"conflicts,omitempty"`
	ConflictCount int        `json:"conflict_count"`
	// Overlaps are lists of different purposes that have the same entries.
	Overlaps []Overlap `json:"overlaps,omitempty"`
}

// Counts is how many entries an import would add, take away and leave.
type Counts struct {
	Block     int `json:"would_block"`
	Unblock   int `json:"would_unblock"`
	Unchanged int `json:"unchanged"`
	// Pass are exceptions of lists (rpz-passthru, @@) that would be new, NoPass those that
	// would be gone. They are neither in Block nor in Unblock.
	Pass   int `json:"would_pass"`
	NoPass int `json:"would_pass_no_longer"`
	// AlreadyBlocked are those of Block that another entry covers today, StillBlocked
	// those of Unblock that another entry will cover. The purpose may differ.
	AlreadyBlocked int `json:"already_blocked"`
	StillBlocked   int `json:"still_blocked"`
	Refused        int `json:"refused"`
	Duplicates     int `json:"duplicates"`
	// Held are entries that a safeguard holds; they are not among Block.
	Held int `json:"held"`
	// Popular are entries that cover a popular name and take effect all the same.
	Popular int `json:"popular"`
}

// Change is what would become of one list.
type Change struct {
	Counts
	List    blocklists.ListID `json:"list"`
	Purpose string            `json:"purpose"`
	// State is how the list was read; empty for one that is no longer configured.
	State   fetch.State `json:"state"`
	Removed bool        `json:"removed"` // no longer in the configuration
	Trouble string      `json:"trouble,omitempty"`

	BlockNames   []Name          `json:"block_names,omitempty"`
	UnblockNames []Name          `json:"unblock_names,omitempty"`
	PassNames    []Name          `json:"pass_names,omitempty"`
	NoPassNames  []Name          `json:"pass_no_longer_names,omitempty"`
	HeldNames    []Name          `json:"held_names,omitempty"`
	PopularNames []Name          `json:"popular_names,omitempty"`
	RefusedLines []parse.Refusal `json:"refused_lines,omitempty"`
	// HeldBecause is why all that is new is held; Pinned, that a rollback fixed the list.
	HeldBecause string `json:"held_because,omitempty"`
	Pinned      bool   `json:"pinned,omitempty"`
	Shadow      bool   `json:"shadow,omitempty"` // nothing of it takes effect
}

// Name is one entry of a plan.
type Name struct {
	Name  string           `json:"name"` // or the prefix
	Scope blocklists.Scope `json:"scope"`
	Line  uint32           `json:"line"`
	// Trigger is what the entry looks at, where that is not the name of the question.
	Trigger blocklists.Trigger `json:"trigger,omitempty"`
	// Because is what a safeguard says of the name.
	Because   string               `json:"because,omitempty"`
	Safeguard blocklists.Safeguard `json:"safeguard,omitempty"`
	Rank      uint32               `json:"rank,omitempty"`
	// Also are the lists that cover the name besides: today for a name that would be
	// blocked, afterwards for one that would be unblocked.
	Also []blocklists.ListID `json:"also,omitempty"`
}

// Compare says what changes from the old bundle to the new one, of which the reports
// are; g, which may be nil, knows ranks and licences. Only lists with a manifest count; own
// names of profiles are nobody else's business.
func Compare(old, next *bundle.Bundle, reports []bundle.ListReport, g *Guard) Plan {
	c := comparison{changes: make(map[blocklists.ListID]*Change), guard: g}
	plan := Plan{From: old.Generation(), To: next.Generation()}
	order := c.begin(old, next, reports)
	for id, entry := range next.All() {
		c.forward(old, next, id, &entry)
	}
	for id, entry := range old.All() {
		c.backward(old, next, id, &entry)
	}
	for i := range reports {
		c.notes(&plan, &reports[i])
	}
	for _, id := range order {
		change := c.changes[id]
		plan.add(&change.Counts)
		plan.Lists = append(plan.Lists, *change)
	}
	plan.Overlaps = c.overlaps.sorted()
	if g != nil {
		plan.Conflicts, plan.ConflictCount = g.conflicts(next)
	}
	return plan
}

func (c *Counts) add(other *Counts) {
	c.Block += other.Block
	c.Unblock += other.Unblock
	c.Unchanged += other.Unchanged
	c.Pass += other.Pass
	c.NoPass += other.NoPass
	c.AlreadyBlocked += other.AlreadyBlocked
	c.StillBlocked += other.StillBlocked
	c.Refused += other.Refused
	c.Duplicates += other.Duplicates
	c.Held += other.Held
	c.Popular += other.Popular
}
