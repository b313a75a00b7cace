package lab

import (
	"slices"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/wire"
)

const maxRecords = 10_000 // in one zone, after an update

// update carries out an RFC 2136 message and gives the response code. The whole
// of it is done or nothing.
func (i *Internet) update(request *dns.Msg) int {
	if len(request.Question) != 1 || request.Question[0].Qtype != dns.TypeSOA || request.Question[0].Qclass != dns.ClassINET {
		return dns.RcodeFormatError
	}
	origin, err := wire.ParseName(request.Question[0].Name)
	if err != nil {
		return dns.RcodeFormatError
	}
	z := i.zones[origin]
	if z == nil {
		return dns.RcodeNotAuth
	}
	z.updating.Lock()
	defer z.updating.Unlock()
	before := z.contents.Load()
	if rcode := before.require(request.Answer); rcode != dns.RcodeSuccess {
		return rcode
	}
	if rcode := prescan(origin, request.Ns); rcode != dns.RcodeSuccess {
		return rcode
	}
	change := &change{origin: origin, records: before.records()}
	for _, rr := range request.Ns {
		change.apply(rr)
	}
	if !change.made {
		return dns.RcodeSuccess
	}
	if len(change.records) > maxRecords {
		return dns.RcodeRefused
	}
	change.raiseSerial(before)
	after, err := newContents(z, change.records)
	if err != nil {
		return dns.RcodeServerFailure
	}
	z.contents.Store(after)
	return dns.RcodeSuccess
}

// require tests the prerequisites (RFC 2136, section 3.2).
func (c *contents) require(prerequisites []dns.RR) int {
	wanted := make(map[setID][]dns.RR) // sets that must be there exactly so
	for _, rr := range prerequisites {
		header := rr.Header()
		name, err := wire.ParseName(header.Name)
		if err != nil || header.Ttl != 0 || header.Class != dns.ClassINET && header.Rdlength != 0 {
			return dns.RcodeFormatError
		}
		if !name.IsBelow(c.zone.origin) {
			return dns.RcodeNotZone
		}
		switch header.Class {
		case dns.ClassANY, dns.ClassNONE:
			if rcode := c.requirePresence(name, header.Rrtype, header.Class == dns.ClassANY); rcode != dns.RcodeSuccess {
				return rcode
			}
		case dns.ClassINET:
			if isMeta(header.Rrtype) {
				return dns.RcodeFormatError
			}
			which := setID{name, header.Rrtype}
			wanted[which] = append(wanted[which], rr)
		default:
			return dns.RcodeFormatError
		}
	}
	for which, set := range wanted {
		if !sameSet(c.stored(which.owner, which.kind), set) {
			return dns.RcodeNXRrset
		}
	}
	return dns.RcodeSuccess
}

// requirePresence tests that a name or set is in use, or is not.
func (c *contents) requirePresence(name wire.Name, kind uint16, present bool) int {
	at := c.nodes[name]
	switch {
	case kind == dns.TypeANY:
		inUse := at != nil && len(at.sets) > 0
		if inUse == present {
			return dns.RcodeSuccess
		}
		if present {
			return dns.RcodeNameError
		}
		return dns.RcodeYXDomain
	case isMeta(kind):
		return dns.RcodeFormatError
	case len(c.stored(name, kind)) > 0 == present:
		return dns.RcodeSuccess
	case present:
		return dns.RcodeNXRrset
	}
	return dns.RcodeYXRrset
}

func (c *contents) stored(name wire.Name, kind uint16) []dns.RR {
	if at := c.nodes[name]; at != nil {
		return at.sets[kind]
	}
	return nil
}

func sameSet(a, b []dns.RR) bool {
	within := func(a, b []dns.RR) bool {
		return !slices.ContainsFunc(a, func(rr dns.RR) bool {
			return !slices.ContainsFunc(b, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) })
		})
	}
	return within(a, b) && within(b, a)
}

// isMeta says that a type cannot be stored (RFC 6895, section 3.1).
func isMeta(kind uint16) bool {
	return kind == dns.TypeNone || kind == dns.TypeOPT || kind >= 128 && kind <= 255
}

// isMade says that a type is made by signing and is not a client's to change.
func isMade(kind uint16) bool {
	switch kind {
	case dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM:
		return true
	}
	return false
}

// prescan looks the changes over before any is made (RFC 2136, section 3.4.1).
func prescan(origin wire.Name, changes []dns.RR) int {
	for _, rr := range changes {
		header := rr.Header()
		name, err := wire.ParseName(header.Name)
		switch {
		case err != nil:
			return dns.RcodeFormatError
		case !name.IsBelow(origin):
			return dns.RcodeNotZone
		case isMade(header.Rrtype):
			return dns.RcodeRefused
		}
		malformed := true
		switch header.Class {
		case dns.ClassINET:
			malformed = isMeta(header.Rrtype) || header.Rdlength == 0
		case dns.ClassANY:
			malformed = header.Ttl != 0 || header.Rdlength != 0 || isMeta(header.Rrtype) && header.Rrtype != dns.TypeANY
		case dns.ClassNONE:
			malformed = header.Ttl != 0 || isMeta(header.Rrtype)
		}
		if malformed {
			return dns.RcodeFormatError
		}
	}
	return dns.RcodeSuccess
}

