package lab

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// ZoneSource is a zone as it is written down.
type ZoneSource struct {
	Origin string
	// Text is a zone file relative to Origin; its TTL is 300 where none is given.
	// A SOA is made where there is none. Servers come to be by NS and A records.
	Text    string
	Signing Signing
	// Island keeps the DS of a signed zone out of its parent.
	Island bool
	Fault  Fault
	// Junk are records that go along in every reply of this zone and in every
	// referral to it, whatever they are about: NS in the authority section, all
	// others in the additional one. A resolver must not believe them.
	Junk string
}

// zone is a ZoneSource brought to life: who it is stays, what it holds is swapped.
type zone struct {
	origin   wire.Name
	source   ZoneSource
	junk     []dns.RR
	parent   *zone
	children map[wire.Name]*zone
	keys     func() (*keyring, error)
	now      func() time.Time

	updating sync.Mutex // held from reading contents to storing the new ones
	contents atomic.Pointer[contents]
}

const (
	defaultTTL  = 300
	negativeTTL = 30 // short, so that what an update adds is soon seen
)

// readZone parses a source. The records are not yet served: the parent's share
// of a delegation comes from the child.
func readZone(source ZoneSource, now func() time.Time) (*zone, []dns.RR, error) {
	origin, err := wire.ParseName(source.Origin)
	if err != nil {
		return nil, nil, fmt.Errorf("zone %q: %w", source.Origin, err)
	}
	z := &zone{origin: origin, source: source, children: make(map[wire.Name]*zone), now: now}
	z.keys = sync.OnceValues(func() (*keyring, error) { return newKeyring(origin.FQDN(), source.Signing, source.Fault) })
	records, err := parse(source.Text, origin)
	if err != nil {
		return nil, nil, err
	}
	if z.junk, err = parse(source.Junk, origin); err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(records, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }) {
		records = append(records, z.startOfAuthority())
	}
	if source.Signing.signs() && source.Signing.NSEC3 {
		records = append(records, z.parameters())
	}
	return z, records, nil
}

func parse(text string, origin wire.Name) ([]dns.RR, error) {
	// Without the directive a record would take the TTL of the one before (RFC 1035, section 5.1).
	parser := dns.NewZoneParser(strings.NewReader(fmt.Sprintf("$TTL %d\n%s", defaultTTL, text)), origin.FQDN(), "")
	var records []dns.RR
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		records = append(records, rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("zone %q: %w", origin, err)
	}
	return records, nil
}

func (z *zone) startOfAuthority() dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: z.origin.FQDN(), Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: defaultTTL},
		Ns:  below("ns1", z.origin), Mbox: below("hostmaster", z.origin),
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 604800, Minttl: negativeTTL,
	}
}

// below writes a label before a name.
func below(label string, name wire.Name) string {
	if name == wire.Root {
		return label + "."
	}
	return label + "." + name.FQDN()
}

// delegate gives the parent its share of every child's delegation, unless its
// text has NS records for that name: then all is as the text says, but for the DS.
func (z *zone) delegate(records []dns.RR, apex map[wire.Name][]dns.RR, addresses map[wire.Name][]dns.RR) []dns.RR {
	for origin := range z.children {
		if slices.ContainsFunc(records, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS && nameOf(rr) == origin }) {
			continue
		}
		for _, rr := range apex[origin] {
			records = append(records, rr)
			target, err := wire.ParseName(rr.(*dns.NS).Ns)
			if err == nil && target.IsBelow(origin) {
				records = append(records, addresses[target]...)
			}
		}
	}
	return records
}

// nameOf is the owner of a record that was parsed, and so is a name.
func nameOf(rr dns.RR) wire.Name {
	name, _ := wire.ParseName(rr.Header().Name)
	return name
}
