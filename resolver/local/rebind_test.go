package local_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

var rebinding = local.Rebinding{
	Addresses: prefixes("10.0.0.0/8", "192.168.0.0/16", "127.0.0.0/8", "fd00::/8", "fe80::/10"),
	Names:     []wire.Name{wire.MustName("corp.example")},
	DNS64:     netip.MustParsePrefix("2001:db8:64::/96"),
}

func TestRebinding(t *testing.T) {
	tests := map[string]struct {
		name, answer string
		kind         uint16
		want         string
		changed      bool
		soa          string
	}{
		"public":       {"www.example", "www.example. A 192.0.2.1", dns.TypeA, "A 192.0.2.1; ", false, ""},
		"private":      {"www.example", "www.example. A 10.1.2.3", dns.TypeA, "", true, "www.example."},
		"both":         {"www.example", "www.example. A 10.1.2.3\nwww.example. A 192.0.2.1\n" + sig("www.example.", "A"), dns.TypeA, "A 192.0.2.1; ", true, ""},
		"loopback":     {"www.example", "www.example. A 127.0.0.1", dns.TypeA, "", true, "www.example."},
		"unique local": {"www.example", "www.example. AAAA fd12::1", dns.TypeAAAA, "", true, "www.example."},
		"mapped":       {"www.example", "www.example. AAAA ::ffff:192.168.1.1", dns.TypeAAAA, "", true, "www.example."},
		"through any NAT64": {"www.example", "www.example. AAAA 64:ff9b::10.0.0.1\nwww.example. AAAA 64:ff9b::192.0.2.1", dns.TypeAAAA,
			"AAAA 64:ff9b::c000:201; ", true, ""},
		"through our NAT64": {"www.example", "www.example. AAAA 2001:db8:64::10.0.0.1", dns.TypeAAAA, "", true, "www.example."},
		"own name":          {"www.corp.example", "www.corp.example. A 10.1.2.3", dns.TypeA, "A 10.1.2.3; ", false, ""},
		"own name's alias":  {"corp.example", "corp.example. CNAME www.example.\nwww.example. A 10.1.2.3", dns.TypeA, "CNAME www.example.; A 10.1.2.3; ", false, ""},
		"alias to own name": {"www.example", "www.example. CNAME db.corp.example.\ndb.corp.example. A 10.1.2.3", dns.TypeA,
			"CNAME db.corp.example.; ", true, "db.corp.example."},
		"hints": {"www.example", `www.example. HTTPS 1 . alpn="h2" ipv4hint=10.0.0.1,192.0.2.1 ipv6hint=fd00::1`, dns.TypeHTTPS,
			`HTTPS 1 . alpn="h2" ipv4hint="192.0.2.1"; `, true, ""},
		"SVCB hints": {"www.example", `www.example. SVCB 1 . ipv4hint=10.0.0.1` + "\n" + sig("www.example.", "SVCB"), dns.TypeSVCB, `SVCB 1 .; `, true, ""},
		// RFC 9460, section 8: a mandatory key that is not there makes the record malformed.
		"mandatory hint": {"www.example", `www.example. HTTPS 1 . mandatory=ipv4hint ipv4hint=10.0.0.1` + "\n" + `www.example. HTTPS 2 . alpn="h2"`, dns.TypeHTTPS,
			`HTTPS 2 . alpn="h2"; `, true, ""},
		"good hints": {"www.example", `www.example. HTTPS 1 . ipv4hint=192.0.2.1`, dns.TypeHTTPS, `HTTPS 1 . ipv4hint="192.0.2.1"; `, false, ""},
		"other data": {"www.example", `www.example. TXT "10.1.2.3"`, dns.TypeTXT, `TXT "10.1.2.3"; `, false, ""},
	}
	for name, test := range tests {
		key := test.name + " " + dns.Type(test.kind).String()
		w := &world{t: t, says: map[string]said{key: {answer: test.answer, security: resolver.Secure}}}
		answer, message, err := ask(t, resolver.Chain(w, rebinding.Stage), test.name, test.kind)
		if err != nil || message.Rcode != dns.RcodeSuccess || data(message.Answer) != test.want {
			t.Errorf("%s: %v, %v", name, message, err)
			continue
		}
		found := ""
		if len(message.Ns) == 1 {
			found = message.Ns[0].Header().Name
		}
		if found != test.soa {
			t.Errorf("%s: SOA at %q, want %q", name, found, test.soa)
		}
		explained := len(answer.Extended) == 1 && answer.Extended[0].Code == 0 && answer.Extended[0].Text != ""
		if explained != test.changed || (answer.Security == resolver.Insecure) != test.changed || test.changed && answer.TTL > time.Minute {
			t.Errorf("%s: security %d, TTL %s, explained %v", name, answer.Security, answer.TTL, answer.Extended)
		}
	}
}

// TestRebindingHoldsForAll: neither a client that validates for itself nor DNS64
// is a way past.
func TestRebindingHoldsForAll(t *testing.T) {
	w := &world{t: t, says: map[string]said{"www.example A": {answer: "www.example. A 10.1.2.3"}, "www.example AAAA": {authority: soa}}}
	_, message, err := ask(t, resolver.Chain(w, rebinding.Stage), "www.example", dns.TypeA, func(q *resolver.Query) { q.Flags |= wire.FlagCD })
	if err != nil || len(message.Answer) != 0 {
		t.Errorf("CD: %v, %v", message, err)
	}
	h := resolver.Chain(w, local.DNS64(netip.MustParsePrefix("2001:db8:64::/96"), through), rebinding.Stage)
	if _, message, err = ask(t, h, "www.example", dns.TypeAAAA); err != nil || len(message.Answer) != 0 {
		t.Errorf("DNS64: %v, %v", message, err)
	}
}

func TestRebindingOff(t *testing.T) {
	w := &world{t: t, says: map[string]said{"www.example A": {answer: "www.example. A 10.1.2.3"}}}
	if _, message, err := ask(t, resolver.Chain(w, local.Rebinding{}.Stage), "www.example", dns.TypeA); err != nil || len(message.Answer) != 1 {
		t.Errorf("%v, %v", message, err)
	}
}

func TestQuietKeepsTheReasonsOfBlocks(t *testing.T) {
	all := []resolver.Extended{{Code: resolver.StaleAnswer}, {Code: resolver.Censored, Text: "order 7"}, {Code: resolver.Bogus}}
	w := &world{t: t, says: map[string]said{
		"www.example A": {answer: "www.example. A 192.0.2.1", extended: all},
		"bad.example A": {err: &resolver.Failure{Extended: all, Err: errBelow}},
	}}
	h := resolver.Chain(w, local.Quiet)
	answer, _, err := ask(t, h, "www.example", dns.TypeA)
	if err != nil || len(answer.Extended) != 1 || answer.Extended[0] != all[1] {
		t.Errorf("%+v, %v", answer, err)
	}
	_, _, err = ask(t, h, "bad.example", dns.TypeA)
	failure := (*resolver.Failure)(nil)
	if !errors.As(err, &failure) || len(failure.Extended) != 1 || failure.Extended[0] != all[1] || !errors.Is(err, errBelow) {
		t.Errorf("%+v", err)
	}
}
