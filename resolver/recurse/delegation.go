package recurse

import (
	"net/netip"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// delegation is a zone cut as the parent's servers told it, or as configured. But
// for what is learnt of its servers it is immutable, and nothing that the child
// says makes it live longer (ghost domains).
type delegation struct {
	zone, parent wire.Name
	nameservers  []nameserver
	stored       time.Time
	expires      time.Time // NS and glue, whichever ends first
	// proof is the DS set, or NSEC or NSEC3 records that deny it, with signatures.
	proof        []dns.RR
	proofExpires time.Time
	hasDS        bool
	signedParent bool
	island       bool            // has a trust anchor of its own
	teller       resolver.Server // who gave the referral
	// trusted says that a configured stub zone led here: its servers may have
	// private addresses.
	trusted bool
	hint    bool              // of the root: its addresses are configured
	servers []resolver.Server // of a stub zone
	first   bool              // of a stub zone: may be left out

	choking atomic.Pointer[choking]
	proved  atomic.Bool                  // its name servers have been looked up, or are being
	rescued atomic.Int64                 // the same, until which no more servers are searched for
	reheard atomic.Bool                  // another server of the parent has been asked for it
	child   atomic.Pointer[[]nameserver] // what the zone itself says of its name servers
}

// nameserver is a server's name, with glue where the referral had some.
type nameserver struct {
	name      wire.Name
	addresses []netip.Addr
}

// isSigned says whether the zone's own records should be signed, as far as the
// referral and the trust anchors tell. The root is.
func (d *delegation) isSigned() bool { return d.zone == wire.Root || d.hasDS || d.island }

// ds answers the question for the zone's DS set from the referral (RFC 4035,
// section 3.1.4.1), nil where it does not tell. A signed parent that said nothing
// has lost something on the way; so its servers are asked.
func (d *delegation) ds(now time.Time) *outcome {
	if len(d.proof) == 0 && d.signedParent || d.zone == wire.Root {
		return nil
	}
	end := d.expires
	if len(d.proof) > 0 && d.proofExpires.Before(end) {
		end = d.proofExpires
	}
	if !now.Before(end) {
		return nil
	}
	out := &outcome{zone: d.parent, rcode: dns.RcodeSuccess, negative: !d.hasDS, keep: uint32(end.Sub(now) / time.Second)}
	if aged := aged(d.proof, now.Sub(d.stored)); d.hasDS {
		out.records = aged
	} else {
		out.proofs = aged
	}
	return out
}

// aged copies records with the TTLs that are left of them.
func aged(records []dns.RR, age time.Duration) []dns.RR {
	copies := make([]dns.RR, len(records))
	passed := uint32(max(0, age/time.Second))
	for i, rr := range records {
		copies[i] = dns.Copy(rr)
		header := copies[i].Header()
		header.Ttl -= min(header.Ttl, passed)
	}
	return copies
}

// delegations is the bounded cache of zone cuts.
type delegations struct {
	zones *lru.Cache[wire.Name, *delegation]
}

func newDelegations(size int) (delegations, error) {
	zones, err := lru.New[wire.Name, *delegation](size)
	return delegations{zones}, err
}

// closest is the deepest cut at or above the name that is still good; nil for none.
func (c delegations) closest(name wire.Name, now time.Time) *delegation {
	for ; name != ""; name = name.Parent() {
		if cut := c.at(name, now); cut != nil {
			return cut
		}
	}
	return nil
}

// at is the cut of just this zone; nil where there is none that is still good.
func (c delegations) at(zone wire.Name, now time.Time) *delegation {
	cut, found := c.zones.Get(zone)
	if !found || !now.Before(cut.expires) {
		return nil
	}
	return cut
}

func (c delegations) put(cut *delegation) { c.zones.Add(cut.zone, cut) }

func (c delegations) forget(zone wire.Name) { c.zones.Remove(zone) }
