package bindings

import (
	"time"
)

// sweepAtOnce bounds how many bindings one sweep takes away, so that others who change the
// table come in between.
const sweepAtOnce = 1 << 16

// Sweep takes away bindings whose time is over and says how many. One that lies in a longer
// lasting one stays, since without it the other would hold there.
func (t *Table) Sweep(at time.Time) int {
	swept := 0
	for {
		count := t.sweepSome(at)
		swept += count
		if count < sweepAtOnce {
			return swept
		}
	}
}

func (t *Table) sweepSome(at time.Time) int {
	t.changes.Lock()
	defer t.changes.Unlock()
	before, now := t.state.Load(), uint32(at.Unix())
	next, count := *before, 0
	for kind := range before.trees {
		tree := &before.trees[kind]
		var over []change
		for entry := range tree.all {
			if entry[tree.words+1] <= now && !before.covered(kind, tree.keyOf(entry), now) {
				over = append(over, change{key: tree.keyOf(entry), remove: true})
			}
			if count+len(over) == sweepAtOnce {
				break
			}
		}
		next.trees[kind] = tree.apply(over)
		count += len(over)
	}
	if count > 0 {
		t.enforce(&next)
	}
	return count
}

// covered says whether a binding that holds is around another or, for a range of ports, is
// of its address.
func (s *state) covered(kind int, k key, now uint32) bool {
	for length := int(k.length) - 1; length >= 0; {
		around := s.trees[kind].longestOf(kind, k.words, length)
		if around == nil {
			break
		}
		t := &s.trees[kind]
		if t.valueOf(around).until > now {
			return true
		}
		length = int(t.keyOf(around).length) - 1
	}
	if kind == ofPorts {
		entry := s.trees[ofIPv4].longest(k.words, 32)
		return entry != nil && s.trees[ofIPv4].valueOf(entry).until > now
	}
	if kind == ofIPv6Host {
		entry := s.trees[ofIPv6].longest(k.words, 64)
		return entry != nil && s.trees[ofIPv6].valueOf(entry).until > now
	}
	return false
}

// longestOf is longest where keys are networks.
func (t *tree) longestOf(kind int, words [maxWords]uint32, most int) []uint32 {
	if kind == ofPorts {
		return nil
	}
	return t.longest(words, most)
}
