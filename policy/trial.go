package policy

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
)

// Trials are the lists whose new entries act for a share of the clients at first, with
// what their entries have blocked in the current minute. Nothing is kept of a client:
// whether its network is in the share is computed from a key that lives in memory only.
// The nil value has no trial.
type Trials struct {
	seed   maphash.Seed
	bundle *bundle.Bundle
	lists  []*trial // as the bundle's lists; nil where nothing is staged
}

// trial is one list's. It outlives bundles.
type trial struct {
	list   blocklists.ListID
	stage  blocklists.Stage
	counts *trialCounts
}

// trialCounts are of one minute. A reading across the turn of a minute may be a few
// blocks off, which a limit of hundreds does not feel.
type trialCounts struct {
	minute          atomic.Int64
	staged, settled atomic.Int64
	before          atomic.Int64 // settled blocks of the busiest minute so far
	halted          atomic.Int64 // since when, in seconds since 1970; 0: it runs
}

// spikeFactor is how many times what the list blocked before in its busiest minute its
// staged entries may block, reckoned up to all clients.
const spikeFactor = 3

// fit gives the trials of a bundle, with the counts of those that go on.
func (t *Trials) fit(next *bundle.Bundle) *Trials {
	if t != nil && t.bundle == next {
		return t
	}
	made := &Trials{bundle: next, lists: make([]*trial, len(next.Lists()))}
	old := map[blocklists.ListID]*trialCounts{}
	if t == nil {
		made.seed = maphash.MakeSeed()
	} else {
		made.seed = t.seed
		for _, one := range t.lists {
			if one != nil {
				old[one.list] = one.counts
			}
		}
	}
	for i := range next.Lists() {
		list := &next.Lists()[i]
		if list.Kind != bundle.Feed || list.Manifest.Stage.Share == 0 {
			continue
		}
		counts := old[list.ID]
		if counts == nil {
			counts = new(trialCounts)
		}
		made.lists[i] = &trial{list: list.ID, stage: list.Manifest.Stage, counts: counts}
	}
	return made
}

// of is the trial of a list by its place in the bundle; nil if there is none.
func (t *Trials) of(index int) *trial {
	if t == nil || index < 0 || index >= len(t.lists) {
		return nil
	}
	return t.lists[index]
}

// inShare says whether a client's network is among those for which a list's staged
// entries act: the same for every address of a /24 or a /48, on every door.
func (t *Trials) inShare(one *trial, client netip.Addr) bool {
	if !client.IsValid() {
		return false
	}
	bits := 48
	if client = client.Unmap(); client.Is4() {
		bits = 24
	}
	network, err := client.WithZone("").Prefix(bits)
	if err != nil {
		return false
	}
	octets := network.Addr().As16()
	var hash maphash.Hash
	hash.SetSeed(t.seed)
	_, _ = hash.WriteString(string(one.list)) // never fails (hash/maphash)
	_, _ = hash.Write(octets[:])
	return hash.Sum64()%uint64(blocklists.WholeShare) < uint64(one.stage.Share)
}

// count counts a block, and halts the trial when its staged entries block too much.
func (t *trial) count(staged bool, at time.Time) {
	c, minute := t.counts, at.Unix()/60
	if last := c.minute.Load(); last != minute && c.minute.CompareAndSwap(last, minute) {
		settled := c.settled.Swap(0)
		c.before.Store(max(c.before.Load(), settled))
		c.staged.Store(0)
	}
	if !staged {
		c.settled.Add(1)
		return
	}
	if c.staged.Add(1)*int64(blocklists.WholeShare)/int64(t.stage.Share) > t.most() {
		c.halted.CompareAndSwap(0, at.Unix())
	}
}

// most is how many blocks a minute, reckoned up to all clients, are no spike.
func (t *trial) most() int64 {
	floor := int64(t.stage.HaltAbove)
	if floor == 0 {
		floor = blocklists.DefaultHaltAbove
	}
	return max(floor, spikeFactor*max(t.counts.before.Load(), t.counts.settled.Load()))
}

// Halted are the lists whose staged entries do not act because they blocked too much,
// with the time since when.
func (t *Trials) Halted() map[blocklists.ListID]time.Time {
	halted := map[blocklists.ListID]time.Time{}
	if t == nil {
		return halted
	}
	for _, one := range t.lists {
		if one == nil {
			continue
		}
		if since := one.counts.halted.Load(); since != 0 {
			halted[one.list] = time.Unix(since, 0).UTC()
		}
	}
	return halted
}

// Halt stops a list's staged entries, as of a time; the zero time lets them go on.
func (t *Trials) Halt(list blocklists.ListID, since time.Time) {
	if t == nil {
		return
	}
	for _, one := range t.lists {
		if one == nil || one.list != list {
			continue
		}
		if since.IsZero() {
			one.counts.staged.Store(0)
			one.counts.halted.Store(0)
		} else {
			one.counts.halted.CompareAndSwap(0, since.Unix())
		}
	}
}
