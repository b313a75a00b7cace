package recurse

import (
	"context"
	"errors"
	"slices"
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

// resolution is one query on its way, with one of the lookups that it needs. Its
// bounds are those of the query, never of a lookup: attacks compose.
type resolution struct {
	*Resolver
	query  *resolver.Query
	work   *resolver.Work
	cuts   delegations // the shared cache, or one of its own for a Fresh query
	shared *shared
	// pending are the name servers whose addresses are being looked up, one
	// inside the other.
	pending []wire.Name
	// without are the configured zones that gave no answer and may be left out.
	without []wire.Name
	// misleading are the servers that told this query of delegations which led nowhere.
	misleading []lameness
}

func (r *Resolver) newResolution(query *resolver.Query) *resolution {
	one := &resolution{Resolver: r, query: query, work: query.Work, cuts: r.delegations, shared: new(shared)}
	if one.work == nil {
		one.work = resolver.NewWork()
	}
	if query.Fresh {
		one.cuts, _ = newDelegations(freshDelegations) // fails for no size above zero
		one.doubt()
	}
	return one
}

// lookup answers the question out of a configured zone or from the servers on
// the way down. It follows no alias to other zones.
func (r *resolution) lookup(ctx context.Context, name wire.Name, qtype uint16) (*outcome, error) {
	if out, err := r.forwarded(ctx, name, qtype); out != nil || err != nil {
		return out, err
	}
	if qtype == dns.TypeDS {
		if cut := r.cuts.at(name, r.query.Now); cut != nil {
			if out := cut.ds(r.query.Now); out != nil && r.suffices(out) {
				r.shared.heard(cut.teller, cut.parent)
				return out, nil
			}
		}
	}
	zone := r.closest(ctx, name, qtype)
	out, err := r.descend(ctx, zone, name, qtype)
	if err != nil && zone.first && isUnanswered(ctx, err) {
		r.without = append(slices.Clip(r.without), zone.zone)
		return r.descend(ctx, r.closest(ctx, name, qtype), name, qtype)
	}
	return out, err
}

// descend goes from a zone cut down to the servers that answer the question, or
// say that there is nothing.
func (r *resolution) descend(ctx context.Context, zone *delegation, name wire.Name, qtype uint16) (*outcome, error) {
	r.heardOf(zone)
	if err := r.watched(zone); err != nil {
		return nil, err
	}
	way := &descent{resolution: r, zone: zone, name: name, qtype: qtype, parts: r.minimiser(name), again: true}
	for range maxReferrals {
		if out, err := way.down(ctx); out != nil || err != nil {
			return out, err
		}
	}
	return nil, resolver.Fail(resolver.NoReachableAuthority, "more than %d referrals", maxReferrals)
}

// descent is one lookup on its way down from cut to cut.
type descent struct {
	*resolution
	zone  *delegation
	name  wire.Name
	qtype uint16
	parts *minimiser
	again bool    // where it began may be out of date
	lost  *misled // where it was led astray
}

// down asks the servers of the zone that it has come to; nil and nil where it goes on.
func (d *descent) down(ctx context.Context) (*outcome, error) {
	var err error
	if d.zone, err = d.prove(ctx, d.zone); err != nil {
		return nil, err
	}
	question, tried := d.next()
	out, cut, err := d.step(ctx, d.zone, question)
	switch {
	case err != nil:
		return nil, d.otherwise(ctx, question, tried, err)
	case out == nil:
		return d.enter(cut)
	case question.Minimised:
		if out = d.learn(d.parts, d.zone, question.Name, out); out == nil {
			return nil, nil
		}
	}
	d.passed(d.zone)
	return out, nil
}

// next is what to ask of the zone, and how a part of the name is disguised.
func (d *descent) next() (Question, disguise) {
	part, disguise := d.parts.next(d.zone, d.isInside, d.query.Now), d.zone.disguise(d.query.Now)
	question := Question{Name: part, Type: d.qtype, Zone: d.zone.zone}
	if question.Minimised = part != d.name; question.Minimised {
		question.Type = disguise.qtype()
	}
	return question, disguise
}

// otherwise finds another way on where a zone gave no answer. There is none: the error.
func (d *descent) otherwise(ctx context.Context, question Question, tried disguise, err error) error {
	unanswered := isUnanswered(ctx, err)
	switch {
	case question.Minimised && unanswered && !errors.Is(err, errFailing) && d.mayTellMore(tried, err):
		if errors.Is(err, errDead) {
			d.parts.off = true
		} else {
			d.zone.chokedOn(tried, d.query.Now)
		}
	case d.again && d.mayHaveMoved(d.zone) && unanswered:
		d.cuts.forget(d.zone.zone)
		d.zone, d.again = d.closest(ctx, d.name, d.qtype), false
	case d.mayBeMisled(ctx, d.zone, err):
		d.lost = &misled{d.zone, err}
		d.doubtTeller(d.zone)
		d.zone, d.again = d.closest(ctx, d.name, d.qtype), false
	default:
		return err
	}
	return nil
}

// enter goes into a zone that was found further down.
func (d *descent) enter(cut *delegation) (*outcome, error) {
	d.keep(cut)
	if err := d.lost.reheard(d.resolution, cut); err != nil {
		return nil, err
	}
	if err := d.watched(cut); err != nil {
		return nil, err
	}
	if d.qtype == dns.TypeDS && cut.zone == d.name {
		return d.referredDS(cut, d.query.Now), nil
	}
	d.zone, d.again = cut, false
	return nil, nil
}

// mayTellMore says whether a part of a name that brought nothing is asked for in
// another way, or given up for the whole name.
func (r *resolution) mayTellMore(tried disguise, err error) bool {
	return r.config.Minimisation == Relaxed || tried == asNS && !errors.Is(err, errDead)
}

// mayHaveMoved says of a zone whose servers gave no answer whether its parent
// should be asked for others. A delegation learnt just now is not doubted, or
// every name in a dead zone would cost its parent a question.
func (r *resolution) mayHaveMoved(zone *delegation) bool {
	return zone.zone != wire.Root && zone.servers == nil && r.query.Now.Sub(zone.stored) > doubtAfter
}

// closest is the zone to start from: the deepest cut that is known, or the stub
// zone that is as deep.
func (r *resolution) closest(ctx context.Context, name wire.Name, qtype uint16) *delegation {
	name = side(name, qtype)
	cut := r.cuts.closest(name, r.query.Now)
	stub, _ := r.zones.closest(name)
	if stub != nil && !slices.Contains(r.without, stub.zone) && (cut == nil || stub.zone.IsBelow(cut.zone)) {
		return stub
	}
	if cut != nil {
		return cut
	}
	return r.root(ctx, r.query.Now)
}

// suffices says whether what a referral told of DS answers the query. A denial out
// of it has no SOA: enough for our own validation, but not for a client, who could
// not keep it (RFC 2308, section 5).
func (r *resolution) suffices(out *outcome) bool {
	return !out.negative || r.query.Client.Door == resolver.Internal
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
// further down. What a resolver said that was named as an authority, an empty reply
// or a denial that names some other zone is taken where no server says anything better.
func (r *resolution) step(ctx context.Context, zone *delegation, question Question) (out *outcome, cut *delegation, err error) {
	var spare *outcome
	err = r.ask(ctx, zone, question, func(server resolver.Server, message *dns.Msg) error {
		clean := newReply(message, zone.zone)
		if r.config.LooseGlue {
			clean.loosen(message)
		}
		clean.isElsewhere, clean.full = r.zones.elsewhere(zone.zone), r.config.Full
		found, next, err := clean.read(question.Name, question.Type, zone, r.query.Now)
		if err != nil && (found == nil || !question.Minimised || found.rcode == dns.RcodeNameError) {
			if spare == nil {
				spare = found
			}
			return err
		}
		if next != nil {
			next.teller, next.trusted = server, zone.trusted
			next.island = slices.Contains(r.config.Islands, next.zone)
		}
		r.shared.heard(server, zone.zone)
		out, cut = found, next
		return nil
	})
	if err != nil && spare != nil && isUnanswered(ctx, err) {
		return spare, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return out, cut, nil
}

// isUnanswered says whether other servers might still have answered: neither
// time nor work is used up, and nobody forbids to ask.
func isUnanswered(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, errExhausted) && !isWithheld(err)
}
