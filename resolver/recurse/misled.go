package recurse

import (
	"context"
	"errors"
	"slices"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// misled is a delegation to servers that do not serve its zone, and what came of them.
// It may be one server of the parent that is wrong about it.
type misled struct {
	zone *delegation
	err  error
}

// mayBeMisled says whether another server of the parent should be heard on a delegation:
// the servers that it names disown the zone, and nobody else has told of it yet. Silence
// is no reason: whatever leads there is as silent, and each name would cost the parent a
// question.
func (r *resolution) mayBeMisled(ctx context.Context, zone *delegation, err error) bool {
	if !isUnanswered(ctx, err) || !errors.Is(err, ErrLame) || zone.servers != nil || !zone.teller.Addr.IsValid() {
		return false
	}
	parent := r.cuts.at(zone.parent, r.query.Now)
	if parent == nil {
		return false
	}
	known, unknown := r.known(parent)
	others := slices.ContainsFunc(known, func(s resolver.Server) bool { return s.Addr != zone.teller.Addr })
	return (others || len(unknown) > 0) && zone.reheard.CompareAndSwap(false, true)
}

// doubtTeller has this query ask whoever told of the delegation after all others. No
// other query is told: else names in lame zones could turn away servers of any parent.
func (r *resolution) doubtTeller(zone *delegation) {
	r.misleading = append(r.misleading, lameness{zone.teller.Addr, zone.parent})
	r.cuts.forget(zone.zone)
}

// isSuspect says whether a server's word on the zone is doubted, by all or by this query.
func (r *resolution) isSuspect(server resolver.Server, zone wire.Name) bool {
	return slices.Contains(r.misleading, lameness{server.Addr, zone}) || r.upstreams.health.isSuspect(server, zone)
}

// reheard is the error of a delegation that two servers of the parent tell alike.
func (m *misled) reheard(r *resolution, cut *delegation) error {
	if m == nil || cut.zone != m.zone.zone {
		return nil
	}
	cut.reheard.Store(true)
	if sameServers(r, cut, m.zone) {
		return m.err
	}
	return nil
}

func sameServers(r *resolution, one, other *delegation) bool {
	servers, unknown := r.known(one)
	others, unknownOthers := r.known(other)
	for _, server := range servers {
		if !slices.Contains(others, server) {
			return false
		}
	}
	return !slices.ContainsFunc(unknown, func(n wire.Name) bool { return !slices.Contains(unknownOthers, n) })
}
