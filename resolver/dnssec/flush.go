package dnssec

import "github.com/recourse-dns/recourse/resolver/wire"

// Flush forgets what was learnt of a name as a zone and, with subtree, of all that
// lies below it. It says how many findings are gone.
func (v *Validator) Flush(name wire.Name, subtree bool) int {
	gone := 0
	for _, known := range v.zones.Keys() {
		if known != name && (!subtree || !known.IsBelow(name)) {
			continue
		}
		if v.zones.Remove(known) {
			gone++
		}
	}
	return gone
}
