package cache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache/sieve"
)

// nodeOverhead is what a node costs beside its answer's octets, measured once
// with the heap profiler: node, map-less chain, slices, allocator slack.
const nodeOverhead = 384

// node is one cache slot: an answer or a failure, immutable but for the links,
// the memo and what is atomic. The first fields are those that finding it reads, one line of the
// processor's cache; then comes what an answer from it reads.
type node struct {
	hash    uint64
	key     key
	next    atomic.Pointer[node] // in the bucket's chain
	expires int64                // nanoseconds since 1970
	ttl     int64                // how long before that it was stored
	early   int64                // how long before that a refresh is due; zero: never

	sieve.Place[node]
	memo     atomic.Pointer[resolver.Memo]
	failure  *resolver.Failure
	answer   resolver.Answer
	size     int64
	failures int // in a row, this one included
	rank     rank
	proved   int64 // until when the signatures hold; of use past the TTL

	refreshing atomic.Bool
	nudged     atomic.Int32
	retry      atomic.Pointer[postponement]
}

// slack is how far a clock may lie before the time at which an answer came: queries
// that waited carry the time at which they began. What lies further ahead was stored
// by a clock that has been set back since, and is not believed.
const slack = int64(time.Minute)

// fresh says whether the TTL has not run out.
func (n *node) fresh(now int64) bool {
	left := n.expires - now
	return left > 0 && left <= n.ttl+slack
}

// due says whether a refresh is due before the TTL runs out.
func (n *node) due(now int64) bool { return n.expires-now <= n.early }

func (n *node) result() (*resolver.Answer, error) {
	if n.failure != nil {
		return nil, n.failure
	}
	return &n.answer, nil
}

func (n *node) octets() int64 {
	size := nodeOverhead + len(n.key.name) + len(n.answer.Signed.Wire) + 2*len(n.answer.Signed.TTLs)
	if !shared(&n.answer) {
		size += len(n.answer.Plain.Wire) + 2*len(n.answer.Plain.TTLs)
	}
	if n.failure != nil {
		size += explained(n.failure.Extended)
	}
	size += explained(n.answer.Extended)
	return int64(size)
}

// explained is what Extended DNS Errors take, with the error that repeats their text.
func explained(extended []resolver.Extended) int {
	size := 0
	for _, one := range extended {
		size += 64 + 2*len(one.Text) + len(one.Structured) + len(one.Brief)
	}
	return size
}

// shard is a part of the cache with a lock and a bound of its own. What every look-up reads has
// a line of the processor's cache to itself: an insert on another core takes away the line that
// it writes.
type shard struct {
	buckets []atomic.Pointer[node]
	_       [40]byte

	size  atomic.Int64
	mu    sync.Mutex
	limit int64 // everything below is guarded by mu; size is written under it
	queue sieve.Queue[node, *node]
	_     [16]byte
}

func (s *shard) init(buckets int, limit int64) {
	s.buckets = make([]atomic.Pointer[node], buckets)
	s.limit = limit
}

func (s *shard) bucket(hash uint64) *atomic.Pointer[node] {
	return &s.buckets[hash&uint64(len(s.buckets)-1)]
}

// find reads without a lock.
func (s *shard) find(hash uint64, k key) *node {
	for n := s.bucket(hash).Load(); n != nil; n = n.next.Load() {
		if n.hash != hash || n.key != k {
			continue
		}
		n.Touch()
		return n
	}
	return nil
}

// insert puts a node in the place of an older one with its key and evicts until
// the bound holds. It returns how many were evicted.
func (s *shard) insert(fresh *node) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.lookup(fresh.hash, fresh.key); old != nil {
		s.remove(old)
	}
	if fresh.size > s.limit {
		return 0 // answered, not kept
	}
	evicted := 0
	for s.size.Load()+fresh.size > s.limit {
		s.remove(s.queue.Victim())
		evicted++
	}
	head := s.bucket(fresh.hash)
	fresh.next.Store(head.Load())
	head.Store(fresh)
	s.queue.Add(fresh)
	s.size.Add(fresh.size)
	return evicted
}

func (s *shard) lookup(hash uint64, k key) *node {
	for n := s.bucket(hash).Load(); n != nil; n = n.next.Load() {
		if n.hash == hash && n.key == k {
			return n
		}
	}
	return nil
}

// drop removes the node of a key.
func (s *shard) drop(hash uint64, k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.lookup(hash, k); old != nil {
		s.remove(old)
	}
}

func (s *shard) remove(gone *node) {
	for link := s.bucket(gone.hash); ; {
		n := link.Load()
		if n == gone {
			link.Store(gone.next.Load())
			break
		}
		link = &n.next
	}
	s.queue.Remove(gone)
	s.size.Add(-gone.size)
}
