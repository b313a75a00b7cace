package rate

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	ways    = 8       // places in a set: one cache line
	sets    = 1 << 14 // a mebioctet of places
	setBits = sets - 1

	// A place is 24 bits of hash above 40 of time, in units of 64 ns: 19 hours around.
	timeBits = 40
	timeMask = 1<<timeBits - 1
	unit     = 64 * time.Nanosecond

	// races is how often a place is tried for that others change meanwhile.
	races = 8
	// slack is by how much the present of two cores may differ: those who answer many
	// queries at once look at the clock once.
	slack = uint64(5 * time.Second / unit)
)

// MaxWindow is how long the longest burst may take to be paid off. It keeps a time that was
// left behind from looking like one to come.
const MaxWindow = time.Minute

// table remembers for how long what was taken under a key still counts.
type table struct {
	seed   maphash.Seed
	epoch  time.Time
	window uint64 // in units: how far ahead of the present a key may be
	sets   [][ways]atomic.Uint64
}

func newTable(window time.Duration) *table {
	window = min(max(window, unit), MaxWindow)
	return &table{seed: maphash.MakeSeed(), epoch: time.Now(), window: uint64(window / unit), sets: make([][ways]atomic.Uint64, sets)}
}

// hash is of a network, what of it is counted, and about what.
func (t *table) hash(of network, kind, about uint64) uint64 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], of.high)
	binary.LittleEndian.PutUint64(key[8:], of.low)
	binary.LittleEndian.PutUint64(key[16:], of.bits<<8|kind)
	binary.LittleEndian.PutUint64(key[24:], about)
	return maphash.Bytes(t.seed, key[:])
}

func (t *table) hashName(name wire.Name) uint64 { return maphash.String(t.seed, string(name)) }

// time is a moment as places have it.
func (t *table) time(now time.Time) uint64 { return uint64(now.Sub(t.epoch)/unit) & timeMask }

// place is where a key is, or may be put.
type place struct {
	at    *atomic.Uint64
	held  uint64 // what is there
	debt  uint64 // of the key, in units from now on
	found bool
}

// find looks a key up, or the place that is least in debt.
func (t *table) find(hash, now uint64) place {
	set, tag := &t.sets[hash&setBits], hash>>timeBits
	least := place{debt: t.window + 1}
	for i := range set {
		held := set[i].Load()
		debt := (held - now) & timeMask
		if debt > t.window+slack {
			debt = 0 // it is past
		}
		if held>>timeBits == tag {
			return place{at: &set[i], held: held, debt: debt, found: true}
		}
		if debt < least.debt {
			least = place{at: &set[i], held: held, debt: debt}
		}
	}
	least.debt = 0
	return least
}

// take charges a key with the price; false when it owes too much already, which costs it nothing.
func (t *table) take(hash, price, now uint64) bool {
	for range races {
		spot := t.find(hash, now)
		if spot.found && spot.debt+price > t.window {
			return false
		}
		if spot.at.CompareAndSwap(spot.held, pack(hash, now+min(spot.debt+price, t.window))) {
			return true
		}
	}
	return true // others were charged meanwhile; they have this one's price to bear
}

// give takes back what was charged.
func (t *table) give(hash, price, now uint64) {
	for range races {
		spot := t.find(hash, now)
		if !spot.found || spot.at.CompareAndSwap(spot.held, pack(hash, now+spot.debt-min(spot.debt, price))) {
			return
		}
	}
}

func pack(hash, until uint64) uint64 { return hash>>timeBits<<timeBits | until&timeMask }
