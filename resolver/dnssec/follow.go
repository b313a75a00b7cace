package dnssec

import (
	"log/slog"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// KeyState is where a key stands in the life that RFC 5011, section 4, gives it. A
// key in the state Start is not kept.
type KeyState string

// The states of RFC 5011, section 4.1.
const (
	AddPend KeyState = "addpend" // seen, not trusted yet
	Valid   KeyState = "valid"
	Missing KeyState = "missing" // trusted, and not seen now
	Revoked KeyState = "revoked" // for ever
	Removed KeyState = "removed"
)

// How long a new key must be seen before it is trusted, and a revoked one is
// remembered as such (RFC 5011, sections 2.4.1 and 4.2).
const (
	addHold    = 30 * 24 * time.Hour
	removeHold = 30 * 24 * time.Hour
)

// followedKey is one key of an anchored zone. Its record has no REVOKE flag.
type followedKey struct {
	record *dns.DNSKEY
	state  KeyState
	since  time.Time
}

// followedZone is an anchored zone whose keys are followed.
type followedZone struct {
	name wire.Name
	keys []followedKey
	next time.Time     // when to look again
	wait time.Duration // until another try when looking fails; 0: not known
}

// sighting is one look at a zone's DNSKEY set.
type sighting struct {
	at      time.Time
	hold    time.Duration // for keys that are new
	proved  bool          // by an anchor; the set says nothing of other keys without
	present []*dns.DNSKEY // that may become anchors
	anchors []*dns.DNSKEY // those of them that the configuration names
	revoked []*dns.DNSKEY // that signed their own revocation
}

// see advances every key by one look at the set (the table of RFC 5011, section
// 4.2). A revocation needs no proof but the key's own: whoever can sign with the
// key may take it out of service.
func (z *followedZone) see(look sighting, logger *slog.Logger) {
	for _, record := range look.revoked {
		if known := z.find(record); known != nil && (known.state == Valid || known.state == Missing) {
			known.move(z.name, Revoked, look.at, logger)
		}
	}
	if look.proved {
		z.meet(look, logger)
	}
	for i := range z.keys {
		known := &z.keys[i]
		if known.state == Revoked && look.at.Sub(known.since) >= removeHold {
			known.move(z.name, Removed, look.at, logger)
		}
	}
}

func (z *followedZone) meet(look sighting, logger *slog.Logger) {
	z.keys = slices.DeleteFunc(z.keys, func(known followedKey) bool {
		gone := known.state == AddPend && !holds(look.present, known.record)
		if gone {
			logger.Info("a new key was withdrawn before it was trusted", "zone", z.name.String(), "tag", known.record.KeyTag())
		}
		return gone
	})
	for i := range z.keys {
		known := &z.keys[i]
		present := holds(look.present, known.record)
		switch {
		case known.state == AddPend && look.at.Sub(known.since) >= look.hold, known.state == Missing && present:
			known.move(z.name, Valid, look.at, logger)
		case known.state == Valid && !present:
			known.move(z.name, Missing, look.at, logger)
		}
	}
	for _, record := range look.present {
		if z.find(record) != nil || len(z.keys) >= maxKeys {
			continue
		}
		state := AddPend
		if holds(look.anchors, record) {
			state = Valid
		}
		z.keys = append(z.keys, followedKey{record: record, since: look.at})
		z.keys[len(z.keys)-1].move(z.name, state, look.at, logger)
	}
}

func (k *followedKey) move(zone wire.Name, state KeyState, at time.Time, logger *slog.Logger) {
	say := logger.Info
	if state == Revoked {
		say = logger.Warn
	}
	say("trust anchor", "zone", zone.String(), "tag", k.record.KeyTag(), "state", string(state))
	k.state, k.since = state, at
}

func (z *followedZone) find(record *dns.DNSKEY) *followedKey {
	for i := range z.keys {
		if sameKey(z.keys[i].record, record) {
			return &z.keys[i]
		}
	}
	return nil
}

func holds(records []*dns.DNSKEY, record *dns.DNSKEY) bool {
	return slices.ContainsFunc(records, func(other *dns.DNSKEY) bool { return sameKey(other, record) })
}

// sameKey compares without the REVOKE flag, which changes a key's tag.
func sameKey(a, b *dns.DNSKEY) bool {
	return a.Algorithm == b.Algorithm && a.PublicKey == b.PublicKey
}

// anchors are the keys in force. The configured ones count until they are seen
// revoked: one that the zone has not published yet must be there when it does
// (RFC 7958). A zone whose keys are all revoked has no anchor (RFC 5011, section 5).
func (z *followedZone) anchors(configured []*dns.DS) []*dns.DS {
	var trusted []*dns.DS
	for _, known := range z.keys {
		if known.state == Valid || known.state == Missing {
			if ds := known.record.ToDS(dns.SHA256); ds != nil {
				trusted = append(trusted, ds)
			}
		}
	}
	for _, ds := range configured {
		if !slices.ContainsFunc(z.keys, func(known followedKey) bool { return stands(ds, known.record) && known.state != AddPend }) {
			trusted = append(trusted, ds)
		}
	}
	return trusted
}
