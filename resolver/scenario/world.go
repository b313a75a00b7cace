package scenario

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

// world is the zones of a scenario, alive: who serves them follows from their NS
// records and the addresses of those names, wherever they stand.
type world struct {
	zones   map[wire.Name]*zone
	servers map[netip.Addr]map[wire.Name]*zone
}

// zone is one zone alive.
type zone struct {
	origin   wire.Name
	signing  Signing
	records  []dns.RR
	nodes    map[wire.Name]node // empty non-terminals among them
	children map[wire.Name]*zone
	names    []wire.Name // that deny: in canonical order, or in that of their hashes

	entryKey, zoneKey, standbyKey *key
	fakeAlgorithm                 uint8
	entrySigners                  []*key // of a zone whose keys roll: those of the step
	began                         time.Time
}

// node is the records of one name, by type.
type node map[uint16][]dns.RR

func newWorld(zones []*Zone) (*world, error) {
	w := &world{zones: make(map[wire.Name]*zone), servers: make(map[netip.Addr]map[wire.Name]*zone)}
	addresses := make(map[wire.Name][]dns.RR)
	for _, read := range zones {
		z, err := newZone(read)
		if err != nil {
			return nil, err
		}
		w.zones[z.origin] = z
		for _, rr := range z.records {
			if kind := rr.Header().Rrtype; kind == dns.TypeA || kind == dns.TypeAAAA {
				addresses[ownerOf(rr)] = append(addresses[ownerOf(rr)], rr)
			}
		}
	}
	for origin, z := range w.zones {
		w.serve(z, addresses)
		if parent := w.above(origin); parent != nil {
			parent.children[origin] = z
		}
	}
	for _, z := range w.zones {
		z.delegate(addresses)
		z.index()
	}
	return w, nil
}

func ownerOf(rr dns.RR) wire.Name {
	name, _ := wire.ParseName(rr.Header().Name) // checked when it was read
	return name
}

func newZone(read *Zone) (*zone, error) {
	z := &zone{
		origin: read.Origin, signing: read.Signing, records: slices.Clone(read.Records), fakeAlgorithm: read.Signing.FakeAlgorithm,
		children: make(map[wire.Name]*zone), began: time.Now(),
	}
	isSOA := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }
	if !slices.ContainsFunc(z.records, isSOA) {
		z.records = append(z.records, &dns.SOA{
			Hdr: dns.RR_Header{Name: z.origin.FQDN(), Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 3600},
			Ns:  "ns." + below(z.origin), Mbox: "hostmaster." + below(z.origin),
			Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 300,
		})
	}
	return z, z.makeKeys()
}

// below is a name as it follows a label.
func below(name wire.Name) string { return strings.TrimPrefix(name.FQDN(), ".") }

func (z *zone) makeKeys() error {
	s := z.signing
	if !s.signs() {
		return nil
	}
	var flags uint16 = dns.ZONE
	if s.NoZoneKey {
		flags = 0
	}
	if s.Revoked {
		flags |= dns.REVOKE
	}
	var err error
	owner := z.origin.FQDN()
	if z.entryKey, err = newKey(owner, s.Algorithm, flags|dns.SEP, s.Bits, "entry"); err != nil {
		return err
	}
	z.zoneKey = z.entryKey
	if !s.Single {
		if z.zoneKey, err = newKey(owner, s.Algorithm, flags, s.Bits, "zone"); err != nil {
			return err
		}
	}
	if s.Standby {
		z.standbyKey, err = newKey(owner, s.Algorithm, flags|dns.SEP, s.Bits, "standby")
	}
	return err
}

// keySet is the DNSKEY records that the zone shows.
func (z *zone) keySet() []dns.RR {
	if z.entryKey == nil || z.signing.NoKeys {
		return nil
	}
	var set []dns.RR
	for i := range z.signing.Colliding {
		set = append(set, collide(z.zoneKey.record, i))
	}
	for _, one := range []*key{z.entryKey, z.zoneKey, z.standbyKey} {
		if one != nil && (len(set) == 0 || !dns.IsDuplicate(set[len(set)-1], one.record)) {
			set = append(set, one.record)
		}
	}
	if z.fakeAlgorithm != 0 {
		for i, rr := range set {
			record := dns.Copy(rr).(*dns.DNSKEY)
			record.Algorithm, set[i] = z.fakeAlgorithm, record
		}
	}
	return set
}

// collide makes another key of the same tag: the tag is a sum over pairs of
// octets (RFC 4034, appendix B), so pairs that change places leave it alone.
func collide(record *dns.DNSKEY, number int) dns.RR {
	octets, _ := base64.StdEncoding.DecodeString(record.PublicKey)
	one, two := 2*(number%(len(octets)/4)), len(octets)-2-2*(number/(len(octets)/4))
	octets[one], octets[two] = octets[two], octets[one]
	octets[one+1], octets[two+1] = octets[two+1], octets[one+1]
	other := *record
	other.PublicKey = base64.StdEncoding.EncodeToString(octets)
	return &other
}

