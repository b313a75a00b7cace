package redress

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Reach says whether a name resolves when nothing filters it. It bounds how long
// one look may take and how many run at once, as anybody may ask for any name.
type Reach struct {
	handler resolver.Handler
	running chan struct{}
}

const (
	reachPatience = 2 * time.Second
	reachAtOnce   = 64
)

// NewReach asks the handler, which must lie below policy.
func NewReach(handler resolver.Handler) *Reach {
	return &Reach{handler: handler, running: make(chan struct{}, reachAtOnce)}
}

// Found is what an unfiltered look-up of a name came to.
type Found string

// What may be found.
const (
	FoundAddress  Found = "address"  // the name has one
	FoundNothing  Found = "nothing"  // the name exists and has none
	FoundNoName   Found = "no_name"  // the name does not exist
	FoundBogus    Found = "bogus"    // its signatures do not hold, so nobody may be told the answer
	FoundFailure  Found = "failure"  // its servers do not answer, or not so that it can be used
	FoundLate     Found = "late"     // nothing was known in time
	FoundUpstream Found = "upstream" // a resolver that we ask withholds the name
)

// Seen is what was found, and who withholds the name where a resolver that we ask does.
type Seen struct {
	Found    Found
	Upstream string // as it says itself: blocked by NAME
	// Aliases are the names that the name leads to, in order.
	Aliases []wire.Name
}

// Resolves says whether the name has an address. What cannot be told in time does
// not resolve.
func (r *Reach) Resolves(ctx context.Context, name wire.Name) bool {
	return r.Look(ctx, name).Found == FoundAddress
}

// Look looks a name up, first its IPv4 and then, where it has none, its IPv6 addresses.
func (r *Reach) Look(ctx context.Context, name wire.Name) Seen {
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	select {
	case r.running <- struct{}{}:
		defer func() { <-r.running }()
	case <-ctx.Done():
		return Seen{Found: FoundLate}
	}
	seen := r.ask(ctx, name, dns.TypeA)
	if seen.Found == FoundAddress || seen.Found == FoundNoName || seen.Found == FoundLate {
		return seen
	}
	if other := r.ask(ctx, name, dns.TypeAAAA); other.Found == FoundAddress || seen.Found == FoundNothing {
		return other
	}
	return seen
}

func (r *Reach) ask(ctx context.Context, name wire.Name, qtype uint16) Seen {
	answer, err := r.handler.Resolve(ctx, resolver.NewQuery(name, qtype, resolver.NewWork()))
	if err != nil || answer == nil {
		return failed(ctx, err)
	}
	if by, withheld := withheldBy(answer.Extended); withheld {
		return Seen{Found: FoundUpstream, Upstream: by}
	}
	message, err := answer.Unpack()
	if err != nil {
		return Seen{Found: FoundFailure}
	}
	seen := Seen{Found: FoundNothing, Aliases: aliasesOf(message)}
	switch {
	case message.Rcode == dns.RcodeNameError:
		seen.Found = FoundNoName
	case message.Rcode != dns.RcodeSuccess:
		seen.Found = FoundFailure
	case slices.ContainsFunc(message.Answer, func(record dns.RR) bool { return record.Header().Rrtype == qtype }):
		seen.Found = FoundAddress
	}
	return seen
}

func failed(ctx context.Context, err error) Seen {
	if ctx.Err() != nil {
		return Seen{Found: FoundLate}
	}
	failure, is := errors.AsType[*resolver.Failure](err)
	if !is {
		return Seen{Found: FoundFailure}
	}
	if by, withheld := withheldBy(failure.Extended); withheld {
		return Seen{Found: FoundUpstream, Upstream: by}
	}
	if slices.ContainsFunc(failure.Extended, func(e resolver.Extended) bool { return slices.Contains(bogusCodes(), e.Code) }) {
		return Seen{Found: FoundBogus}
	}
	return Seen{Found: FoundFailure}
}

// bogusCodes are the Extended DNS Errors of answers that do not validate (RFC 8914, section 4).
func bogusCodes() []uint16 {
	return []uint16{dns.ExtendedErrorCodeDNSBogus, dns.ExtendedErrorCodeSignatureExpired, dns.ExtendedErrorCodeSignatureNotYetValid,
		dns.ExtendedErrorCodeDNSKEYMissing, dns.ExtendedErrorCodeRRSIGsMissing, dns.ExtendedErrorCodeNoZoneKeyBitSet, dns.ExtendedErrorCodeNSECMissing}
}

// withheldBy finds the word of a resolver that we ask, which names itself in front of it.
func withheldBy(extended []resolver.Extended) (by string, withheld bool) {
	for _, one := range extended {
		switch one.Code {
		case resolver.Blocked, resolver.Censored, resolver.Filtered:
			return strings.TrimPrefix(one.Text, "blocked by "), true
		}
	}
	return "", false
}

// maxAliases is how many links of a chain are told.
const maxAliases = 16

func aliasesOf(message *dns.Msg) []wire.Name {
	var aliases []wire.Name
	for _, record := range message.Answer {
		alias, is := record.(*dns.CNAME)
		if !is || len(aliases) == maxAliases {
			continue
		}
		if name, err := wire.ParseName(strings.TrimSuffix(alias.Target, ".")); err == nil {
			aliases = append(aliases, name)
		}
	}
	return aliases
}
