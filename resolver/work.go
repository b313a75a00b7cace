package resolver

import "sync/atomic"

// Work is what one client query may still cost. It is shared by all sub-queries
// of that query, is never given back and never reset: attacks compose (CAMP,
// NXNSAttack, KeyTrap), so only one budget over everything holds. Its methods
// may be called from several goroutines.
type Work struct {
	queries    atomic.Int32
	octets     atomic.Int32
	signatures atomic.Int32
	hashes     atomic.Int32
}

// What a client query may cost at most.
const (
	MaxQueries    = 99      // questions sent upstream: fewer than a hundred
	MaxOctets     = 100_000 // octets received from upstream, those that fit no question too
	MaxSignatures = 64      // signatures verified; slow ones and those that do not hold count for more
	MaxHashes     = 150     // NSEC3 hashes computed
)

// NewWork is the full budget.
func NewWork() *Work {
	work := new(Work)
	work.queries.Store(MaxQueries)
	work.octets.Store(MaxOctets)
	work.signatures.Store(MaxSignatures)
	work.hashes.Store(MaxHashes)
	return work
}

// Query takes one upstream question; false when there are none left.
func (w *Work) Query() bool { return w.queries.Add(-1) >= 0 }

// Receive takes n octets of an upstream reply; false when that was too much.
func (w *Work) Receive(n int) bool { return w.octets.Add(-int32(n)) >= 0 }

// Signature takes a verification of such a cost; false when that was too much.
func (w *Work) Signature(cost int) bool { return w.signatures.Add(-int32(cost)) >= 0 }

// Hash takes n NSEC3 hashes; false when that was too much.
func (w *Work) Hash(n int) bool { return w.hashes.Add(-int32(n)) >= 0 }

// Queries says how many upstream questions have been asked.
func (w *Work) Queries() int { return min(MaxQueries, MaxQueries-int(w.queries.Load())) }
