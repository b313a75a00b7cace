package lab_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/lab"
)

// query is a question as a resolver asks it: DO set, 1232 octets.
func query(name string, kind uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, kind).SetEdns0(1232, true)
}

// exchange asks one server of the lab, over UDP unless told otherwise.
func exchange(t testing.TB, internet *lab.Internet, addr string, transport resolver.Transport, query *dns.Msg) *dns.Msg {
	t.Helper()
	packet := must(query.Pack())(t)
	server := resolver.Server{Addr: netip.AddrPortFrom(netip.MustParseAddr(addr), 53), Transport: transport}
	packet = must(internet.Exchange(context.Background(), server, packet, nil))(t)
	reply := new(dns.Msg)
	if err := reply.Unpack(packet); err != nil {
		t.Fatal(err)
	}
	if reply.Id != query.Id || !reply.Response {
		t.Fatalf("not a reply to the query: %v", reply)
	}
	return reply
}

// brief writes the sections of a reply as "rcode aa | answer | authority | additional".
func brief(reply *dns.Msg) string {
	parts := []string{dns.RcodeToString[reply.Rcode]}
	if reply.Authoritative {
		parts[0] += " aa"
	}
	if reply.Truncated {
		parts[0] += " tc"
	}
	for _, section := range [][]dns.RR{reply.Answer, reply.Ns, reply.Extra} {
		var records []string
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				records = append(records, describe(rr))
			}
		}
		parts = append(parts, strings.Join(records, ", "))
	}
	return strings.Join(parts, " | ")
}

// describe names a record; what of its data is made anew each time is left out.
func describe(rr dns.RR) string {
	owner, kind := rr.Header().Name, dns.TypeToString[rr.Header().Rrtype]
	switch record := rr.(type) {
	case *dns.RRSIG:
		if record.TypeCovered == dns.TypeNSEC3 {
			return "RRSIG(NSEC3)"
		}
		return fmt.Sprintf("%s RRSIG(%s)", owner, dns.TypeToString[record.TypeCovered])
	case *dns.A:
		return owner + " A " + record.A.String()
	case *dns.CNAME:
		return owner + " CNAME " + record.Target
	case *dns.DNAME:
		return owner + " DNAME " + record.Target
	case *dns.NS:
		return owner + " NS " + record.Ns
	case *dns.NSEC:
		return owner + " NSEC " + record.NextDomain
	case *dns.NSEC3:
		return "NSEC3"
	}
	return owner + " " + kind
}

const (
	topServer     = "127.42.1.3" // example.
	signedServer  = "127.42.2.3" // signed, child.signed, rsa
	hostingServer = "127.42.2.6" // wild, faults, unsigned, secure.optout
)

