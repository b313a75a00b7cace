package cache

import (
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// How long a failure is kept: RFC 9520, section 3.2, wants one second to five
// minutes, and longer each time that the same question fails again.
const (
	failureTTL    = 5 * time.Second
	maxFailureTTL = 5 * time.Minute
)

// recheck is how long no refresh is tried after one that failed, while an older
// answer serves (RFC 8767, section 5: the failure recheck timer).
const recheck = 30 * time.Second

// keepFailure stores why no answer could be had. It never takes the place of an
// answer that can still be given, be it past its TTL: that answer is kept, and the
// refresh put off.
func (c *Cache) keepFailure(query *resolver.Query, failure *resolver.Failure) {
	if c.outlasts(query, failure) {
		return
	}
	k, now := keyOf(query), query.Now.UnixNano()
	old := c.find(k)
	again := *failure
	again.Extended = append(again.Extended[:len(again.Extended):len(again.Extended)], resolver.Extended{Code: resolver.CachedError})
	fresh := &node{failure: &again, failures: 1}
	if old != nil && old.failure != nil && now < old.expires+int64(maxFailureTTL) {
		fresh.failures = min(old.failures+1, 16)
	}
	c.insert(k, fresh, min(failureTTL<<(fresh.failures-1), maxFailureTTL), query.Now)
}

// postponement is how long no refresh is tried, and what the last one found wrong.
type postponement struct {
	until int64
	why   []resolver.Extended
}

// postponed is the postponement in force; nil where there is none.
func (n *node) postponed(now int64) *postponement {
	if retry := n.retry.Load(); retry != nil && now < retry.until {
		return retry
	}
	return nil
}

// outlasts says whether a kept answer stays in spite of a resolution that brought none,
// for a reason or, where it is nil, by a code that is no answer; and puts the next off.
func (c *Cache) outlasts(query *resolver.Query, reason *resolver.Failure) bool {
	now, kept := query.Now.UnixNano(), c.find(keyOf(query))
	if kept == nil || kept.failure != nil || refused(&kept.answer) {
		return false
	}
	stands := kept.fresh(now) || c.usable(kept, now) && kept.survives(reason)
	if !stands {
		return false
	}
	kept.retry.Store(&postponement{until: now + int64(recheck), why: flaws(reason)})
	return true
}

// survives says whether an answer past its TTL may be given in the place of a failure.
// That a zone's new answer is bogus speaks against that one, and not against an answer
// that was proved. One that never was is no better than what was refused.
func (n *node) survives(reason *resolver.Failure) bool {
	return reason == nil || !isBogus(reason) || n.answer.Security == resolver.Secure
}

// flaws are the reasons why an answer was bogus: who gets an older one is told.
func flaws(reason *resolver.Failure) []resolver.Extended {
	if reason == nil || !isBogus(reason) {
		return nil
	}
	return reason.Extended
}

// isBogus says that validation found an answer wrong (EDE 6 to 12, and 25). That an
// answer could not be judged, for want of keys or of time (EDE 5), is an outage.
func isBogus(failure *resolver.Failure) bool {
	for _, one := range failure.Extended {
		if one.Code >= resolver.Bogus && one.Code <= resolver.DenialMissing || one.Code == resolver.ExpiredBeforeValid {
			return true
		}
	}
	return false
}

// refused says that an answer is none: a code by which a server declines. RFC 8767,
// section 4, counts it as a failure to refresh.
func refused(answer *resolver.Answer) bool {
	switch answer.Rcode() {
	case wire.RcodeSuccess, wire.RcodeNameError, rcodeYXDomain:
		return false
	}
	return true
}

// rcodeYXDomain is the code of a DNAME whose substitution is too long (RFC 6672).
const rcodeYXDomain = 6
