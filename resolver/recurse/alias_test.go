package recurse_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestAliases(t *testing.T) {
	long := strings.Repeat("a.", 100)
	for name, test := range map[string]struct {
		zone  string // of test.
		ask   string
		qtype uint16
		rcode int
		want  []string
	}{
		"into another zone": {"x CNAME www.example.", "x.test", dns.TypeA, dns.RcodeSuccess, []string{"x.test. CNAME www.example.", "www.example. A 203.0.113.1"}},
		"inside the zone":   {"x CNAME y\ny A 203.0.113.7", "x.test", dns.TypeA, dns.RcodeSuccess, []string{"x.test. CNAME y.test.", "y.test. A 203.0.113.7"}},
		"several zones": {"x CNAME y\ny CNAME www.a.example.", "x.test", dns.TypeA, dns.RcodeSuccess,
			[]string{"x.test. CNAME y.test.", "y.test. CNAME www.a.example.", "www.a.example. A 203.0.113.4"}},
		"the alias itself":       {"x CNAME www.example.", "x.test", dns.TypeCNAME, dns.RcodeSuccess, []string{"x.test. CNAME www.example."}},
		"to nothing":             {"x CNAME nothing.example.", "x.test", dns.TypeA, dns.RcodeNameError, []string{"x.test. CNAME nothing.example."}},
		"to no data":             {"x CNAME www.example.", "x.test", dns.TypeMX, dns.RcodeSuccess, []string{"x.test. CNAME www.example."}},
		"to nothing in the zone": {"x CNAME nothing", "x.test", dns.TypeA, dns.RcodeNameError, []string{"x.test. CNAME nothing.test."}},
		"tree":                   {"d DNAME example.", "www.d.test", dns.TypeA, dns.RcodeSuccess, []string{"d.test. DNAME example.", "www.d.test. CNAME www.example.", "www.example. A 203.0.113.1"}},
		"tree in the zone":       {"d DNAME e\nwww.e A 203.0.113.8", "www.d.test", dns.TypeA, dns.RcodeSuccess, []string{"d.test. DNAME e.test.", "www.d.test. CNAME www.e.test.", "www.e.test. A 203.0.113.8"}},
		"top of a tree":          {"d DNAME example.\nd A 203.0.113.6", "d.test", dns.TypeA, dns.RcodeSuccess, []string{"d.test. A 203.0.113.6"}},
		"the tree itself":        {"d DNAME example.", "d.test", dns.TypeDNAME, dns.RcodeSuccess, []string{"d.test. DNAME example."}},
		"tree of an alias type":  {"d DNAME example.", "www.d.test", dns.TypeCNAME, dns.RcodeSuccess, []string{"d.test. DNAME example.", "www.d.test. CNAME www.example."}},
		"tree grows too long":    {"d DNAME " + long + "example.", long + "d.test", dns.TypeA, dns.RcodeYXDomain, []string{"d.test. DNAME " + long + "example."}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				w.serve("198.51.100.3", "test.", test.zone)
				if test.rcode == dns.RcodeYXDomain {
					// What the helper cannot say: RFC 6672, section 2.2.
					w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
						reply := new(dns.Msg).SetRcode(q, dns.RcodeYXDomain)
						reply.Authoritative, reply.Answer = true, parse(t, "test.", test.zone)
						return reply
					})
				}
				answer := resolve(t, newResolver(t, w), test.ask, test.qtype)
				expectAnswer(t, answer, test.rcode, test.want...)
			})
		})
	}
}

func TestAliasZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, usual(t))
		if answer := resolve(t, r, "away.test", dns.TypeA); answer.Zone != wire.MustName("example") {
			t.Errorf("zone is %s, not that of the last part", answer.Zone)
		}
	})
}

func TestAliasLoopsAndLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		var zones [2]strings.Builder
		for i := range 40 { // links alternate between two zones
			fmt.Fprintf(&zones[i%2], "c%d CNAME c%d.%s\n", i, i+1, []string{"test.", "example."}[i%2])
		}
		w.serve("198.51.100.2", "example.", zones[0].String()+"self CNAME self\nhere CNAME there\nthere CNAME here\nfar CNAME near.test.\nc40 A 192.0.2.1")
		w.serve("198.51.100.3", "test.", zones[1].String()+"near CNAME far.example.")
		r := newResolver(t, w)
		for _, name := range []string{"self.example", "here.example", "far.example", "c0.example", "c28.example"} {
			w.questions()
			failure := expectFailure(t, r, query(name, dns.TypeA), 0)
			if asked := w.questions(); len(asked) > 14 {
				t.Errorf("%s: %d queries", name, len(asked))
			}
			if !strings.Contains(failure.Error(), "aliases") {
				t.Errorf("%s: %v", name, failure)
			}
		}
		// Eleven links are well.
		answer := resolve(t, r, "c29.test", dns.TypeA)
		if links := len(answer.Message().Answer); links != 12 {
			t.Errorf("%d records", links)
		}
	})
}