// change is a zone's records on their way from one contents to the next.
type change struct {
	origin  wire.Name
	records []dns.RR
	made    bool
	soa     bool // the client itself set the serial
}

// apply makes one change (RFC 2136, section 3.4.2).
func (c *change) apply(rr dns.RR) {
	header, name := rr.Header(), nameOf(rr)
	switch header.Class {
	case dns.ClassINET:
		c.add(name, rr)
	case dns.ClassANY:
		c.remove(func(other dns.RR) bool {
			kind := other.Header().Rrtype
			return nameOf(other) == name && (header.Rrtype == dns.TypeANY || header.Rrtype == kind) && !c.stays(name, kind)
		})
	case dns.ClassNONE:
		wanted := dns.Copy(rr)
		wanted.Header().Class = dns.ClassINET
		if header.Rrtype == dns.TypeSOA || c.isLastServer(name, header.Rrtype) {
			return
		}
		c.remove(func(other dns.RR) bool { return dns.IsDuplicate(wanted, other) })
	}
}

// stays says that a set of the apex outlives the deletion of a set or name.
func (c *change) stays(name wire.Name, kind uint16) bool {
	return name == c.origin && (kind == dns.TypeSOA || kind == dns.TypeNS || isMade(kind))
}

// isLastServer says that a zone would be left without name servers.
func (c *change) isLastServer(name wire.Name, kind uint16) bool {
	return name == c.origin && kind == dns.TypeNS && len(c.find(name, func(k uint16) bool { return k == kind })) == 1
}

func (c *change) find(name wire.Name, wanted func(kind uint16) bool) []dns.RR {
	var set []dns.RR
	for _, rr := range c.records {
		if wanted(rr.Header().Rrtype) && nameOf(rr) == name {
			set = append(set, rr)
		}
	}
	return set
}

func (c *change) remove(which func(dns.RR) bool) {
	before := len(c.records)
	c.records = slices.DeleteFunc(c.records, which)
	c.made = c.made || len(c.records) != before
}

// add adds a record, in place of one that is equal or that there can be one of only.
// An alias is not put beside data nor data beside an alias: that is ignored.
func (c *change) add(name wire.Name, rr dns.RR) {
	kind := rr.Header().Rrtype
	isAlias := func(k uint16) bool { return k == dns.TypeCNAME }
	switch kind {
	case dns.TypeSOA:
		if name != c.origin || !newer(rr, c.find(name, func(k uint16) bool { return k == kind })[0]) {
			return
		}
		c.soa = true
	case dns.TypeCNAME:
		if len(c.find(name, func(k uint16) bool { return k != dns.TypeCNAME })) > 0 {
			return
		}
	default:
		if len(c.find(name, isAlias)) > 0 {
			return
		}
	}
	if c.has(rr) {
		return
	}
	single := kind == dns.TypeSOA || kind == dns.TypeCNAME || kind == dns.TypeDNAME
	c.remove(func(other dns.RR) bool {
		return other.Header().Rrtype == kind && nameOf(other) == name && (single || dns.IsDuplicate(rr, other))
	})
	c.retime(name, rr)
	c.records = append(c.records, rr)
	c.made = true
}

// has says that a record is there as it is, TTL included.
func (c *change) has(rr dns.RR) bool {
	return slices.ContainsFunc(c.records, func(other dns.RR) bool { return other.Header().Ttl == rr.Header().Ttl && dns.IsDuplicate(rr, other) })
}

// retime gives the set that a record joins its TTL: a set has one (RFC 2181, section 5.2).
func (c *change) retime(name wire.Name, rr dns.RR) {
	for i, other := range c.records {
		if other.Header().Rrtype == rr.Header().Rrtype && nameOf(other) == name && other.Header().Ttl != rr.Header().Ttl {
			c.records[i] = dns.Copy(other)
			c.records[i].Header().Ttl = rr.Header().Ttl
		}
	}
}

// newer compares serials (RFC 1982).
func newer(a, b dns.RR) bool {
	return int32(a.(*dns.SOA).Serial-b.(*dns.SOA).Serial) > 0
}

// raiseSerial does so unless the update brought a SOA of its own.
func (c *change) raiseSerial(before *contents) {
	if c.soa {
		return
	}
	authority := dns.Copy(before.nodes[c.origin].sets[dns.TypeSOA][0]).(*dns.SOA)
	authority.Serial++
	c.records = slices.DeleteFunc(c.records, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA })
	c.records = append(c.records, authority)
}
