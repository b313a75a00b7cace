package local

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// Minimal is the stage that leaves out of positive answers what was not asked for:
// servers and their addresses. Proofs stay, a wildcard's answer is worth nothing
// without (RFC 4035, section 3.1.3.3). It stands below the cache.
func Minimal(next resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		answer, err := next.Resolve(ctx, query)
		if err != nil || answer.Message() == nil {
			return answer, err
		}
		message := answer.Message()
		if message.Rcode != dns.RcodeSuccess || !hasData(message) {
			return answer, nil
		}
		proofs := slices.DeleteFunc(slices.Clone(message.Ns), func(record dns.RR) bool { return !isProof(record) })
		if len(proofs) == len(message.Ns) && len(message.Extra) == 0 {
			return answer, nil
		}
		bare := *message
		bare.Ns, bare.Extra = proofs, nil
		minimal := resolver.NewAnswer(&bare, answer.Stored)
		minimal.TTL, minimal.Zone, minimal.Cuts, minimal.Origin = answer.TTL, answer.Zone, answer.Cuts, answer.Origin
		minimal.Security, minimal.Extended = answer.Security, answer.Extended
		return minimal, nil
	})
}

// isProof finds what says that something does not exist, and the signatures over it.
func isProof(record dns.RR) bool {
	kind := record.Header().Rrtype
	if signature, is := record.(*dns.RRSIG); is {
		kind = signature.TypeCovered
	}
	return kind == dns.TypeNSEC || kind == dns.TypeNSEC3
}
