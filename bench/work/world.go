package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// The world's shape: fixed names, so that a zone needs no storage but its keys.
const (
	tlds        = 20
	zoneServers = 16 // addresses that the zones are spread over
	ttl         = 3600
)

// level is how deep a zone lies; each has servers of its own.
type level int

const (
	root level = iota
	tld
	leaf
	levels
)

// world is the generated Internet. It is immutable but for the signatures, which
// are kept as they are made.
type world struct {
	zones  int // leaf zones
	signer *signer
}

// newWorld makes a world of so many zones; all that is needed to resolve their
// names is signed when it returns.
func newWorld(zones int, signed bool) (*world, error) {
	w := &world{zones: zones}
	if !signed {
		return w, nil
	}
	w.signer = newSigner()
	return w, w.presign()
}

// zoneName is the name of leaf zone number i.
func zoneName(i int) string { return fmt.Sprintf("z%06d.t%02d.", i, i%tlds) }

// hostName is the name to ask for in leaf zone number i.
func hostName(i int) string { return "www." + zoneName(i) }

// addresses lists those that name servers listen on, by level.
func addresses() map[netip.Addr]level {
	all := map[netip.Addr]level{}
	add := func(third byte, count int, at level) {
		for i := range count {
			all[netip.AddrFrom4([4]byte{127, 43, third, byte(i + 1)})] = at
		}
	}
	add(0, 1, root)
	add(1, 2, tld)
	add(2, zoneServers, leaf)
	return all
}

// hints are what a resolver starts from.
func hints() []string {
	return []string{". 86400 IN NS ns.", "ns. 86400 IN A 127.43.0.1"}
}

// anchors are the DS of the root; none in a plain world.
func (w *world) anchors() ([]string, error) {
	if w.signer == nil {
		return nil, nil
	}
	ds, err := w.signer.ds(".")
	if err != nil {
		return nil, err
	}
	return []string{strings.ReplaceAll(ds.String(), "\t", " ")}, nil
}

// cut is the zone of this level that a name lies in or would lie in; ok is false
// where there is no such zone.
func (w *world) cut(name string, at level) (zone string, ok bool) {
	labels := dns.SplitDomainName(name)
	if len(labels) < int(at) {
		return "", false
	}
	zone = dns.Fqdn(strings.Join(labels[len(labels)-int(at):], "."))
	switch at {
	case tld:
		var number int
		_, err := fmt.Sscanf(zone, "t%02d.", &number)
		return zone, err == nil && number < tlds && zone == fmt.Sprintf("t%02d.", number)
	case leaf:
		var number int
		_, err := fmt.Sscanf(labels[len(labels)-2], "z%06d", &number)
		return zone, err == nil && number < w.zones && zone == zoneName(number)
	}
	return zone, true
}

// server is the name server of a zone and its address.
func (w *world) server(zone string) (name string, address string) {
	switch labels := dns.SplitDomainName(zone); len(labels) {
	case 0:
		return "ns.", "127.43.0.1"
	case 1:
		return "ns." + zone, fmt.Sprintf("127.43.1.%d", 1+int(zone[len(zone)-2]-'0')%2)
	default:
		var number int
		_, _ = fmt.Sscanf(labels[0], "z%06d", &number) // cut has read it already
		return "ns." + zone, fmt.Sprintf("127.43.2.%d", 1+number/tlds%zoneServers)
	}
}

// names lists the owners in a zone in canonical order, cuts among them.
func (w *world) names(zone string) []string {
	server, _ := w.server(zone)
	names := []string{zone, server}
	switch labels := dns.SplitDomainName(zone); len(labels) {
	case 0:
		for i := range tlds {
			names = append(names, fmt.Sprintf("t%02d.", i))
		}
	case 1:
		var first int
		_, _ = fmt.Sscanf(zone, "t%02d.", &first)
		for i := first; i < w.zones; i += tlds {
			names = append(names, zoneName(i))
		}
	default:
		names = append(names, "www."+zone)
	}
	return names
}

// set gives the records of one type at a name of a zone; at a cut NS and DS only.
func (w *world) set(zone, name string, kind uint16) ([]dns.RR, error) {
	header := dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
	server, address := w.server(zone)
	child := name != zone && dns.CountLabel(name) == dns.CountLabel(zone)+1 && w.isCut(name)
	switch {
	case child && kind == dns.TypeNS:
		server, _ = w.server(name)
		return []dns.RR{&dns.NS{Hdr: header, Ns: server}}, nil
	case child && kind == dns.TypeDS && w.signer != nil:
		ds, err := w.signer.ds(name)
		return []dns.RR{ds}, err
	case child:
		return nil, nil
	case name == zone && kind == dns.TypeNS:
		return []dns.RR{&dns.NS{Hdr: header, Ns: server}}, nil
	case name == zone && kind == dns.TypeSOA:
		return []dns.RR{&dns.SOA{Hdr: header, Ns: server, Mbox: "hostmaster." + server, Serial: 1, Refresh: 1800, Retry: 900, Expire: 604800, Minttl: ttl}}, nil
	case name == zone && kind == dns.TypeDNSKEY && w.signer != nil:
		key, err := w.signer.key(zone)
		if err != nil {
			return nil, err
		}
		return []dns.RR{key.record}, nil
	case name == server && kind == dns.TypeA:
		return []dns.RR{&dns.A{Hdr: header, A: netip.MustParseAddr(address).AsSlice()}}, nil
	case strings.HasPrefix(name, "www.") && kind == dns.TypeA:
		return []dns.RR{&dns.A{Hdr: header, A: []byte{192, 0, 2, 1}}}, nil
	}
	return nil, nil
}

// isCut says whether a name is the apex of a zone below the root.
func (w *world) isCut(name string) bool {
	at := level(dns.CountLabel(name))
	if at != tld && at != leaf {
		return false
	}
	zone, ok := w.cut(name, at)
	return ok && zone == name
}

// nsec is the record that stands at a name or before where it would be.
func (w *world) nsec(zone, name string) *dns.NSEC {
	names := w.names(zone)
	at, found := slices.BinarySearchFunc(names, name, compareNames)
	if !found {
		at = max(0, at-1)
	}
	record := &dns.NSEC{
		Hdr:        dns.RR_Header{Name: names[at], Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: ttl},
		NextDomain: names[(at+1)%len(names)],
	}
	for _, kind := range []uint16{dns.TypeA, dns.TypeNS, dns.TypeSOA, dns.TypeDS, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeDNSKEY} {
		set, err := w.set(zone, names[at], kind)
		if err == nil && len(set) > 0 || kind == dns.TypeRRSIG || kind == dns.TypeNSEC {
			record.TypeBitMap = append(record.TypeBitMap, kind)
		}
	}
	return record
}

// compareNames orders names canonically (RFC 4034, section 6.1): label by label
// from the right. All here are lower case.
func compareNames(a, b string) int {
	left, right := dns.SplitDomainName(a), dns.SplitDomainName(b)
	slices.Reverse(left)
	slices.Reverse(right)
	return slices.Compare(left, right)
}
