package cache

import (
	"slices"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// usable says whether an answer past its TTL may be given (RFC 8767, section 5: the
// maximum stale timer). Failures and refusals never are, nor what no signature proves
// any more.
func (c *Cache) usable(kept *node, now int64) bool {
	past := now - kept.expires
	return kept.failure == nil && past >= 0 && past < int64(c.config.Stale.UpTo) && now < kept.proved && !refused(&kept.answer)
}

// stale gives an answer past its TTL, which says so, and what was wrong with the newer
// one. Its TTLs are those that it had at the most, lowered to what clients may keep it
// for (RFC 8767, section 4).
func (c *Cache) stale(kept *node, query *resolver.Query) *resolver.Answer {
	now := query.Now
	c.stats.Stale.Add(query.Worker, 1)
	code := resolver.StaleAnswer
	if kept.answer.Rcode() == wire.RcodeNameError {
		code = resolver.StaleNXDomain
	}
	answer := kept.answer.Explained(resolver.Extended{Code: code})
	if retry := kept.postponed(now.UnixNano()); retry != nil {
		answer = answer.Explained(retry.why...)
	}
	answer.Stored, answer.TTL = now, min(answer.TTL, c.config.Stale.TTL)
	one := shared(answer)
	answer.Signed.Wire = slices.Clone(answer.Signed.Wire)
	if one {
		answer.Plain.Wire = answer.Signed.Wire
	} else {
		answer.Plain.Wire = slices.Clone(answer.Plain.Wire)
	}
	eachPacket(answer, func(packet resolver.Packet) { clampPacket(packet, 0, c.config.Stale.TTL) })
	return answer
}