// TestProofsOfEarlierLinks holds the authority section to what validation needs.
func TestProofsOfEarlierLinks(t *testing.T) {
	const signature = " 5 2 300 20300101000000 20200101000000 1 test. AA=="
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			reply.Answer = parse(t, "test.", "x CNAME nothing.example.\nx RRSIG CNAME"+signature)
			reply.Ns = parse(t, "test.", "@ NS ns\n@ RRSIG NS"+signature+"\na NSEC z A\na RRSIG NSEC"+signature+"\n@ SOA ns h 1 2 3 4 5\nelse.example. NSEC z A")
			return reply
		})
		w.serve("198.51.100.2", "example.", "www A 203.0.113.1")
		answer := resolve(t, newResolver(t, w), "x.test", dns.TypeA)
		expectAnswer(t, answer, dns.RcodeNameError, "x.test. CNAME nothing.example.", "x.test. RRSIG CNAME 5 2 300 20300101000000 20200101000000 1 test. AA==")
		var kinds []string
		for _, rr := range answer.Message().Ns {
			kinds = append(kinds, rr.Header().Name+" "+dns.TypeToString[rr.Header().Rrtype])
		}
		if got := strings.Join(kinds, ", "); got != "example. SOA, a.test. NSEC, a.test. RRSIG" {
			t.Errorf("authority is %s", got)
		}
	})
}

func TestServersOwnTargetIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
			reply := new(dns.Msg).SetReply(q)
			reply.Authoritative = true
			reply.Answer = parse(t, "test.", "x CNAME www.example.\nwww.example. A 192.0.2.66\nd DNAME example.\nx.d CNAME evil.test.")
			reply.Ns = parse(t, "test.", "example. NS evil.test.")
			reply.Extra = parse(t, "test.", "evil A 192.0.2.66")
			return reply
		})
		r := newResolver(t, w)
		expectAnswer(t, resolve(t, r, "x.test", dns.TypeA), dns.RcodeSuccess, "x.test. CNAME www.example.", "www.example. A 203.0.113.1")
		// A CNAME that the DNAME does not make is left out.
		expectAnswer(t, resolve(t, r, "x.d.test", dns.TypeA), dns.RcodeNameError, "d.test. DNAME example.", "x.d.test. CNAME x.example.")
		// And the NS record that came along has changed nothing.
		expectAnswer(t, resolve(t, r, "www.example", dns.TypeA), dns.RcodeSuccess, "www.example. A 203.0.113.1")
	})
}

func TestContradictions(t *testing.T) {
	for name, test := range map[string]struct {
		rcode             int
		answer, authority string
	}{
		"two trees":             {dns.RcodeSuccess, "@ DNAME a.\n@ DNAME b.", ""},
		"data and denial":       {dns.RcodeNameError, "x A 192.0.2.1", ""},
		"YXDOMAIN for nothing":  {dns.RcodeYXDomain, "", "@ SOA a b 1 2 3 4 5"},
		"no data, by nobody":    {dns.RcodeSuccess, "", ". NS a."},
		"signature and no data": {dns.RcodeServerFailure, "x RRSIG A 5 2 300 20300101000000 20200101000000 1 test. AA==", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					reply := new(dns.Msg).SetRcode(q, test.rcode)
					reply.Authoritative = name != "no data, by nobody"
					reply.Answer, reply.Ns = parse(t, "test.", test.answer), parse(t, "test.", test.authority)
					return reply
				})
				expectFailure(t, newResolver(t, w), query("x.test", dns.TypeA), resolver.NoReachableAuthority)
			})
		})
	}
}

func TestTooManyRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := usual(t)
		var records strings.Builder
		for i := range 101 {
			fmt.Fprintf(&records, "big A 10.0.0.%d\n", i)
		}
		w.serve("198.51.100.3", "test.", records.String())
		expectFailure(t, newResolver(t, w), query("big.test", dns.TypeA), resolver.NoReachableAuthority)
	})
}
