package cache

import (
	"context"
	"hash/maphash"
	"log/slog"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache/denials"
	"github.com/recourse-dns/recourse/resolver/tally"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config bounds what is kept and for how long.
type Config struct {
	// Size is how much memory answers may take, in octets. Zero is 64 MiB. Proofs of
	// what does not exist may take an eighth of it beside.
	Size int64
	// MinTTL and MaxTTL clamp every TTL, MaxNegative those of answers without data.
	// Zero: no minimum, a day, an hour.
	MinTTL, MaxTTL, MaxNegative time.Duration
	// Stale is when answers are given past their TTL. The zero value: never.
	Stale Stale
	// Prefetch asks again for what is asked for in the last tenth of its TTL.
	Prefetch bool
	// Aggressive answers from the gaps that signed zones prove (RFC 8198).
	Aggressive bool
	// Below answers NXDOMAIN for what lies below a name that was proved absent (RFC 8020).
	Below bool
	// Apart are zones that have servers, or a trust, of their own: no denial by a zone
	// above one of them reaches into it.
	Apart []wire.Name
	// Private are names that the stages below allow what they take from all others, such
	// as private addresses. No kept alias leads from one of them to another name, or back.
	Private []wire.Name
	// Basis stands for what the answers depend on beside the world, such as trust
	// anchors and upstreams. A dump is loaded only under the basis it was made under.
	Basis string
	// Logger is told of faults in the background. Nil: nobody is.
	Logger *slog.Logger
}

// Stale is when answers are given past their TTL (RFC 8767).
type Stale struct {
	// After is how long a client waits for a fresh answer first. Zero: not at all.
	After time.Duration
	// UpTo is how long past its TTL an answer may be given. Zero: not at all.
	UpTo time.Duration
	// TTL is what clients may keep such an answer for. Zero is 30 seconds.
	TTL time.Duration
}

// Defaults of Config.
const (
	DefaultSize        = 64 << 20
	DefaultMaxTTL      = 24 * time.Hour
	DefaultMaxNegative = time.Hour
	DefaultStaleTTL    = 30 * time.Second
)

// shardCount spreads writers; a power of two.
const shardCount = 64

// Cache keeps answers. It is safe for use by many goroutines. Close ends what it
// does in the background.
type Cache struct {
	config  Config
	seed    maphash.Seed
	shards  []shard // shardCount of them, apart from all else so that their lines are whole
	denials *denials.Store
	stats   Stats
	_       [64]byte      // what is above is only read
	flushes atomic.Uint64 // counts flushes, so that a flight from before one is not kept

	background background

	flightsMu sync.Mutex
	flights   map[key]*flight
}

// Stats counts since the start.
type Stats struct {
	Hits, Misses, Inserts, Evictions tally.Counter
	// Stale are answers given past their TTL, Synthesised those made from proofs,
	// Prefetches and Refreshes resolutions in the background: before the TTL's end,
	// and after it. Aliased are answers that began with kept aliases, which end in what
	// is kept or in a shorter resolution.
	Stale, Synthesised, Prefetches, Refreshes, Aliased tally.Counter
	// Discarded are questions without a reply, of the many that waited for one answer.
	Discarded tally.Counter
}

func newStats() Stats {
	set := tally.NewSet(10)
	return Stats{
		Hits: set.At(0), Misses: set.At(1), Inserts: set.At(2), Evictions: set.At(3),
		Stale: set.At(4), Synthesised: set.At(5), Prefetches: set.At(6), Refreshes: set.At(7), Aliased: set.At(8), Discarded: set.At(9),
	}
}

// key is what makes two questions one. Answers for CD=1 were not validated, so
// they are kept apart; DO needs no key, since an answer has both forms.
type key struct {
	name  wire.Name
	qtype uint16
	class uint16
	cd    bool
}

func keyOf(query *resolver.Query) key {
	question := &query.Question
	return key{name: question.Name, qtype: question.Type, class: question.Class, cd: query.CheckingDisabled()}
}

// New makes an empty cache.
func New(config Config) *Cache {
	if config.Size <= 0 {
		config.Size = DefaultSize
	}
	if config.MaxTTL <= 0 {
		config.MaxTTL = DefaultMaxTTL
	}
	if config.MaxNegative <= 0 {
		config.MaxNegative = DefaultMaxNegative
	}
	config.MaxNegative = min(config.MaxNegative, config.MaxTTL)
	if config.Stale.TTL <= 0 {
		config.Stale.TTL = DefaultStaleTTL
	}
	cache := &Cache{config: config, seed: maphash.MakeSeed(), stats: newStats(), shards: make([]shard, shardCount), flights: make(map[key]*flight)}
	cache.background.init(config.Logger)
	cache.denials = denials.New(denials.Config{
		Spans: config.Aggressive, Below: config.Below, Size: config.Size / 8, MaxTTL: config.MaxNegative, Apart: config.Apart,
	})
	// One bucket for 512 octets of answers: chains stay about one node long.
	buckets := 1 << bits.Len64(uint64(config.Size/512/shardCount))
	for i := range cache.shards {
		cache.shards[i].init(buckets, config.Size/shardCount)
	}
	return cache
}

// Close ends what runs in the background and waits for it. The cache can still be
// asked; nothing is refreshed any more.
func (c *Cache) Close() error {
	c.background.close()
	return nil
}

// Lookup is the stage that answers from what is kept. It never waits. The stage
// below it must be Flight, which refreshes what Lookup finds to be due.
func (c *Cache) Lookup(next resolver.Handler) resolver.Handler {
	below, _ := next.(*flights)
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Fresh {
			return next.Resolve(ctx, query)
		}
		now := query.Now.UnixNano()
		kept := c.kept(query, now)
		if kept != nil && kept.fresh(now) {
			if kept.due(now) && kept.key == keyOf(query) && query.RecursionDesired() && below.prefetch(query, kept) {
				return nil, resolver.ErrWouldBlock
			}
			c.stats.Hits.Add(query.Worker, 1)
			return kept.result()
		}
		if answer := c.denials.Answer(query); answer != nil {
			c.stats.Synthesised.Add(query.Worker, 1)
			return answer, nil
		}
		if kept != nil && c.usable(kept, now) && below.settled(query, kept) {
			return c.stale(kept, query), nil
		}
		if query.Inline { // the same query comes again when it may wait: counted once
			c.stats.Misses.Add(query.Worker, 1)
		}
		if !query.RecursionDesired() {
			return unknown(query)
		}
		return next.Resolve(ctx, query)
	})
}

