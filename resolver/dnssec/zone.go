package dnssec

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// trust is what the chain from an anchor down says of a name as a zone.
type trust uint8

const (
	// broken: the chain should hold and does not.
	broken trust = iota
	// secure: a zone whose keys are proved.
	secure
	// insecure: a zone, or a name in one, that provably has no chain.
	insecure
	// inside: provably no zone of its own; it belongs to the zone above.
	inside
)

// zone is what is known of one name as a zone. It is immutable and shared.
type zone struct {
	name     wire.Name
	trust    trust
	keys     []key               // secure only
	extended []resolver.Extended // insecure only: why, where that is worth saying
	flaw     *bogus              // broken only
	// confirmed says of a broken zone that it was learnt past every cache.
	confirmed bool
	// barren says of an inside name that nothing exists below it, so no zone either.
	barren bool
	until  time.Time
}

// How long findings are kept, whatever their TTLs say. What is bogus may be
// mended any moment, but is not proved anew for every client (RFC 4035, section
// 4.7; RFC 9520, section 3.2).
const (
	keepSecure = 24 * time.Hour
	keepOther  = time.Hour
	keepBroken = 5 * time.Second
)

const unbounded = math.MaxUint32

// lasting bounds how long the finding is kept, from now.
func (z *zone) lasting(now time.Time, ttl uint32) *zone {
	longest := keepOther
	switch z.trust {
	case secure:
		longest = keepSecure
	case broken:
		longest = keepBroken
	}
	z.until = now.Add(min(longest, time.Duration(ttl)*time.Second))
	return z
}

// renamed is the same finding for a name that shares it.
func (z *zone) renamed(name wire.Name) *zone {
	other := *z
	other.name = name
	return &other
}

// zone tells the standing of a name as a zone. The error is never bogus: that is
// a standing too, broken.
func (v *validation) zone(ctx context.Context, name wire.Name) (*zone, error) {
	if known := v.known(name); known != nil {
		v.suspect(known)
		v.settled = v.settled || known.confirmed
		return known, nil
	}
	decide := func() (*zone, error) { return v.learn(ctx, name) }
	var found *zone
	var err error
	if v.query.Fresh || v.doubted != nil {
		found, err = decide()
	} else {
		found, err = v.validator.flights.join(ctx, name, decide)
	}
	if err != nil {
		return nil, err
	}
	v.zones[name] = found
	v.suspect(found)
	return found, nil
}

func (v *validation) suspect(found *zone) {
	if found.trust == broken {
		v.broken[found.name] = found
	}
}

// learn decides and remembers, for all queries unless this one is Fresh. What a
// second look finds broken does not take the place of keys that are proved: it may
// have met the one bad server.
func (v *validation) learn(ctx context.Context, name wire.Name) (*zone, error) {
	found, err := v.decide(ctx, name)
	var flaw *bogus
	switch {
	case errors.As(err, &flaw):
		found = (&zone{name: name, trust: broken, flaw: flaw, confirmed: v.doubted != nil}).lasting(v.query.Now, unbounded)
	case err != nil:
		return nil, err
	}
	unlucky := found.trust == broken && v.doubted != nil && v.isProved(name)
	if !v.query.Fresh && !unlucky {
		v.validator.zones.Add(name, found)
	}
	return found, nil
}

// isProved says whether keys of the zone are remembered.
func (v *validation) isProved(name wire.Name) bool {
	found, _ := v.validator.zones.Get(name)
	return found != nil && found.trust == secure && v.query.Now.Before(found.until)
}

// known looks for what this query or an earlier one found, of the name or of one
// above it that settles the matter. It never looks past the nearest anchor.
func (v *validation) known(name wire.Name) *zone {
	anchor, off := v.trustPoint(name)
	if off != nil {
		return off
	}
	for above := name; above.IsBelow(anchor); above = above.Parent() {
		found := v.remembered(above)
		switch {
		case found == nil:
		case above == name:
			return found
		case found.trust == insecure, found.barren:
			return found.renamed(name)
		}
	}
	return nil
}

func (v *validation) remembered(name wire.Name) *zone {
	if found := v.zones[name]; found != nil {
		return found
	}
	if _, doubted := v.doubted[name]; doubted || v.query.Fresh {
		return nil
	}
	found, _ := v.validator.zones.Get(name)
	if found == nil || !v.query.Now.Before(found.until) {
		return nil
	}
	return found
}

// enclosing finds the zone that a name lies in, from the nearest anchor down, a
// label at a time. The hint, where it can be confirmed, saves the way to it.
func (v *validation) enclosing(ctx context.Context, name, hint wire.Name) (*zone, error) {
	anchor, off := v.trustPoint(name)
	if off != nil {
		return off, nil
	}
	current, err := v.start(ctx, name, anchor, hint)
	for err == nil && current.trust == secure && current.name != name {
		next, stepErr := v.below(ctx, current, name)
		if stepErr != nil || next == nil {
			return current, stepErr
		}
		current = next
	}
	if err != nil {
		return nil, err
	}
	if current.trust == broken {
		return nil, current.flaw
	}
	return current, nil
}

func (v *validation) start(ctx context.Context, name, anchor, hint wire.Name) (*zone, error) {
	if hint != "" && name.IsBelow(hint) && hint.IsBelow(anchor) {
		found, err := v.zone(ctx, hint)
		if err != nil || found.trust != inside {
			return found, err
		}
	}
	return v.zone(ctx, anchor)
}

// below finds the next zone on the way from current down to name; nil where
// there is none.
func (v *validation) below(ctx context.Context, current *zone, name wire.Name) (*zone, error) {
	for labels := current.name.Labels() + 1; labels <= name.Labels(); labels++ {
		step := ancestor(name, labels)
		if err := v.readReferral(current, step); err != nil {
			return nil, err
		}
		found, err := v.zone(ctx, step)
		switch {
		case err != nil:
			return nil, err
		case found.trust != inside:
			return found, nil
		case found.barren:
			return nil, nil
		}
	}
	return nil, nil
}
