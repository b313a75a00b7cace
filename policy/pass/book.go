package pass

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Longest is how long a pass lasts at most.
const Longest = time.Hour

const (
	// shards are copied one at a time when a pass is added.
	shards = 64
	// maxPasses bounds those of one hour.
	maxPasses = 1 << 16
)

// Hour numbers the hours since 1970.
type Hour int64

// HourOf is the hour of a time.
func HourOf(at time.Time) Hour { return Hour(at.Unix() / 3600) }

func (h Hour) end() time.Time { return time.Unix(3600*(int64(h)+1), 0) }

// Key is an hour's. The nodes of a fleet have the same.
type Key [32]byte

// RandomKey is a key for the hour that nobody else has: a node by itself needs no more.
func RandomKey(Hour) Key {
	var key Key
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	return key
}

// Pass is one permission. It tells nothing of whom it is for, or past what.
type Pass struct {
	Hour  Hour // whose key its mark was made with
	Mark  Mark
	Until time.Time
}

// Book holds the passes. The nil book has none.
type Book struct {
	keys func(Hour) Key
	tell func(Pass)

	hours atomic.Pointer[hours]
	mu    sync.Mutex // held by whoever changes hours or a shard, never by readers
}

// hours are this one and the last; either may be nil. They are immutable, but for the shards.
type hours struct{ this, last *hour }

// hour is the passes that were asked for in one.
type hour struct {
	number Hour
	key    Key
	count  atomic.Int64
	shards [shards]atomic.Pointer[map[Mark]int64] // until when, in seconds since 1970
}

// New makes a book. Keys gives the key of an hour, once for each; tell is told of every pass that
// is given here, for whoever carries it to other nodes; nil where there are none.
func New(keys func(Hour) Key, tell func(Pass)) *Book {
	if tell == nil {
		tell = func(Pass) {}
	}
	return &Book{keys: keys, tell: tell}
}

// Any says whether there is any pass, which is all that most queries ask.
func (b *Book) Any() bool {
	if b == nil {
		return false
	}
	held := b.hours.Load()
	return held != nil && (held.this.any() || held.last.any())
}

func (h *hour) any() bool { return h != nil && h.count.Load() > 0 }

// Until is when the client's pass for an entry ends; false where it has none. It does not
// allocate. The entry is what [Book.Draft] was given.
func (b *Book) Until(client Client, entry []byte, at time.Time) (time.Time, bool) {
	if !b.Any() {
		return time.Time{}, false
	}
	held, now := b.hours.Load(), HourOf(at)
	for _, one := range [...]*hour{held.this, held.last} {
		if !one.any() || one.number > now || one.number < now-1 {
			continue
		}
		mark, fits := markOf(&one.key, client, entry)
		if !fits {
			return time.Time{}, false
		}
		if until, found := one.find(mark); found && at.Unix() < until {
			return time.Unix(until, 0), true
		}
	}
	return time.Time{}, false
}

func (h *hour) find(mark Mark) (until int64, found bool) {
	if shard := h.shards[mark[0]%shards].Load(); shard != nil {
		until, found = (*shard)[mark]
	}
	return until, found
}

// Draft is a pass that is not given yet: what there has to be kept of a client until its
// person has decided. False: the client or the entry is none.
func (b *Book) Draft(client Client, entry []byte, at time.Time) (Pass, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(at)
	one := b.this(at)
	mark, fits := markOf(&one.key, client, entry)
	return Pass{Hour: one.number, Mark: mark}, fits
}

// Give puts a draft in force for a while, from a time on. False: there is no room, or the draft
// is of an hour that is over.
func (b *Book) Give(draft Pass, length time.Duration, at time.Time) (Pass, bool) {
	given := draft
	given.Until = at.Add(min(length, Longest))
	if end := (draft.Hour + 1).end(); given.Until.After(end) {
		given.Until = end
	}
	if !b.Take(given, at) {
		return Pass{}, false
	}
	b.tell(given)
	return given, true
}

// Take takes in a pass that another node has given.
func (b *Book) Take(given Pass, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(at)
	now := HourOf(at)
	if given.Hour < now-1 || given.Hour > now || !at.Before(given.Until) || given.Until.After(at.Add(Longest)) {
		return false
	}
	one := b.this(at)
	if given.Hour != now {
		one = b.lastOf(at)
	}
	return one.put(given)
}

func (h *hour) put(given Pass) bool {
	at := &h.shards[given.Mark[0]%shards]
	shard := at.Load()
	next := map[Mark]int64{}
	if shard != nil {
		next = maps.Clone(*shard)
	}
	if _, known := next[given.Mark]; !known {
		if h.count.Load() >= maxPasses {
			return false
		}
		h.count.Add(1)
	}
	next[given.Mark] = given.Until.Unix()
	at.Store(&next)
	return true
}

// turn drops what is of an hour that is over. The caller holds mu.
func (b *Book) turn(at time.Time) {
	held, now := b.hours.Load(), HourOf(at)
	if held == nil {
		return
	}
	next := hours{this: held.this, last: held.last}
	if next.this != nil && next.this.number != now {
		next.this, next.last = nil, next.this
	}
	if next.last != nil && next.last.number != now-1 {
		next.last = nil
	}
	if next == *held {
		return
	}
	if next == (hours{}) {
		b.hours.Store(nil)
		return
	}
	b.hours.Store(&next)
}

// this is the hour of a time, after turn. The caller holds mu.
func (b *Book) this(at time.Time) *hour {
	held := b.hours.Load()
	if held == nil {
		held = new(hours)
	}
	if held.this == nil {
		held = &hours{this: b.newHour(HourOf(at)), last: held.last}
		b.hours.Store(held)
	}
	return held.this
}

// lastOf is the hour before that of a time, after turn. The caller holds mu.
func (b *Book) lastOf(at time.Time) *hour {
	held := b.hours.Load()
	if held == nil {
		held = new(hours)
	}
	if held.last == nil {
		held = &hours{this: held.this, last: b.newHour(HourOf(at) - 1)}
		b.hours.Store(held)
	}
	return held.last
}

func (b *Book) newHour(number Hour) *hour { return &hour{number: number, key: b.keys(number)} }

// Run forgets what has ended, with the keys, when it ends, until the context does.
func (b *Book) Run(ctx context.Context) {
	for {
		now := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-time.After(HourOf(now).end().Sub(now)):
			b.Forget(time.Now())
		}
	}
}

// Forget drops the hours that are over.
func (b *Book) Forget(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(at)
}
