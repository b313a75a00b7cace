package local_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// said is what the world says to one question.
type said struct {
	rcode             int
	answer, authority string
	security          resolver.Security
	extended          []resolver.Extended
	err               error
}

// world answers by name and type, and counts.
type world struct {
	t     testing.TB
	says  map[string]said
	asked []string
}

func (w *world) Resolve(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
	key := query.Question.Name.String() + " " + dns.Type(query.Question.Type).String()
	w.asked = append(w.asked, key)
	says, found := w.says[key]
	switch {
	case says.err != nil:
		return nil, says.err
	case !found:
		says = said{rcode: dns.RcodeNameError}
	}
	message := query.Message()
	message.Rcode = says.rcode
	message.Answer, message.Ns = zoneText(w.t, says.answer), zoneText(w.t, says.authority)
	answer := resolver.NewAnswer(message, query.Now)
	answer.Security, answer.Extended, answer.TTL, answer.Zone = says.security, says.extended, 300*time.Second, wire.MustName("example")
	return answer, nil
}

func zoneText(t testing.TB, text string) []dns.RR {
	t.Helper()
	parser := dns.NewZoneParser(strings.NewReader("$TTL 300\n"+text+"\n"), ".", "test")
	var records []dns.RR
	for record, more := parser.Next(); more; record, more = parser.Next() {
		records = append(records, record)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

const soa = "example. 120 SOA a. b. 1 2 3 4 900"

func sig(owner, kind string) string {
	return owner + " RRSIG " + kind + " 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
}

func dns64(world *world, prefix string) resolver.Handler {
	names := local.Stage(local.Config{Zones: true, DNS64: netip.MustParsePrefix(prefix)})
	return resolver.Chain(world, names, local.DNS64(netip.MustParsePrefix(prefix), names))
}

func fail(code uint16) error { return resolver.Fail(code, "failed") }

func TestDNS64(t *testing.T) {
	none := said{authority: soa, security: resolver.Secure}
	tests := map[string]struct {
		six, four said
		answer    string // "-" where an error is wanted
		ttl       uint32 // of the last record
		rcode     int
		security  resolver.Security
		asks      int
	}{
		"AAAA is there": { // RFC 6147, section 5.1.1
			six: said{answer: "www.example. AAAA 2001:db8::1", security: resolver.Secure}, four: said{answer: "www.example. A 192.0.2.1"},
			answer: "AAAA 2001:db8::1; ", ttl: 300, security: resolver.Secure, asks: 1},
		"no data": { // section 5.1.6; the TTL is the SOA's, section 5.1.7
			six: none, four: said{answer: "www.example. 600 A 192.0.2.1\nwww.example. 600 A 192.0.2.2", security: resolver.Secure},
			answer: "AAAA 64:ff9b::c000:201; AAAA 64:ff9b::c000:202; ", ttl: 120, security: resolver.Insecure, asks: 2},
		"the TTL of A is shorter": {
			six: none, four: said{answer: "www.example. 20 A 192.0.2.1"},
			answer: "AAAA 64:ff9b::c000:201; ", ttl: 20, security: resolver.Insecure, asks: 2},
		"no data, no SOA": { // section 5.1.7: 600 seconds at the most
			six: said{}, four: said{answer: "www.example. 9000 A 192.0.2.1"},
			answer: "AAAA 64:ff9b::c000:201; ", ttl: 600, security: resolver.Insecure, asks: 2},
		"the name does not exist": { // section 5.1.2
			six: said{rcode: dns.RcodeNameError, authority: soa, security: resolver.Secure}, four: said{answer: "www.example. A 192.0.2.1"},
			rcode: dns.RcodeNameError, security: resolver.Secure, asks: 1},
		"neither": {
			six: none, four: none, security: resolver.Secure, asks: 2},
		"A fails": { // section 5.1.6: the error is the answer
			six: none, four: said{err: fail(resolver.NoReachableAuthority)}, answer: "-", asks: 2},
		"A is bogus": { // section 5.5
			six: none, four: said{err: fail(resolver.Bogus)}, answer: "-", asks: 2},
		"AAAA fails": { // sections 5.1.2 and 5.1.3
			six: said{err: fail(resolver.NoReachableAuthority)}, four: said{answer: "www.example. 9000 A 192.0.2.1"},
			answer: "AAAA 64:ff9b::c000:201; ", ttl: 600, security: resolver.Insecure, asks: 2},
		"AAAA fails and A has nothing": {
			six: said{err: fail(resolver.NetworkError)}, four: none, answer: "-", asks: 2},
		"AAAA is bogus": { // section 5.5: else it were a way round validation
			six: said{err: fail(resolver.SignaturesMissing)}, four: said{answer: "www.example. A 192.0.2.1"}, answer: "-", asks: 1},
		"AAAA is withheld": {
			six: said{authority: soa, extended: []resolver.Extended{{Code: resolver.Censored}}}, four: said{answer: "www.example. A 192.0.2.1"}, asks: 1},
		"A is withheld": {
			six: none, four: said{answer: "www.example. A 192.0.2.1", extended: []resolver.Extended{{Code: resolver.Blocked}}}, security: resolver.Secure, asks: 2},
		"aliases": { // section 5.1.5
			six:    said{answer: "www.example. CNAME x.example.", authority: soa, security: resolver.Secure},
			four:   said{answer: "www.example. CNAME x.example.\n" + sig("www.example.", "CNAME") + "x.example. A 192.0.2.1\n" + sig("x.example.", "A"), security: resolver.Secure},
			answer: "CNAME x.example.; RRSIG CNAME 13 2 300 20300101000000 20200101000000 1 example. AAAA; AAAA 64:ff9b::c000:201; ",
			ttl:    120, security: resolver.Insecure, asks: 2},
		"excluded alone": { // section 5.1.4
			six: said{answer: "www.example. AAAA ::ffff:192.0.2.9", security: resolver.Secure}, four: said{answer: "www.example. A 192.0.2.1"},
			answer: "AAAA 64:ff9b::c000:201; ", ttl: 300, security: resolver.Insecure, asks: 2},
		"excluded among others": {
			six:    said{answer: "www.example. AAAA ::ffff:192.0.2.9\nwww.example. AAAA 2001:db8::1\n" + sig("www.example.", "AAAA"), security: resolver.Secure},
			answer: "AAAA 2001:db8::1; ", ttl: 300, security: resolver.Insecure, asks: 1},
		"excluded and no A": {
			six: said{answer: "www.example. AAAA ::ffff:192.0.2.9", security: resolver.Secure}, four: none, security: resolver.Insecure, asks: 2},
	}
	for name, test := range tests {
		w := &world{t: t, says: map[string]said{"www.example AAAA": test.six, "www.example A": test.four}}
		answer, message, err := ask(t, dns64(w, "64:ff9b::/96"), "www.example", dns.TypeAAAA)
		if len(w.asked) != test.asks {
			t.Errorf("%s: asked %q", name, w.asked)
		}
		if (err != nil) != (test.answer == "-") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		if message.Rcode != test.rcode || data(message.Answer) != test.answer || answer.Security != test.security || message.AuthenticatedData {
			t.Errorf("%s: security %d, %v", name, answer.Security, message)
		}
		if n := len(message.Answer); n > 0 && (message.Answer[n-1].Header().Ttl != test.ttl || answer.TTL > time.Duration(test.ttl)*time.Second) {
			t.Errorf("%s: TTL %s, want %d; kept for %s", name, message.Answer[n-1], test.ttl, answer.TTL)
		}
		if message.Question[0].Qtype != dns.TypeAAAA {
			t.Errorf("%s: the question became %v", name, message.Question)
		}
	}
}

// TestDNS64LeavesOthersAlone: types that are not about it, and clients that
// validate for themselves (RFC 6147, section 5.5, case 3).
func TestDNS64LeavesOthersAlone(t *testing.T) {
	w := &world{t: t, says: map[string]said{"www.example AAAA": {authority: soa}, "www.example A": {answer: "www.example. A 192.0.2.1"}}}
	h := dns64(w, "64:ff9b::/96")
	_, message, err := ask(t, h, "www.example", dns.TypeAAAA, func(q *resolver.Query) { q.Flags |= wire.FlagCD })
	if err != nil || len(message.Answer) != 0 {
		t.Errorf("with CD: %v, %v", message, err)
	}
	_, message, err = ask(t, h, "www.example", dns.TypeA)
	if err != nil || data(message.Answer) != "A 192.0.2.1; " {
		t.Errorf("A: %v, %v", message, err)
	}
	if len(w.asked) != 2 {
		t.Errorf("asked %q", w.asked)
	}
}

// TestDNS64Pointers is RFC 6147, section 5.3.1, for several lengths of the prefix.
func TestDNS64Pointers(t *testing.T) {
	for prefix, name := range map[string]string{
		"64:ff9b::/96":      "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa",
		"2001:db8:122::/48": "0.0.0.0.0.0.0.0.0.0.1.2.2.0.0.0.0.0.0.c.2.2.1.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		w := &world{t: t, says: map[string]said{"33.2.0.192.in-addr.arpa PTR": {answer: "33.2.0.192.in-addr.arpa. 60 PTR www.example.", security: resolver.Secure}}}
		h := dns64(w, prefix)
		answer, message, err := ask(t, resolver.Chain(w, local.DNS64(netip.MustParsePrefix(prefix), through)), name, dns.TypePTR)
		if err != nil || data(message.Answer) != "CNAME 33.2.0.192.in-addr.arpa.; PTR www.example.; " || answer.Security != resolver.Insecure || answer.TTL != time.Minute {
			t.Errorf("%s: %v, %v", prefix, message, err)
		}
		// 192.0.2.0/24 is a local zone: nothing of it is asked of the world.
		w.asked = nil
		if _, message, err = ask(t, h, name, dns.TypePTR); err != nil || message.Rcode != dns.RcodeNameError || len(w.asked) != 0 {
			t.Errorf("%s: %v, %v, asked %q", prefix, message, err, w.asked)
		}
		if _, message, err = ask(t, h, name, dns.TypeCNAME); err != nil || data(message.Answer) != "CNAME 33.2.0.192.in-addr.arpa.; " {
			t.Errorf("%s: %v, %v", prefix, message, err)
		}
		_, message, err = ask(t, h, "0"+name[1:], dns.TypePTR)
		if prefix != "64:ff9b::/96" && err == nil && len(message.Answer) != 1 {
			t.Errorf("%s: %v, %v", prefix, message, err)
		}
	}
	w := &world{t: t}
	for _, name := range []string{"1.0.0.2.ip6.arpa", "b.9.f.f.4.6.0.0.ip6.arpa", strings.Repeat("0.", 31) + "2.ip6.arpa"} {
		if _, message, err := ask(t, dns64(w, "64:ff9b::/96"), name, dns.TypePTR); err != nil || len(message.Answer) != 0 {
			t.Errorf("%s: %v, %v", name, message, err)
		}
	}
	if len(w.asked) != 3 {
		t.Errorf("asked %q", w.asked)
	}
}

func through(next resolver.Handler) resolver.Handler { return next }

// TestDNS64KeepsErrorsOfTheMachine: a context that ended is no sign of IPv4.
func TestDNS64KeepsErrorsOfTheMachine(t *testing.T) {
	w := &world{t: t, says: map[string]said{"www.example AAAA": {err: context.Canceled}, "www.example A": {answer: "www.example. A 192.0.2.1"}}}
	if _, _, err := ask(t, dns64(w, "64:ff9b::/96"), "www.example", dns.TypeAAAA); !errors.Is(err, context.Canceled) || len(w.asked) != 1 {
		t.Errorf("%v, asked %q", err, w.asked)
	}
}

// TestDNS64IsBounded: a large answer makes one that still fits a message.
func TestDNS64IsBounded(t *testing.T) {
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, "www.example. A 192.0.%d.%d\n", i/256, i%256)
	}
	w := &world{t: t, says: map[string]said{"www.example AAAA": {authority: soa}, "www.example A": {answer: many.String()}}}
	_, message, err := ask(t, dns64(w, "64:ff9b::/96"), "www.example", dns.TypeAAAA)
	if err != nil || len(message.Answer) != 100 {
		t.Errorf("%d records, %v", len(message.Answer), err)
	}
}
