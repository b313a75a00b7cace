package sieve

import "sync/atomic"

// Place is where something stands in a queue. The queue's owner guards it, but for
// the mark, which readers write without a lock.
type Place[T any] struct {
	used         atomic.Bool
	newer, older *T
}

// Touch marks what was asked for; the write is spared where the mark stands.
func (p *Place[T]) Touch() {
	if !p.used.Load() {
		p.used.Store(true)
	}
}

// Touched says whether the mark stands.
func (p *Place[T]) Touched() bool { return p.used.Load() }

// Newer is what came next into the queue; nil for the newest.
func (p *Place[T]) Newer() *T { return p.newer }

func (p *Place[T]) place() *Place[T] { return p }

// member is a pointer to a type that embeds its place.
type member[T any] interface {
	*T
	place() *Place[T]
}

// Queue is a queue of what may have to go. The zero value is empty. It is not safe for
// use by many goroutines.
type Queue[T any, P member[T]] struct {
	newest, oldest, hand P
}

// Oldest is what came first; nil for an empty queue.
func (q *Queue[T, P]) Oldest() P { return q.oldest }

// Add puts something at the new end. It must stand in no queue.
func (q *Queue[T, P]) Add(fresh P) {
	fresh.place().older = q.newest
	if q.newest != nil {
		q.newest.place().newer = fresh
	} else {
		q.oldest = fresh
	}
	q.newest = fresh
}

// Victim is what shall go next; nil for an empty queue. It stays in the queue.
func (q *Queue[T, P]) Victim() P {
	for {
		if q.hand == nil {
			q.hand = q.oldest
		}
		if q.hand == nil || !q.hand.place().used.Swap(false) {
			return q.hand
		}
		q.hand = q.hand.place().newer
	}
}

// Remove takes something out, and cuts its links, so that who still holds it does not
// keep others alive.
func (q *Queue[T, P]) Remove(gone P) {
	at := gone.place()
	if q.hand == gone {
		q.hand = at.newer
	}
	if at.newer != nil {
		P(at.newer).place().older = at.older
	} else {
		q.newest = at.older
	}
	if at.older != nil {
		P(at.older).place().newer = at.newer
	} else {
		q.oldest = at.newer
	}
	at.newer, at.older = nil, nil
}
