package cache

import (
	"math"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// provedUntil is when the first set of a secure answer has no signature left that
// holds. TTLs end no later; past its TTL an answer is given until then at the most, for
// what a zone no longer vouches for is bogus, however well it was proved.
func provedUntil(answer *resolver.Answer, now time.Time) int64 {
	if answer.Security != resolver.Secure {
		return math.MaxInt64
	}
	message := answer.Message()
	if message == nil {
		var err error
		if message, err = answer.Unpack(); err != nil {
			return 0
		}
	}
	ends := make(map[covered]time.Time)
	for _, section := range [...][]dns.RR{message.Answer, message.Ns} {
		for _, record := range section {
			if signature, ok := record.(*dns.RRSIG); ok {
				set := covered{owner: signature.Hdr.Name, kind: signature.TypeCovered}
				if end := expiry(signature, now); end.After(ends[set]) {
					ends[set] = end
				}
			}
		}
	}
	first := int64(math.MaxInt64)
	for _, end := range ends {
		first = min(first, end.UnixNano())
	}
	return first
}

// covered is the set that a signature is over.
type covered struct {
	owner string
	kind  uint16
}

// expiry reads a time of 32 bits as the one nearest to now (RFC 4034, section 3.1.5).
func expiry(signature *dns.RRSIG, now time.Time) time.Time {
	left := int32(signature.Expiration - uint32(now.Unix())) // wraps by intent
	return now.Add(time.Duration(left) * time.Second)
}
