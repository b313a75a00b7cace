package dnssec

import "github.com/miekg/dns"

// beside marks what of the rest of a secure positive answer is proved as well, the
// servers of the zone and addresses, so that it may go with the answer. The answer
// stands without them: nothing is asked for their sake, and what does not hold, or would
// need the proof of a wildcard, is left out and spoils nothing.
func (v *validation) beside(reply *reply, additional []dns.RR) []*rrset {
	for _, set := range reply.authority {
		if set.kind == dns.TypeNS {
			set.kept = v.vouched(set)
		}
	}
	if len(additional) == 0 {
		return nil
	}
	sets := group(additional)
	for _, set := range sets {
		set.kept = v.vouched(set)
	}
	return sets
}

// vouched says whether a zone that was proved on the way to the answer signed the set.
func (v *validation) vouched(set *rrset) bool {
	for _, sig := range set.signatures {
		zone := v.known(sig.signer)
		if zone != nil && zone.trust == secure && zone.name == sig.signer && v.verify(set, zone.name, zone.keys) == nil && !set.expanded() {
			return true
		}
	}
	return false
}
