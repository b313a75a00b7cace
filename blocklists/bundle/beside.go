package bundle

import "sync/atomic"

// beside has a writer take owners on another core than the one that merges: each does about
// half of what is left of a compile when all is read.
type beside struct {
	to     *writer
	queue  chan *ownerBatch
	free   chan *ownerBatch
	done   chan struct{}
	failed atomic.Bool // there is no use in going on
	batch  *ownerBatch
}

// ownerBatch is keys with their entries, one after another.
type ownerBatch struct {
	keys  []byte
	items []item
	ends  []ownerEnd
}

type ownerEnd struct{ key, items int }

const (
	// ownersABatch is how many owners change hands at a time.
	ownersABatch = 1024
	batches      = 4
)

func writeBeside(to *writer) *beside {
	b := &beside{to: to, queue: make(chan *ownerBatch, batches), free: make(chan *ownerBatch, batches), done: make(chan struct{}), batch: new(ownerBatch)}
	for range batches - 1 {
		b.free <- new(ownerBatch)
	}
	go b.run()
	return b
}

func (b *beside) run() {
	defer close(b.done)
	for batch := range b.queue {
		start := ownerEnd{}
		for _, end := range batch.ends {
			b.to.add(batch.keys[start.key:end.key], batch.items[start.items:end.items])
			start = end
		}
		if b.to.failed != nil || b.to.out.err != nil {
			b.failed.Store(true)
		}
		clear(batch.items) // which may point to texts
		batch.keys, batch.items, batch.ends = batch.keys[:0], batch.items[:0], batch.ends[:0]
		b.free <- batch
	}
}

// add takes a copy of an owner; false where the writer has failed.
func (b *beside) add(key []byte, items []item) bool {
	batch := b.batch
	batch.keys, batch.items = append(batch.keys, key...), append(batch.items, items...)
	batch.ends = append(batch.ends, ownerEnd{len(batch.keys), len(batch.items)})
	if len(batch.ends) == ownersABatch {
		b.queue <- batch
		b.batch = <-b.free
	}
	return !b.failed.Load()
}

// finish waits until all is written; nothing is added afterwards.
func (b *beside) finish() {
	b.queue <- b.batch
	close(b.queue)
	<-b.done
}
