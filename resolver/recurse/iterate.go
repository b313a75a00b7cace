package recurse

import (
	"context"
	"errors"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const (
	// maxReferrals is how many zone cuts one lookup may go down.
	maxReferrals = 64
	// doubtAfter is the age from which a delegation that leads nowhere is fetched anew.
	doubtAfter = time.Minute
)

// resolution is one query on its way, with all lookups that it needs. Its bounds
// are those of the query, never of a lookup: attacks compose.
type resolution struct {
	*Resolver
	query *resolver.Query
	work  *resolver.Work
	cuts  delegations // the shared cache, or one of its own for a Fresh query
	// pending are the name servers whose addresses are being looked up, one
	// inside the other.
	pending []wire.Name
	lookups int  // name servers looked up
	failed  int  // name servers without an address
	limited bool // a bound kept a name server from being looked up
}

func (r *Resolver) newResolution(query *resolver.Query) *resolution {
	one := &resolution{Resolver: r, query: query, work: query.Work, cuts: r.delegations}
	if one.work == nil {
		one.work = resolver.NewWork()
	}
	if query.Fresh {
		one.cuts, _ = newDelegations(freshDelegations) // fails for no size above zero
	}
	return one
}

// lookup goes down from the closest known zone cut to the servers that answer
// the question, or say that there is nothing. It follows no alias to other zones.
func (r *resolution) lookup(ctx context.Context, name wire.Name, qtype uint16) (*outcome, error) {
	now := r.query.Now
	if qtype == dns.TypeDS {
		if cut := r.cuts.at(name, now); cut != nil {
			if out := cut.ds(now); out != nil {
				return out, nil
			}
		}
	}
	zone := r.closest(ctx, name, qtype)
	again := true
	for range maxReferrals {
		out, cut, err := r.step(ctx, zone, name, qtype)
		switch {
		case again && r.mayHaveMoved(zone) && isUnanswered(ctx, err):
			r.cuts.forget(zone.zone)
			zone, again = r.closest(ctx, name, qtype), false
			continue
		case err != nil || out != nil:
			return out, err
		}
		r.keep(cut)
		if qtype == dns.TypeDS && cut.zone == name {
			return r.referredDS(cut, now), nil
		}
		zone, again = cut, false
	}
	return nil, resolver.Fail(resolver.NoReachableAuthority, "more than %d referrals", maxReferrals)
}

// mayHaveMoved says of a zone whose servers gave no answer whether its parent
// should be asked for others. A delegation learnt just now is not doubted, or
// every name in a dead zone would cost its parent a question.
func (r *resolution) mayHaveMoved(zone *delegation) bool {
	return zone.zone != wire.Root && r.query.Now.Sub(zone.stored) > doubtAfter
}

// closest is the zone to start from. DS stands at the parent's side of a cut.
func (r *resolution) closest(ctx context.Context, name wire.Name, qtype uint16) *delegation {
	if qtype == dns.TypeDS && name != wire.Root {
		name = name.Parent()
	}
	if cut := r.cuts.closest(name, r.query.Now); cut != nil {
		return cut
	}
	return r.root(ctx, r.query.Now)
}

// keep remembers a cut, for all queries also where this one trusts no cache.
func (r *resolution) keep(cut *delegation) {
	r.cuts.put(cut)
	if r.query.Fresh {
		r.delegations.put(cut)
	}
}

// referredDS is the answer of a server that met the question for DS with the
// referral itself. It said all that it has to say.
func (r *resolution) referredDS(cut *delegation, now time.Time) *outcome {
	if out := cut.ds(now); out != nil {
		return out
	}
	return &outcome{zone: cut.parent, rcode: dns.RcodeSuccess, negative: true}
}

// step asks the servers of one zone. The reply is an outcome or a zone cut
// further down.
func (r *resolution) step(ctx context.Context, zone *delegation, name wire.Name, qtype uint16) (out *outcome, cut *delegation, err error) {
	question := Question{Name: name, Type: qtype, Zone: zone.zone}
	err = r.ask(ctx, zone, question, func(_ resolver.Server, message *dns.Msg) (err error) {
		out, cut, err = newReply(message, zone.zone).read(name, qtype, zone, r.query.Now)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return out, cut, nil
}

// isUnanswered says whether other servers might still have answered: neither
// time nor work is used up.
func isUnanswered(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, errExhausted)
}
