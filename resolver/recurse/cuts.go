package recurse

import (
	"errors"
	"net/netip"

	"github.com/recourse-dns/recourse/resolver"
)

// maxAbove bounds the zones above one that are told of.
const maxAbove = 32

// watched tells the query's watcher of a zone before its servers are asked.
func (r *resolution) watched(zone *delegation) error {
	if !r.isWatched() {
		return nil
	}
	return r.query.Watch(r.cutOf(zone, maxAbove))
}

// watched tells it of addresses that were found of servers, also where a look-up
// brought them. Names are told with the zone.
func (h *hunt) watched(servers []resolver.Server) error {
	if !h.isWatched() {
		return nil
	}
	found := resolver.CutServer{Addresses: make([]netip.Addr, len(servers))}
	for i, server := range servers {
		found.Addresses[i] = server.Addr.Addr().Unmap()
	}
	return h.query.Watch(&resolver.Cut{Zone: h.zone.zone, Servers: []resolver.CutServer{found}})
}

// isWatched says whether anybody wants to know the zones of this lookup. Those that
// lead to the address of a name server are nobody's answer.
func (r *resolution) isWatched() bool { return r.query.Watch != nil && r.isOuter() }

// isOuter says that the lookup is for the question itself or what it leads to.
func (r *resolution) isOuter() bool { return len(r.pending) == 0 }

// passed notes a zone whose servers told part of the answer, if anybody wants to know.
func (r *resolution) passed(zone *delegation) {
	if r.isOuter() && r.config.Cuts != nil && r.config.Cuts() {
		r.shared.cuts = append(r.shared.cuts, r.cutOf(zone, maxAbove))
	}
}

// cutOf is what is known of a zone's servers, and of those of the zones above it.
func (r *resolution) cutOf(zone *delegation, above int) *resolver.Cut {
	cut := &resolver.Cut{Zone: zone.zone}
	for _, candidate := range zone.nameservers {
		addresses := candidate.addresses
		if len(addresses) == 0 {
			known, _ := r.remembered(candidate.name)
			addresses = known.addresses
		}
		cut.Servers = append(cut.Servers, resolver.CutServer{Name: candidate.name, Addresses: addresses})
	}
	if len(zone.servers) > 0 {
		var configured resolver.CutServer
		for _, server := range zone.servers {
			configured.Addresses = append(configured.Addresses, server.Addr.Addr().Unmap())
		}
		cut.Servers = append(cut.Servers, configured)
	}
	if above == 0 || zone.parent == "" || zone.zone == zone.parent {
		return cut
	}
	if parent := r.cuts.at(zone.parent, r.query.Now); parent != nil {
		cut.Above = r.cutOf(parent, above-1)
	}
	return cut
}

// isWithheld says that the query's watcher ended the resolution.
func isWithheld(err error) bool {
	var withheld *resolver.Withheld
	return errors.As(err, &withheld)
}
