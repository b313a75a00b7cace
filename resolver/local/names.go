package local

import (
	"slices"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// privateZones are names that nobody has in the public DNS and that an operator may
// give meaning to, beside the reverse zones of private addresses. "internal" was
// set aside for that by ICANN in 2024.
var privateZones = []wire.Name{wire.MustName("home.arpa"), wire.MustName("internal"), wire.MustName("test"), wire.MustName("local")}

// MayHold says whether local records may stand at a name: at or below a private
// zone or one of the operator's own names. Data for any other name would withhold
// what its owner published, which is a block and needs a list with a purpose.
func MayHold(name wire.Name, own []wire.Name) bool {
	if within(name, privateZones) || within(name, own) {
		return true
	}
	special := newZones(specialZones())
	zone, how := special.find(name)
	return how == empty && zone.IsBelow(arpa)
}

// within says whether a name lies at or below one of the zones.
func within(name wire.Name, zones []wire.Name) bool {
	return slices.ContainsFunc(zones, name.IsBelow)
}
