package cache

import (
	"context"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Config bounds what is kept and for how long.
type Config struct {
	// Size is how much memory answers may take, in octets. Zero is 64 MiB.
	Size int64
	// MinTTL and MaxTTL clamp every TTL, MaxNegative those of answers without data.
	// Zero: no minimum, a day, an hour.
	MinTTL, MaxTTL, MaxNegative time.Duration
}

// Defaults of Config.
const (
	DefaultSize        = 64 << 20
	DefaultMaxTTL      = 24 * time.Hour
	DefaultMaxNegative = time.Hour
)

// failureTTL is how long a failure is kept: RFC 9520, section 3.2, wants one second
// to five minutes.
const failureTTL = 5 * time.Second

// shardCount spreads writers; a power of two.
const shardCount = 64

// Cache keeps answers. It is safe for use by many goroutines.
type Cache struct {
	config Config
	seed   maphash.Seed
	shards [shardCount]shard
	stats  Stats

	flightsMu sync.Mutex
	flights   map[key]*flight
}

// Stats counts since the start.
type Stats struct {
	Hits, Misses, Inserts, Evictions atomic.Int64
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
	cache := &Cache{config: config, seed: maphash.MakeSeed(), flights: make(map[key]*flight)}
	// One bucket for 512 octets of answers: chains stay about one node long.
	buckets := 1 << bits.Len64(uint64(config.Size/512/shardCount))
	for i := range cache.shards {
		cache.shards[i].init(buckets, config.Size/shardCount)
	}
	return cache
}

// Lookup is the stage that answers from what is kept. It never waits.
func (c *Cache) Lookup(next resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if !query.Fresh {
			if found := c.find(query); found != nil {
				c.stats.Hits.Add(1)
				return found.result()
			}
			if query.Inline { // the same query comes again when it may wait: counted once
				c.stats.Misses.Add(1)
			}
		}
		return next.Resolve(ctx, query)
	})
}

// Stats gives the counters, to be read only.
func (c *Cache) Stats() *Stats { return &c.stats }

// Size is how many octets the kept answers take.
func (c *Cache) Size() int64 {
	var size int64
	for i := range c.shards {
		size += c.shards[i].size.Load()
	}
	return size
}

func (c *Cache) find(query *resolver.Query) *node {
	k := keyOf(query)
	hash := c.hash(k)
	return c.shard(hash).find(hash, k, query.Now.UnixNano())
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

// keep stores an answer and returns it for those who waited for it. Both share
// one wire form and one memo.
func (c *Cache) keep(query *resolver.Query, answer *resolver.Answer) (*resolver.Answer, error) {
	packed, err := answer.Pack()
	if err != nil {
		return nil, err
	}
	kept := *packed
	kept.TTL = c.clamp(&kept)
	if query.Fresh || kept.TTL <= 0 {
		return &kept, nil
	}
	slot := kept
	slot.Origin = resolver.Cached
	kept.Memo = &c.insert(query, &node{answer: slot}, kept.TTL).memo
	return &kept, nil
}

// keepFailure stores why no answer could be had.
func (c *Cache) keepFailure(query *resolver.Query, failure *resolver.Failure) {
	if query.Fresh {
		return
	}
	again := *failure
	again.Extended = append(again.Extended[:len(again.Extended):len(again.Extended)], resolver.Extended{Code: resolver.CachedError})
	c.insert(query, &node{failure: &again}, failureTTL)
}

func (c *Cache) insert(query *resolver.Query, fresh *node, ttl time.Duration) *node {
	fresh.key = keyOf(query)
	fresh.hash = c.hash(fresh.key)
	fresh.expires = query.Now.Add(ttl).UnixNano()
	fresh.answer.Memo = &fresh.memo
	fresh.size = fresh.octets()
	c.stats.Inserts.Add(1)
	c.stats.Evictions.Add(int64(c.shard(fresh.hash).insert(fresh)))
	return fresh
}

// clamp applies the TTL bounds to the answer's wire, which nobody shares yet, and
// gives how long the answer may be kept.
func (c *Cache) clamp(answer *resolver.Answer) time.Duration {
	upper := c.config.MaxTTL
	if negative(answer) {
		upper = min(upper, c.config.MaxNegative)
	}
	clampPacket(answer.Signed, c.config.MinTTL, upper)
	if &answer.Plain.Wire[0] != &answer.Signed.Wire[0] {
		clampPacket(answer.Plain, c.config.MinTTL, upper)
	}
	return min(max(answer.TTL, c.config.MinTTL), upper)
}

func negative(answer *resolver.Answer) bool {
	answers := int(answer.Signed.Wire[6])<<8 | int(answer.Signed.Wire[7])
	return answer.Rcode() != wire.RcodeSuccess || answers == 0
}

func clampPacket(packet resolver.Packet, lower, upper time.Duration) {
	low, high := uint32(lower/time.Second), uint32(upper/time.Second)
	for _, offset := range packet.TTLs {
		wire.PutTTL(packet.Wire[offset:], min(max(wire.TTL(packet.Wire[offset:]), low), high))
	}
}
