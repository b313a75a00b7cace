package dnssec

import (
	"slices"
	"time"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// AnchorStatus is one trust anchor, for people to read.
type AnchorStatus struct {
	Zone      string    `json:"zone"`
	KeyTag    uint16    `json:"key_tag"`
	Algorithm uint8     `json:"algorithm"`
	State     string    `json:"state"`          // a KeyState, or configured
	Since     time.Time `json:"since,omitzero"` // of the state; zero for configured
	Until     time.Time `json:"until,omitzero"` // of addpend: when it will be trusted at the earliest
	Trusted   bool      `json:"trusted"`        // in force now
	Next      time.Time `json:"next,omitzero"`  // when the zone's keys are looked at again
}

// NegativeStatus is one negative trust anchor, for people to read.
type NegativeStatus struct {
	Zone    string    `json:"zone"`
	Until   time.Time `json:"until,omitzero"` // no end where zero
	InForce bool      `json:"in_force"`
}

// Anchors lists all trust anchors, those of each zone together: the keys that are
// followed in their states, then the configured digests that no followed key stands for.
func (v *Validator) Anchors() []AnchorStatus {
	list := []AnchorStatus{}
	for name, configured := range v.configured {
		var zone *followedZone
		if v.following != nil {
			zone = v.following.snapshot(name)
			for _, known := range zone.keys {
				list = append(list, known.status(zone))
			}
		}
		for _, ds := range configured {
			if zone != nil && slices.ContainsFunc(zone.keys, func(known followedKey) bool { return stands(ds, known.record) }) {
				continue
			}
			list = append(list, AnchorStatus{Zone: name.String(), KeyTag: ds.KeyTag, Algorithm: ds.Algorithm, State: "configured", Trusted: true})
		}
	}
	slices.SortStableFunc(list, func(a, b AnchorStatus) int { return compare(wire.MustName(a.Zone), wire.MustName(b.Zone)) })
	return list
}

func (k *followedKey) status(zone *followedZone) AnchorStatus {
	status := AnchorStatus{
		Zone: zone.name.String(), KeyTag: k.record.KeyTag(), Algorithm: k.record.Algorithm,
		State: string(k.state), Since: k.since.UTC(), Trusted: k.state == Valid || k.state == Missing, Next: zone.next.UTC(),
	}
	if k.state == AddPend {
		status.Until = k.since.Add(addHold).UTC()
	}
	return status
}

func (f *following) snapshot(name wire.Name) *followedZone {
	f.mu.Lock()
	defer f.mu.Unlock()
	zone := *f.zones[name]
	zone.keys = slices.Clone(zone.keys)
	return &zone
}

// Negative lists the negative trust anchors, those that have ended among them.
func (v *Validator) Negative(now time.Time) []NegativeStatus {
	list := []NegativeStatus{}
	for name, until := range v.negative {
		list = append(list, NegativeStatus{Zone: name.String(), Until: until, InForce: until.IsZero() || now.Before(until)})
	}
	slices.SortFunc(list, func(a, b NegativeStatus) int { return compare(wire.MustName(a.Zone), wire.MustName(b.Zone)) })
	return list
}
