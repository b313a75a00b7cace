package doh

import (
	"testing"

	"github.com/miekg/dns"
)

func TestFreshness(t *testing.T) {
	const (
		soa   = "example. 600 SOA ns.example. host.example. 1 2 3 4 300"
		short = "example. 30 SOA ns.example. host.example. 1 2 3 4 300"
	)
	for _, test := range []struct {
		name          string
		rcode         int
		answer, under []string
		want          string
	}{
		{"the least TTL", 0, []string{"a.example. 300 A 192.0.2.1", "a.example. 20 A 192.0.2.2"}, nil, "private, max-age=20"},
		{"of the answer section alone", 0, []string{"a.example. 300 A 192.0.2.1"}, []string{"example. 5 NS ns.example."}, "private, max-age=300"},
		{"zero", 0, []string{"a.example. 0 A 192.0.2.1"}, nil, "private, max-age=0"},
		{"top bit", 0, []string{"a.example. 2147483648 A 192.0.2.1"}, nil, "private, max-age=0"},
		{"negative: MINIMUM", dns.RcodeNameError, nil, []string{soa}, "private, max-age=300"},
		{"negative: TTL of SOA", 0, nil, []string{short}, "private, max-age=30"},
		{"an alias to nothing", dns.RcodeNameError, []string{"a.example. 900 CNAME b.example."}, []string{soa}, "private, max-age=300"},
		{"negative without SOA", dns.RcodeNameError, nil, nil, "no-store"},
		{"a failure", dns.RcodeServerFailure, nil, []string{soa}, "no-store"},
		{"refused", dns.RcodeRefused, nil, nil, "no-store"},
	} {
		message := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
		message.Response, message.Rcode = true, test.rcode
		message.Answer, message.Ns = records(t, test.answer), records(t, test.under)
		message.SetEdns0(1232, true)
		message.Extra = append(records(t, []string{"ns.example. 1 A 192.0.2.9"}), message.Extra...)
		packet := packed(t, message)
		if got := string(appendCacheControl(nil, packet)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		room := make([]byte, 0, 64)
		if allocs := testing.AllocsPerRun(100, func() { appendCacheControl(room, packet) }); allocs != 0 {
			t.Errorf("%s: allocates %v times", test.name, allocs)
		}
		for size := range packet { // whatever is cut off, nothing panics
			freshness(packet[:size])
		}
		packet[2] |= 2
		if got := string(appendCacheControl(nil, packet)); got != "no-store" {
			t.Errorf("%s, truncated: %q", test.name, got)
		}
	}
}
