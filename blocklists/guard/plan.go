package guard

import (
	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
	"github.com/recourse-dns/recourse/blocklists/parse"
)

// MaxNames is how many names of a kind a plan shows of each list.
const MaxNames = 50

// Plan is what an import would change, in all and list by list.
type Plan struct {
	Counts
	From  uint64   `json:"from"` // generations
	To    uint64   `json:"to"`
	Lists []Change `json:"lists"`
}

// Counts is how many entries an import would add, take away and leave.
type Counts struct {
	Block     int `json:"would_block"`
	Unblock   int `json:"would_unblock"`
	Unchanged int `json:"unchanged"`
	// AlreadyBlocked are those of Block that another entry covers today, StillBlocked
	// those of Unblock that another entry will cover. The purpose may differ.
	AlreadyBlocked int `json:"already_blocked"`
	StillBlocked   int `json:"still_blocked"`
	Refused        int `json:"refused"`
	Duplicates     int `json:"duplicates"`
	Suspicious     int `json:"suspicious"`
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

	BlockNames      []Name          `json:"block_names,omitempty"`
	UnblockNames    []Name          `json:"unblock_names,omitempty"`
	SuspiciousNames []Name          `json:"suspicious_names,omitempty"`
	RefusedLines    []parse.Refusal `json:"refused_lines,omitempty"`
}

// Name is one entry of a plan.
type Name struct {
	Name  string           `json:"name"`
	Scope blocklists.Scope `json:"scope"`
	Line  uint32           `json:"line"`
	// Because says why a name is suspicious.
	Because string `json:"because,omitempty"`
	// Also are the lists that cover the name besides: today for a name that would be
	// blocked, afterwards for one that would be unblocked.
	Also []blocklists.ListID `json:"also,omitempty"`
}

// Compare says what changes from the old bundle to the new one, of which the reports
// are. Only lists with a manifest count; own names of profiles are nobody else's business.
func Compare(old, next *bundle.Bundle, reports []bundle.ListReport) Plan {
	c := comparison{changes: make(map[blocklists.ListID]*Change)}
	plan := Plan{From: old.Generation(), To: next.Generation()}
	order := c.begin(old, next, reports)
	for id, entry := range next.All() {
		c.forward(old, next, id, &entry)
	}
	for id, entry := range old.All() {
		c.backward(old, next, id, &entry)
	}
	for _, id := range order {
		change := c.changes[id]
		plan.add(&change.Counts)
		plan.Lists = append(plan.Lists, *change)
	}
	return plan
}

func (c *Counts) add(other *Counts) {
	c.Block += other.Block
	c.Unblock += other.Unblock
	c.Unchanged += other.Unchanged
	c.AlreadyBlocked += other.AlreadyBlocked
	c.StillBlocked += other.StillBlocked
	c.Refused += other.Refused
	c.Duplicates += other.Duplicates
	c.Suspicious += other.Suspicious
}
