package cache

import (
	"slices"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// keep stores an answer and returns it for those who waited for it. Both share
// one wire form and one memo. What was flushed meanwhile is not stored again.
func (c *Cache) keep(query *resolver.Query, answer *resolver.Answer, flushes uint64) (*resolver.Answer, error) {
	packed, err := answer.Pack()
	if err != nil {
		return nil, err
	}
	kept := *packed
	kept.TTL = c.clamp(&kept)
	if query.Fresh || c.flushes.Load() != flushes {
		return &kept, nil
	}
	if kept.TTL <= 0 { // not kept, but it ends what it answers anew
		c.drop(keyOf(query))
		return &kept, nil
	}
	c.denials.Learn(query.Question, answer)
	trim(&kept)
	slot := kept
	slot.Origin = resolver.Cached
	fresh := &node{answer: slot, proved: provedUntil(answer, query.Now)}
	kept.Memo = &c.insert(keyOf(query), fresh, kept.TTL, query.Now).memo
	return &kept, nil
}

func (c *Cache) insert(k key, fresh *node, ttl time.Duration, now time.Time) *node {
	k.name = wire.Settle(k.name, fresh.answer.Signed.Wire) // else the whole query lives as long
	fresh.key = k
	fresh.hash = c.hash(k)
	fresh.expires = now.Add(ttl).UnixNano()
	fresh.ttl = int64(ttl)
	if c.config.Prefetch && fresh.failure == nil {
		fresh.early = int64(ttl / 10)
	}
	fresh.answer.Memo = &fresh.memo
	fresh.size = fresh.octets()
	c.stats.Inserts.Add(uint32(fresh.hash), 1)
	c.stats.Evictions.Add(uint32(fresh.hash), int64(c.shard(fresh.hash).insert(fresh)))
	return fresh
}

// drop removes what is kept of a question.
func (c *Cache) drop(k key) {
	hash := c.hash(k)
	c.shard(hash).drop(hash, k)
}

// clamp applies the TTL bounds to the answer's wire, which nobody shares yet, and
// gives how long the answer may be kept.
func (c *Cache) clamp(answer *resolver.Answer) time.Duration {
	upper := c.config.MaxTTL
	if negative(answer) {
		upper = c.config.MaxNegative
	}
	eachPacket(answer, func(packet resolver.Packet) { clampPacket(packet, c.config.MinTTL, upper) })
	return min(max(answer.TTL, c.config.MinTTL), upper)
}

// eachPacket calls change for each wire form, once where both are one.
func eachPacket(answer *resolver.Answer, change func(resolver.Packet)) {
	change(answer.Signed)
	if !shared(answer) {
		change(answer.Plain)
	}
}

// trim gives room back that packing took for names before it compressed them, so that
// what is counted of an answer is what it takes.
func trim(answer *resolver.Answer) {
	one := shared(answer)
	answer.Signed = trimmed(answer.Signed)
	if one {
		answer.Plain = answer.Signed
	} else {
		answer.Plain = trimmed(answer.Plain)
	}
}

func trimmed(packet resolver.Packet) resolver.Packet {
	return resolver.Packet{Wire: slices.Concat(packet.Wire), TTLs: slices.Concat(packet.TTLs)}
}

// shared says whether both wire forms are one.
func shared(answer *resolver.Answer) bool {
	return len(answer.Plain.Wire) == 0 || &answer.Plain.Wire[0] == &answer.Signed.Wire[0]
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