func TestAnswers(t *testing.T) {
	internet := build(t, lab.Config{})
	tests := []struct {
		about, server, name string
		kind                uint16
		plain               bool // without OPT
		want                string
	}{
		{"priming", "127.42.0.1", ".", dns.TypeNS, true,
			"NOERROR aa | . NS a.root-servers., . NS b.root-servers., . NS c.root-servers. |  | a.root-servers. A 127.42.0.1, b.root-servers. A 127.42.0.2, c.root-servers. A 127.42.0.3"},
		{"referral with DS", "127.42.0.2", "www.signed.example.", dns.TypeA, false,
			"NOERROR |  | example. NS ns1.nic.example., example. NS ns2.nic.example., example. DS, example. RRSIG(DS) | ns1.nic.example. A 127.42.1.3, ns2.nic.example. A 127.42.1.4"},
		{"referral without DO", topServer, "www.signed.example.", dns.TypeA, true,
			"NOERROR |  | signed.example. NS ns1.signed.example., signed.example. NS ns2.signed.example. | ns1.signed.example. A 127.42.2.1, ns2.signed.example. A 127.42.2.3"},
		{"insecure referral", topServer, "www.noedns.example.", dns.TypeA, false,
			"NOERROR |  | noedns.example. NS ns1.noedns.example., noedns.example. NSEC nosig.example., noedns.example. RRSIG(NSEC) | ns1.noedns.example. A 127.42.3.9"},
		{"insecure referral, opt-out", "127.42.2.4", "www.plain.optout.example.", dns.TypeA, false,
			"NOERROR |  | plain.optout.example. NS ns1.plain.optout.example., NSEC3, RRSIG(NSEC3) | ns1.plain.optout.example. A 127.42.2.5"},
		{"referral without glue", topServer, "www.glueless.example.", dns.TypeA, true,
			"NOERROR |  | glueless.example. NS dns1.hosting.example., glueless.example. NS dns2.hosting.example. | "},
		{"DS at the parent", topServer, "signed.example.", dns.TypeDS, false,
			"NOERROR aa | signed.example. DS, signed.example. RRSIG(DS) |  | "},
		{"DS where there is none", topServer, "noedns.example.", dns.TypeDS, false,
			"NOERROR aa |  | example. SOA, example. RRSIG(SOA), noedns.example. NSEC nosig.example., noedns.example. RRSIG(NSEC) | "},
		{"DS at a server of both", signedServer, "child.signed.example.", dns.TypeDS, false,
			"NOERROR aa | child.signed.example. DS, child.signed.example. RRSIG(DS) |  | "},
		{"DS at the child only", "127.42.2.1", "signed.example.", dns.TypeDS, true,
			"NOERROR aa |  | signed.example. SOA | "},
		{"positive", signedServer, "www.signed.example.", dns.TypeA, false,
			"NOERROR aa | www.signed.example. A 192.0.2.10, www.signed.example. RRSIG(A) |  | "},
		{"no such type", signedServer, "www.signed.example.", dns.TypeMX, false,
			"NOERROR aa |  | signed.example. SOA, signed.example. RRSIG(SOA), www.signed.example. NSEC signed.example., www.signed.example. RRSIG(NSEC) | "},
		{"no such name", signedServer, "n.signed.example.", dns.TypeA, false,
			"NXDOMAIN aa |  | signed.example. SOA, signed.example. RRSIG(SOA), mixed.signed.example. NSEC ns1.signed.example., mixed.signed.example. RRSIG(NSEC), signed.example. NSEC alias.signed.example., signed.example. RRSIG(NSEC) | "},
		{"empty non-terminal", signedServer, "ent.signed.example.", dns.TypeA, false,
			"NOERROR aa |  | signed.example. SOA, signed.example. RRSIG(SOA), dwild.signed.example. NSEC deep.ent.signed.example., dwild.signed.example. RRSIG(NSEC) | "},
		{"wildcard keeps the asked casing", hostingServer, "AnY.wild.example.", dns.TypeA, false,
			"NOERROR aa | AnY.wild.example. A 192.0.2.41, AnY.wild.example. RRSIG(A) | *.wild.example. NSEC below.ent.wild.example., *.wild.example. RRSIG(NSEC) | "},
		{"wildcard asked by its own name", hostingServer, "*.wild.example.", dns.TypeA, false,
			"NOERROR aa | *.wild.example. A 192.0.2.41, *.wild.example. RRSIG(A) |  | "},
		{"wildcard alias", hostingServer, "x.sub.wild.example.", dns.TypeA, true,
			"NOERROR aa | x.sub.wild.example. CNAME www.signed.example. |  | "},
		{"alias in the zone", signedServer, "alias.signed.example.", dns.TypeA, true,
			"NOERROR aa | alias.signed.example. CNAME www.signed.example., www.signed.example. A 192.0.2.10 |  | "},
		{"alias asked for itself", signedServer, "alias.signed.example.", dns.TypeCNAME, true,
			"NOERROR aa | alias.signed.example. CNAME www.signed.example. |  | "},
		{"alias to a zone not served here", signedServer, "cross.signed.example.", dns.TypeA, true,
			"NOERROR aa | cross.signed.example. CNAME www.nsec3.example. |  | "},
		{"alias to another zone served here", "127.42.2.1", "tolaw.signed.example.", dns.TypeA, true,
			"NOERROR aa | tolaw.signed.example. CNAME www.blocked-by-law.example., www.blocked-by-law.example. A 198.51.100.1 |  | "},
		{"alias to nothing", signedServer, "dangling.signed.example.", dns.TypeA, true,
			"NXDOMAIN aa | dangling.signed.example. CNAME missing.signed.example. | signed.example. SOA | "},
		{"aliases in a circle", signedServer, "loop.signed.example.", dns.TypeA, true,
			"NOERROR aa | loop.signed.example. CNAME loop2.signed.example., loop2.signed.example. CNAME loop.signed.example. |  | "},
		{"DNAME", signedServer, "a.b.dname.signed.example.", dns.TypeA, false,
			"NOERROR aa | dname.signed.example. DNAME shop.example., dname.signed.example. RRSIG(DNAME), a.b.dname.signed.example. CNAME a.b.shop.example. |  | "},
		{"the DNAME's own name has no alias", signedServer, "dname.signed.example.", dns.TypeA, true,
			"NOERROR aa |  | signed.example. SOA | "},
		{"DNAME to a name too long", signedServer, strings.Repeat("a234567890.", 20) + "d.signed.example.", dns.TypeA, true,
			"YXDOMAIN aa | d.signed.example. DNAME a-name-that-is-longer-than-its-alias.example. |  | "},
		{"not our zone", signedServer, "www.shop.example.", dns.TypeA, true, "REFUSED |  |  | "},
		{"lame", "127.42.3.2", "www.lame.example.", dns.TypeA, true, "REFUSED |  |  | "},
		{"upward", "127.42.3.11", "www.upward.example.", dns.TypeA, true, "NOERROR |  | . NS a.root-servers. | "},
		{"failing", "127.42.3.13", "www.failing.example.", dns.TypeA, true, "SERVFAIL |  |  | "},
		{"junk in a referral", topServer, "www.junk.example.", dns.TypeA, true,
			"NOERROR |  | junk.example. NS ns1.junk.example., junk.example. NS ns.victim.example., com. NS ns1.junk.example., victim.example. NS ns1.junk.example. | " +
				"ns1.junk.example. A 127.42.3.41, www.victim.example. A 192.0.2.66, ns.victim.example. A 127.42.3.41, www.signed.example. A 192.0.2.66"},
		{"without EDNS at a server that knows none", "127.42.3.9", "www.noedns.example.", dns.TypeA, true,
			"NOERROR aa | www.noedns.example. A 192.0.2.70 |  | "},
		{"with EDNS at a server that knows none", "127.42.3.9", "www.noedns.example.", dns.TypeA, false, "FORMERR |  |  | "},
		{"always truncated", "127.42.3.8", "www.trunc.example.", dns.TypeA, false, "NOERROR tc |  |  | "},
		{"too large", "127.42.2.5", "big.example.", dns.TypeTXT, false, "NOERROR aa tc |  |  | "},
		{"no signatures", hostingServer, "www.nosig.example.", dns.TypeA, false, "NOERROR aa | www.nosig.example. A 192.0.2.60 |  | "},
		{"no denial", hostingServer, "no.nodenial.example.", dns.TypeA, false, "NXDOMAIN aa |  | nodenial.example. SOA, nodenial.example. RRSIG(SOA) | "},
		{"every name below com", "127.42.1.1", "www.every.com.", dns.TypeA, true, "NOERROR aa | www.every.com. A 203.0.113.1 |  | "},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			q := query(test.name, test.kind)
			if test.plain {
				q.Extra = nil
			}
			reply := exchange(t, internet, test.server, resolver.OverUDP, q)
			if got := brief(reply); got != test.want {
				t.Errorf("%s %s\n got %s\nwant %s", test.name, dns.TypeToString[test.kind], got, test.want)
			}
			if (reply.IsEdns0() != nil) != (!test.plain && reply.Rcode != dns.RcodeFormatError) {
				t.Errorf("OPT in the reply: %v", reply.IsEdns0())
			}
		})
	}
}

