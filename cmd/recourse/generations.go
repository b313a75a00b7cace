package main

import (
	"fmt"
	"slices"

	"github.com/recourse-dns/recourse/blocklists/bundle"
)

// recent is the generations before the one in force, the newest last.
type recent struct{ bundles []*bundle.Bundle }

// add keeps a generation, and drops the oldest of more than most.
func (r *recent) add(b *bundle.Bundle, most int) {
	if b == nil || b.Generation() == 0 || slices.Contains(r.bundles, b) {
		return
	}
	r.bundles = append(r.bundles, b)
	if over := len(r.bundles) - most; over > 0 {
		r.bundles = slices.Delete(r.bundles, 0, over)
	}
}

// open gives a generation by its number; 0 is the one before the one in force.
func (r *recent) open(number uint64) (*bundle.Bundle, error) {
	if number == 0 && len(r.bundles) > 0 {
		return r.bundles[len(r.bundles)-1], nil
	}
	for _, b := range r.bundles {
		if b.Generation() == number {
			return b, nil
		}
	}
	if len(r.bundles) == 0 {
		return nil, fmt.Errorf("no generation is kept before the one in force")
	}
	return nil, fmt.Errorf("generation %d is not kept; %d to %d are", number, r.bundles[0].Generation(), r.bundles[len(r.bundles)-1].Generation())
}
