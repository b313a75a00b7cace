package recurse

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// Flush forgets the delegation and the addresses of a name and, with subtree, of all
// that lies below it, so that its parents are asked anew. It says how many are gone.
func (r *Resolver) Flush(name wire.Name, subtree bool) int {
	flush(r.failing.zones, name, subtree)
	return flush(r.delegations.zones, name, subtree) + flush(r.hosts, name, subtree)
}

func flush[V any](kept *lru.Cache[wire.Name, V], name wire.Name, subtree bool) int {
	gone := 0
	for _, known := range kept.Keys() {
		if known != name && (!subtree || !known.IsBelow(name)) {
			continue
		}
		if kept.Remove(known) {
			gone++
		}
	}
	return gone
}
