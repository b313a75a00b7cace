package redress

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

// Reversals are those against one list, with its score: what its maintainer can put right. They
// name nobody who filed.
type Reversals struct {
	List      blocklists.ListID `json:"list"`
	Score     Score             `json:"score"`
	Reversals []Reversal        `json:"reversals"`
	// Next is what to give as after for those behind these; 0 on the last page.
	Next int64 `json:"next,omitempty"`
}

// Score is how often a list was wrong, and how long that lasted.
type Score struct {
	// Entries are those that the list has now, and Reversed the cases in which one was lifted,
	// wholly or in part, in the last year.
	Entries  int `json:"entries"`
	Reversed int `json:"reversed"`
	// PerTenThousand is the reversals for so many entries; nil where the list has none.
	PerTenThousand *float64 `json:"reversals_per_10000_entries"`
	// MedianHours is from filing to decision; nil where nothing was reversed.
	MedianHours *float64 `json:"median_hours_to_correct"`
}

// Reversal is a decision that lifted something.
type Reversal struct {
	Sequence int64     `json:"sequence"` // of the event
	Code     string    `json:"reason_code"`
	Name     string    `json:"name"`
	Scope    string    `json:"scope"`
	Question Question  `json:"question"`
	Outcome  Outcome   `json:"outcome"`
	NarrowTo string    `json:"narrow_to,omitempty"`
	Except   []string  `json:"except,omitempty"`
	Filed    time.Time `json:"filed"`
	Decided  time.Time `json:"decided"`
	Facts    string    `json:"facts,omitempty"`
	Ground   string    `json:"ground,omitempty"`
}

// maxReversals is the most of one page.
const maxReversals = 1000

// Reversals gives those against a list behind an event, the oldest first. ErrNotFound: there is
// no such list, or nothing is told of its entries.
func (d *Desk) Reversals(ctx context.Context, list blocklists.ListID, after int64) (Reversals, error) {
	entries, told := 0, false
	if d.config.Entries != nil {
		entries, told = d.config.Entries(list)
	}
	if !told {
		return Reversals{}, ErrNotFound
	}
	found, err := d.store.Reversals(ctx, list, after, maxReversals)
	if err != nil {
		return Reversals{}, fmt.Errorf("reversals: %w", err)
	}
	since := now().AddDate(-1, 0, 0)
	took, err := d.store.Corrected(ctx, list, since)
	if err != nil {
		return Reversals{}, fmt.Errorf("reversals: %w", err)
	}
	file := Reversals{List: list, Reversals: append([]Reversal{}, found...), Score: score(entries, took)}
	if len(found) == maxReversals {
		file.Next = found[len(found)-1].Sequence
	}
	return file, nil
}

// score sums up how long each reversal took.
func score(entries int, took []time.Duration) Score {
	made := Score{Entries: entries, Reversed: len(took)}
	if entries > 0 {
		share := float64(len(took)) * 10_000 / float64(entries)
		made.PerTenThousand = &share
	}
	if len(took) > 0 {
		slices.Sort(took)
		middle := took[len(took)/2]
		if len(took)%2 == 0 {
			middle = (middle + took[len(took)/2-1]) / 2
		}
		hours := middle.Hours()
		made.MedianHours = &hours
	}
	return made
}