func TestAnyAndMetaTypes(t *testing.T) {
	internet := build(t, lab.Config{})
	types := func(records []dns.RR) []uint16 {
		var found []uint16
		for _, rr := range records {
			found = append(found, rr.Header().Rrtype)
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	reply := exchange(t, internet, signedServer, resolver.OverTCP, query("www.signed.example.", dns.TypeANY))
	if want := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeHTTPS}; !slices.Equal(types(reply.Answer), want) {
		t.Errorf("ANY gives types %v, want %v", types(reply.Answer), want)
	}
	reply = exchange(t, internet, signedServer, resolver.OverTCP, query("www.signed.example.", dns.TypeRRSIG))
	if want := []uint16{dns.TypeRRSIG}; !slices.Equal(types(reply.Answer), want) || len(reply.Answer) != 4 {
		t.Errorf("RRSIG gives %d records of types %v", len(reply.Answer), types(reply.Answer))
	}
	reply = exchange(t, internet, signedServer, resolver.OverUDP, query("www.signed.example.", dns.TypeNSEC))
	if want := []uint16{dns.TypeRRSIG, dns.TypeNSEC}; !slices.Equal(types(reply.Answer), want) {
		t.Errorf("NSEC gives types %v, want %v", types(reply.Answer), want)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	internet := build(t, lab.Config{})
	two := query("www.signed.example.", dns.TypeA)
	two.Question = append(two.Question, two.Question[0])
	version := query("www.signed.example.", dns.TypeA)
	version.IsEdns0().SetVersion(1)
	opts := query("www.signed.example.", dns.TypeA)
	opts.Extra = append(opts.Extra, opts.Extra[0])
	chaos := query("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	tests := []struct {
		about string
		query *dns.Msg
		rcode int
	}{
		{"two questions", two, dns.RcodeFormatError},
		{"EDNS version 1", version, dns.RcodeBadVers},
		{"two OPT records", opts, dns.RcodeFormatError},
		{"class CH", chaos, dns.RcodeRefused},
		{"a transfer", query("signed.example.", dns.TypeAXFR), dns.RcodeRefused},
		{"an update at a name server", new(dns.Msg).SetUpdate("signed.example."), dns.RcodeNotImplemented},
		{"a question for OPT", query("signed.example.", dns.TypeOPT), dns.RcodeFormatError},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			if reply := exchange(t, internet, signedServer, resolver.OverUDP, test.query); reply.Rcode != test.rcode || len(reply.Answer) > 0 {
				t.Errorf("got %s, want %s", brief(reply), dns.RcodeToString[test.rcode])
			}
		})
	}
}

