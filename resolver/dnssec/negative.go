package dnssec

import (
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// NegativeAnchor is a zone that is not validated for a time, because it is known
// to be broken by mistake (RFC 7646). It reaches down to the next trust anchor.
type NegativeAnchor struct {
	Zone  wire.Name
	Until time.Time // no end where zero
}

// negatives are the ends of negative anchors, by zone.
type negatives map[wire.Name]time.Time

// readNegative lets the longest of several for one zone hold.
func readNegative(list []NegativeAnchor) negatives {
	read := make(negatives)
	for _, anchor := range list {
		until, twice := read[anchor.Zone]
		if !twice || anchor.Until.IsZero() || !until.IsZero() && until.Before(anchor.Until) {
			read[anchor.Zone] = anchor.Until
		}
	}
	return read
}

// above finds the negative anchor in force that is nearest to a name.
func (n negatives) above(name wire.Name, now time.Time) (zone wire.Name, until time.Time, found bool) {
	if len(n) == 0 {
		return "", time.Time{}, false
	}
	for ; name != ""; name = name.Parent() {
		if until, found := n[name]; found && (until.IsZero() || now.Before(until)) {
			return name, until, true
		}
	}
	return "", time.Time{}, false
}
