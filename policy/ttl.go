package policy

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// ttlCaps are the longest TTLs, in seconds, that clients of a jurisdiction are given, where
// its law lists set one. Nil, the usual case, has none.
type ttlCaps map[string]uint32

// capsOf takes the shortest of each jurisdiction.
func capsOf(index *bundle.Bundle) ttlCaps {
	var caps ttlCaps
	lists := index.Lists()
	for i := range lists {
		manifest := lists[i].Manifest
		if manifest == nil || manifest.Purpose != blocklists.Law || manifest.MaxTTL == 0 {
			continue
		}
		limit := uint32(manifest.MaxTTL / time.Second)
		for _, jurisdiction := range manifest.Jurisdiction {
			if caps == nil {
				caps = make(ttlCaps)
			}
			if before, known := caps[jurisdiction]; !known || limit < before {
				caps[jurisdiction] = limit
			}
		}
	}
	return caps
}

// capTTL has the door hand out no TTL beyond the next change of what the client's profile
// does, and none beyond what its jurisdiction allows. The answer itself is shared and stays
// as it is.
func (s *Snapshot) capTTL(query *resolver.Query, who profile.Who) {
	if who.Profile != nil {
		if limit, is := who.Profile.Phase(query.Now).TTL(query.Now); is {
			query.CapTTL(limit)
		}
	}
	if s.caps != nil {
		if limit, is := s.caps[who.Jurisdiction]; is {
			query.CapTTL(limit)
		}
	}
}