// TestPacketsThatCannotBeRead are answered with what is known of them, or not at all.
func TestPacketsThatCannotBeRead(t *testing.T) {
	internet := build(t, lab.Config{})
	good := must(query("www.signed.example.", dns.TypeA).Pack())(t)
	response := slices.Clone(good)
	response[2] |= 0x80
	tests := []struct {
		about  string
		packet []byte
		want   []byte // the first four octets of the reply
	}{
		{"nothing", nil, nil},
		{"less than a header", good[:11], nil},
		{"a response", response, nil},
		{"cut short", good[:20], []byte{good[0], good[1], 0x81, dns.RcodeFormatError}},
		{"a name that points to itself", append(slices.Clone(good[:12]), 0xc0, 12, 0, 1, 0, 1), []byte{good[0], good[1], 0x81, dns.RcodeFormatError}},
	}
	for _, test := range tests {
		reply := internet.Respond(signedServer, test.packet, true)
		if got := reply[:min(4, len(reply))]; !slices.Equal(got, test.want) {
			t.Errorf("%s: got %x, want %x", test.about, got, test.want)
		}
	}
}

func TestCasingIsEchoed(t *testing.T) {
	internet := build(t, lab.Config{})
	reply := exchange(t, internet, signedServer, resolver.OverUDP, query("wWw.SiGnEd.ExAmPlE.", dns.TypeA))
	if reply.Question[0].Name != "wWw.SiGnEd.ExAmPlE." || len(reply.Answer) != 2 {
		t.Errorf("question %q, %d records", reply.Question[0].Name, len(reply.Answer))
	}
}

func TestSizeOfReplies(t *testing.T) {
	internet := build(t, lab.Config{})
	const server = "127.42.2.3" // rsa.example: keys and signatures above 512 octets
	tests := []struct {
		about     string
		size      uint16 // 0: no OPT
		transport resolver.Transport
		truncated bool
	}{
		{"no OPT", 0, resolver.OverUDP, true},
		{"less than 512 is 512", 100, resolver.OverUDP, true},
		{"1232", 1232, resolver.OverUDP, false},
		{"TCP", 512, resolver.OverTCP, false},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			q := new(dns.Msg).SetQuestion("rsa.example.", dns.TypeDNSKEY)
			if test.size > 0 {
				q.SetEdns0(test.size, true)
			}
			reply := exchange(t, internet, server, test.transport, q)
			if reply.Truncated != test.truncated || (len(reply.Answer) == 0) != test.truncated {
				t.Errorf("got %s", brief(reply))
			}
		})
	}
}