// unknown refuses a client that asked not to recurse what is not kept: there is no
// answer here without recursion (RFC 8914, section 4.21).
func unknown(query *resolver.Query) (*resolver.Answer, error) {
	reply := query.Message()
	reply.Rcode = wire.RcodeRefused
	answer := resolver.NewAnswer(reply, query.Now)
	answer.Origin = resolver.Local
	answer.Extended = []resolver.Extended{{Code: resolver.NotAuthoritative, Text: "recursion was not desired"}}
	return answer.Pack()
}

// Stats gives the counters, to be read only.
func (c *Cache) Stats() *Stats { return &c.stats }

// Size is how many octets the kept answers take.
func (c *Cache) Size() int64 {
	size := c.denials.Size()
	for i := range c.shards {
		size += c.shards[i].size.Load()
	}
	return size
}

// kept is what is kept for the query, however old. What was proved serves those
// who want nothing checked, too (RFC 6840, section 5.9, asks no more than that
// nothing be withheld from them).
func (c *Cache) kept(query *resolver.Query, now int64) *node {
	own := keyOf(query)
	kept := c.find(own)
	if !own.cd || kept != nil && kept.fresh(now) {
		return kept
	}
	own.cd = false
	proved := c.find(own)
	if proved != nil && proved.fresh(now) && proved.failure == nil && proved.answer.Security == resolver.Secure {
		return proved
	}
	return kept
}

// Denied gives the proof, where one is kept, that a question has no answer.
func (c *Cache) Denied(query *resolver.Query) *resolver.Answer {
	answer := c.denials.Answer(query)
	if answer != nil {
		c.stats.Synthesised.Add(query.Worker, 1)
	}
	return answer
}

// find gives what is kept of a question, however old.
func (c *Cache) find(k key) *node {
	hash := c.hash(k)
	return c.shard(hash).find(hash, k)
}

func (c *Cache) hash(k key) uint64 {
	hash := maphash.String(c.seed, string(k.name)) ^ uint64(k.qtype)<<32 ^ uint64(k.class)<<16
	if k.cd {
		hash = ^hash
	}
	return hash * 0x9e3779b97f4a7c15
}

// shard takes the hash's upper bits; its buckets take the lower ones.
func (c *Cache) shard(hash uint64) *shard { return &c.shards[hash>>(64-6)] }