// delegationSigners is the DS set that belongs into the parent.
func (z *zone) delegationSigners() []dns.RR {
	if z.entryKey == nil || z.signing.Island {
		return nil
	}
	var set []dns.RR
	for _, one := range []*key{z.entryKey, z.standbyKey} {
		if one == nil {
			continue
		}
		record := *one.record
		if z.fakeAlgorithm != 0 {
			record.Algorithm = z.fakeAlgorithm
		}
		ds := record.ToDS(dns.SHA256)
		if made := record.ToDS(z.signing.Digest); made != nil {
			ds = made
		}
		ds.DigestType = z.signing.Digest
		if z.signing.WrongDS {
			ds.Digest = strings.Repeat("0", len(ds.Digest))
		}
		set = append(set, ds)
	}
	for i := range z.signing.ExtraDS {
		ds := *set[0].(*dns.DS)
		ds.Digest = fmt.Sprintf("%0*x", len(ds.Digest), i+1)
		set = slices.Insert(set, 0, dns.RR(&ds))
	}
	for _, ds := range set {
		ds.Header().Ttl = 3600
	}
	return set
}

func (w *world) above(origin wire.Name) *zone {
	for name := origin.Parent(); name != ""; name = name.Parent() {
		if z := w.zones[name]; z != nil {
			return z
		}
	}
	return nil
}

// serve puts the zone on the addresses of its name servers.
func (w *world) serve(z *zone, addresses map[wire.Name][]dns.RR) {
	for _, rr := range z.records {
		ns, is := rr.(*dns.NS)
		if !is || ownerOf(rr) != z.origin {
			continue
		}
		target, _ := wire.ParseName(ns.Ns)
		for _, record := range addresses[target] {
			addr := addressIn(record)
			if w.servers[addr] == nil {
				w.servers[addr] = make(map[wire.Name]*zone)
			}
			w.servers[addr][z.origin] = z
		}
	}
}

func addressIn(rr dns.RR) netip.Addr {
	var addr netip.Addr
	switch rr := rr.(type) {
	case *dns.A:
		addr, _ = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		addr, _ = netip.AddrFromSlice(rr.AAAA)
	}
	return addr.Unmap()
}

// delegate gives the zone its share of each child's delegation, where its own text
// has no NS records for that name: NS, the glue below the child, and DS.
func (z *zone) delegate(addresses map[wire.Name][]dns.RR) {
	own := func(origin wire.Name, kind uint16) bool {
		return slices.ContainsFunc(z.records, func(rr dns.RR) bool { return rr.Header().Rrtype == kind && ownerOf(rr) == origin })
	}
	for origin, child := range z.children {
		if !own(origin, dns.TypeDS) {
			z.records = append(z.records, child.delegationSigners()...)
		}
		if own(origin, dns.TypeNS) {
			continue
		}
		for _, rr := range child.records {
			ns, is := rr.(*dns.NS)
			if !is || ownerOf(rr) != origin {
				continue
			}
			z.records = append(z.records, rr)
			if target, err := wire.ParseName(ns.Ns); err == nil && target.IsBelow(origin) {
				z.records = append(z.records, addresses[target]...)
			}
		}
	}
}

// index sorts the records by name and makes what the signer makes.
func (z *zone) index() {
	z.nodes = make(map[wire.Name]node)
	if z.signing.signs() {
		z.records = append(z.records, z.keySet()...)
	}
	if z.signing.NSEC3 {
		z.records = append(z.records, &dns.NSEC3PARAM{
			Hdr:  dns.RR_Header{Name: z.origin.FQDN(), Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET},
			Hash: dns.SHA1, Iterations: z.signing.Iterations, SaltLength: uint8(len(z.signing.Salt) / 2), Salt: z.signing.Salt,
		})
	}
	for _, rr := range z.records {
		at := z.ensure(ownerOf(rr))
		if !slices.ContainsFunc(at[rr.Header().Rrtype], func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
			at[rr.Header().Rrtype] = append(at[rr.Header().Rrtype], rr)
		}
	}
	z.chain()
}

// ensure makes a name and the empty ones above it.
func (z *zone) ensure(name wire.Name) node {
	at, found := z.nodes[name]
	if !found {
		at = make(node)
		z.nodes[name] = at
		if name != z.origin {
			z.ensure(name.Parent())
		}
	}
	return at
}

func (z *zone) isCut(name wire.Name) bool {
	return name != z.origin && len(z.nodes[name][dns.TypeNS]) > 0
}

// isHidden says whether a name lies below a delegation or a DNAME.
func (z *zone) isHidden(name wire.Name) bool {
	for name != z.origin {
		name = name.Parent()
		if z.isCut(name) || len(z.nodes[name][dns.TypeDNAME]) > 0 {
			return true
		}
	}
	return false
}
