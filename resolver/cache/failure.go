package cache

import (
	"errors"
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
// refresh put off. Only an answer that turned out bogus ends it.
func (c *Cache) keepFailure(query *resolver.Query, failure *resolver.Failure) {
	if c.outlasts(query, isBogus(failure)) {
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

// outlasts says whether a kept answer stays in spite of a resolution that brought none,
// and puts the next one off. A bogus one ends what is past its TTL.
func (c *Cache) outlasts(query *resolver.Query, bogus bool) bool {
	now, kept := query.Now.UnixNano(), c.find(keyOf(query))
	if kept == nil || kept.failure != nil || refused(&kept.answer) {
		return false
	}
	if !kept.fresh(now) && (bogus || !c.usable(kept, now)) {
		return false
	}
	kept.retry.Store(now + int64(recheck))
	return true
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

// masked says whether an older answer may be given in the place of an error.
func masked(err error) bool {
	failure := (*resolver.Failure)(nil)
	return !errors.As(err, &failure) || !isBogus(failure)
}
