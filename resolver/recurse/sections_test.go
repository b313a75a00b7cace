package recurse_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// TestFullAnswers: what goes with an answer is the zone's own, each once, and not too much.
func TestFullAnswers(t *testing.T) {
	numbered := func(count int, format string) string {
		var text strings.Builder
		for i := range count {
			fmt.Fprintf(&text, format+"\n", i+1)
		}
		return text.String()
	}
	const servers, address = "test. NS ns.test.", "ns.test. A 198.51.100.3"
	long := "www TXT " + strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 5)
	longer := "www TXT " + strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 16)
	for name, test := range map[string]struct {
		kind                          uint16
		answer, authority, additional string
		wantServers, wantBeside       []string
	}{
		"both":                     {dns.TypeA, "www A 203.0.113.3", "@ NS ns", "ns A 198.51.100.3", []string{servers}, []string{address}},
		"a target of two records":  {dns.TypeMX, "www MX 1 ns\nwww MX 2 ns", "@ NS ns", "ns A 198.51.100.3", []string{servers}, []string{address}},
		"servers of a child first": {dns.TypeA, "www A 203.0.113.3", "child NS ns.child\n@ NS ns", "ns A 198.51.100.3\nns.child A 198.51.100.9", []string{servers}, []string{address}},
		"no servers first":         {dns.TypeA, "www A 203.0.113.3", "www TXT no\n@ NS ns", "", []string{servers}, nil},
		"a zone of somebody else":  {dns.TypeMX, "www MX 1 mail.apart\nwww MX 2 ns", "", "mail.apart A 203.0.113.9\nns A 198.51.100.3", nil, []string{address}},
		"a service that is not":    {dns.TypeHTTPS, "www HTTPS 0 .", "", "www A 203.0.113.9", nil, nil},
		"a service elsewhere":      {dns.TypeSVCB, "www SVCB 1 ns alpn=h2", "", "ns A 198.51.100.3", nil, []string{address}},
		"a service by SRV":         {dns.TypeSRV, "www SRV 1 1 443 ns", "", "ns A 198.51.100.3", nil, []string{address}},
		"64 servers":               {dns.TypeA, "www A 203.0.113.3", numbered(64, "@ NS %d"), "", lines(parse(t, "test.", numbered(64, "@ NS %d"))), nil},
		"65 servers":               {dns.TypeA, "www A 203.0.113.3", numbered(65, "@ NS %d"), "1 A 198.51.100.3", nil, nil},
		"64 addresses":             {dns.TypeMX, "www MX 1 ns", "", numbered(64, "ns A 198.51.100.%d"), nil, lines(parse(t, "test.", numbered(64, "ns A 198.51.100.%d")))},
		"65 addresses":             {dns.TypeMX, "www MX 1 ns", "", numbered(65, "ns A 198.51.100.%d") + "ns AAAA 2001:db8::1", nil, []string{"ns.test. AAAA 2001:db8::1"}},
		"no room for servers":      {dns.TypeTXT, long, "@ NS ns", "ns A 198.51.100.3", nil, nil},
		"no room at all":           {dns.TypeTXT, longer, "", "", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := usual(t)
				w.on("198.51.100.3", func(q *dns.Msg, _ resolver.Transport) *dns.Msg {
					reply := new(dns.Msg).SetReply(q)
					reply.Authoritative = true
					reply.Answer, reply.Ns, reply.Extra = parse(t, "test.", test.answer), parse(t, "test.", test.authority), parse(t, "test.", test.additional)
					return reply
				})
				apart := resolver.Server{Addr: netip.MustParseAddrPort("198.51.100.9:53")}
				r := newResolver(t, w, func(c *recurse.Config) {
					c.Full = true
					c.Stubs = []recurse.Stub{{Zone: wire.MustName("apart.test"), Servers: []resolver.Server{apart}}}
				})
				message := resolve(t, r, "www.test", test.kind).Message()
				if got := lines(message.Ns); !slices.Equal(got, test.wantServers) {
					t.Errorf("authority %v, want %v", got, test.wantServers)
				}
				if got := lines(message.Extra); !slices.Equal(got, test.wantBeside) {
					t.Errorf("additional %v, want %v", got, test.wantBeside)
				}
			})
		})
	}
}
