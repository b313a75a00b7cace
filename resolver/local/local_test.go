package local_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var errBelow = errors.New("asked below")

// below stands for all that is beneath the stage.
var below = resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) { return nil, errBelow })

func handler(config local.Config) resolver.Handler {
	return resolver.Chain(below, local.Stage(config))
}

func ask(t testing.TB, handler resolver.Handler, name string, kind uint16, changes ...func(*resolver.Query)) (*resolver.Answer, *dns.Msg, error) {
	t.Helper()
	query := resolver.NewQuery(wire.MustName(name), kind, resolver.NewWork())
	for _, change := range changes {
		change(query)
	}
	answer, err := handler.Resolve(t.Context(), query)
	if err != nil {
		return nil, nil, err
	}
	message, err := answer.Unpack()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return answer, message, nil
}

// data lists a section as type and data.
func data(section []dns.RR) string {
	text := ""
	for _, record := range section {
		header := record.Header()
		text += dns.Type(header.Rrtype).String() + " " + record.String()[len(header.String()):] + "; "
	}
	return text
}

func TestSpecialNames(t *testing.T) {
	const below = -1
	tests := []struct {
		name    string
		qtype   uint16
		rcode   int
		answers string
	}{
		// RFC 6761, section 6.3
		{"localhost", dns.TypeA, dns.RcodeSuccess, "A 127.0.0.1; "},
		{"a.localhost", dns.TypeAAAA, dns.RcodeSuccess, "AAAA ::1; "},
		{"localhost", dns.TypeMX, dns.RcodeSuccess, ""},
		{"notlocalhost", dns.TypeA, below, ""},
		// RFC 6761, sections 6.2 and 6.4
		{"x.invalid", dns.TypeA, dns.RcodeNameError, ""},
		{"test", dns.TypeA, dns.RcodeSuccess, ""},
		{"test", dns.TypeDS, dns.RcodeSuccess, ""},
		{"www.example", dns.TypeA, below, ""},
		// RFC 6762, section 22.1
		{"printer.local", dns.TypeA, dns.RcodeNameError, ""},
		// RFC 7686, section 2
		{"facebookcorewwwi.onion", dns.TypeA, dns.RcodeNameError, ""},
		{"onion", dns.TypeDS, dns.RcodeSuccess, ""},
		// RFC 8375, section 4: the delegation is asked of the world
		{"printer.home.arpa", dns.TypeA, dns.RcodeNameError, ""},
		{"home.arpa", dns.TypeDS, below, ""},
		{"printer.home.arpa", dns.TypeDS, dns.RcodeNameError, ""},
		// RFC 9665, section 10
		{"default.service.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		// RFC 9462, section 6.4
		{"_dns.resolver.arpa", dns.TypeSVCB, dns.RcodeSuccess, ""},
		// RFC 6303, section 3: SOA and NS of the zone
		{"test", dns.TypeNS, dns.RcodeSuccess, "NS test.; "},
		{"10.in-addr.arpa", dns.TypeSOA, dns.RcodeSuccess, "SOA 10.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 3600; "},
		// RFC 6303, section 4
		{"1.1.168.192.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.1.20.172.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.1.32.172.in-addr.arpa", dns.TypePTR, below, ""},
		{"1.1.15.172.in-addr.arpa", dns.TypePTR, below, ""},
		{"7.0.0.127.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.0.0.127.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, "PTR localhost.; "},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", dns.TypePTR, dns.RcodeSuccess, "PTR localhost.; "},
		{"255.255.255.255.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, ""},
		{"9.9.9.9.in-addr.arpa", dns.TypePTR, below, ""},
		{"1.d.f.ip6.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.b.e.f.ip6.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"10.in-addr.arpa", dns.TypeDS, below, ""},
		// RFC 7793, section 2
		{"1.0.64.100.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.0.127.100.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{"1.0.63.100.in-addr.arpa", dns.TypePTR, below, ""},
		// RFC 8880, section 7.1: without DNS64 it is a name as any other
		{"ipv4only.arpa", dns.TypeA, below, ""},
	}
	for _, test := range tests {
		_, message, err := ask(t, handler(local.Config{Zones: true}), test.name, test.qtype)
		if test.rcode == below {
			if !errors.Is(err, errBelow) {
				t.Errorf("%s was answered here: %v, %v", test.name, message, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if message.Rcode != test.rcode || data(message.Answer) != test.answers {
			t.Errorf("%s: %v", test.name, message)
		}
		if test.answers == "" && (len(message.Ns) != 1 || message.Ns[0].Header().Rrtype != dns.TypeSOA) {
			t.Errorf("%s: a negative answer without SOA cannot be cached", test.name)
		}
	}
}

func TestWithoutLocalZonesTheWorldIsAsked(t *testing.T) {
	_, _, err := ask(t, handler(local.Config{}), "localhost", dns.TypeA)
	if !errors.Is(err, errBelow) {
		t.Errorf("got %v", err)
	}
}

// TestServedZones: who names the servers of a special zone wants them asked; a zone
// far above says nothing of the special ones below it.
func TestServedZones(t *testing.T) {
	served := []wire.Name{wire.MustName("home.arpa"), wire.MustName("5.10.in-addr.arpa"), wire.MustName("in-addr.arpa")}
	h := handler(local.Config{Zones: true, Served: served})
	for name, here := range map[string]bool{
		"printer.home.arpa": false, "1.1.5.10.in-addr.arpa": false, "1.1.6.10.in-addr.arpa": true, "9.9.9.9.in-addr.arpa": false, "x.test": true,
	} {
		_, _, err := ask(t, h, name, dns.TypePTR)
		if (err == nil) != here || err != nil && !errors.Is(err, errBelow) {
			t.Errorf("%s: answered here is %t, want %t (%v)", name, err == nil, here, err)
		}
	}
}

// TestIPv4Only is RFC 8880, sections 7.1 and 7.2, for a resolver that does DNS64.
func TestIPv4Only(t *testing.T) {
	h := handler(local.Config{DNS64: netip.MustParsePrefix("2001:db8:64::/48")})
	tests := []struct {
		name   string
		kind   uint16
		rcode  int
		answer string
	}{
		{"ipv4only.arpa", dns.TypeA, dns.RcodeSuccess, "A 192.0.0.170; A 192.0.0.171; "},
		{"ipv4only.arpa", dns.TypeAAAA, dns.RcodeSuccess, "AAAA 2001:db8:64:c000:0:aa00::; AAAA 2001:db8:64:c000:0:ab00::; "},
		{"ipv4only.arpa", dns.TypeMX, dns.RcodeSuccess, ""},
		{"x.ipv4only.arpa", dns.TypeA, dns.RcodeNameError, ""},
		{"170.0.0.192.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, "PTR ipv4only.arpa.; "},
		{"171.0.0.192.in-addr.arpa", dns.TypePTR, dns.RcodeSuccess, "PTR ipv4only.arpa.; "},
	}
	for _, test := range tests {
		_, message, err := ask(t, h, test.name, test.kind)
		if err != nil || message.Rcode != test.rcode || data(message.Answer) != test.answer {
			t.Errorf("%s %s: %v, %v", test.name, dns.Type(test.kind), message, err)
		}
	}
	for _, name := range []string{"ipv4only.arpa", "170.0.0.192.in-addr.arpa"} {
		if _, _, err := ask(t, h, name, dns.TypeDS); !errors.Is(err, errBelow) {
			t.Errorf("the delegation of %s is not asked of the world: %v", name, err)
		}
	}
}

func TestWhatHasNoAnswer(t *testing.T) {
	plain := func(*resolver.Query) {}
	tests := []struct {
		name   string
		kind   uint16
		change func(*resolver.Query)
		rcode  int
		code   uint16
	}{
		{"RD=0", dns.TypeA, func(q *resolver.Query) { q.Flags &^= wire.FlagRD }, dns.RcodeRefused, 20},
		{"class CH", dns.TypeTXT, func(q *resolver.Query) { q.Question.Class = dns.ClassCHAOS }, dns.RcodeRefused, 21},
		{"class ANY", dns.TypeA, func(q *resolver.Query) { q.Question.Class = dns.ClassANY }, dns.RcodeRefused, 21},
		{"AXFR", dns.TypeAXFR, plain, dns.RcodeRefused, 21},
		{"IXFR", dns.TypeIXFR, plain, dns.RcodeRefused, 21},
		{"type 0", 0, plain, dns.RcodeFormatError, 30},
		{"OPT", dns.TypeOPT, plain, dns.RcodeFormatError, 30},
		{"NXNAME (RFC 9824, section 3.5)", 128, plain, dns.RcodeFormatError, 30},
		{"TSIG", dns.TypeTSIG, plain, dns.RcodeFormatError, 30},
		{"MAILA", dns.TypeMAILA, plain, dns.RcodeNotImplemented, 21},
		{"type 200", 200, plain, dns.RcodeNotImplemented, 21},
	}
	for _, test := range tests {
		answer, message, err := ask(t, handler(local.Config{Zones: true}), "www.example", test.kind, test.change)
		if err != nil || message.Rcode != test.rcode || len(answer.Extended) != 1 || answer.Extended[0].Code != test.code {
			t.Errorf("%s: %v, %+v, %v", test.name, message, answer, err)
		}
	}
	for _, kind := range []uint16{dns.TypeANY, dns.TypeA, 127, 256, 65280} {
		if _, _, err := ask(t, handler(local.Config{Zones: true}), "www.example", kind); !errors.Is(err, errBelow) {
			t.Errorf("type %d is not asked for: %v", kind, err)
		}
	}
	unrecursed := func(q *resolver.Query) { q.Flags &^= wire.FlagRD } // RFC 9606 asks so
	if _, message, err := ask(t, handler(local.Config{Zones: true}), "_dns.resolver.arpa", dns.TypeSVCB, unrecursed); err != nil || message.Rcode != dns.RcodeSuccess {
		t.Errorf("resolver.arpa without RD: %v, %v", message, err)
	}
}

// TestSnoop: only a named network gets past, and only as far as the cache.
func TestSnoop(t *testing.T) {
	config := local.Config{Snoop: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	from := func(addr string) func(*resolver.Query) {
		return func(q *resolver.Query) {
			q.Flags &^= wire.FlagRD
			q.Client.Addr = netip.MustParseAddr(addr)
		}
	}
	if _, _, err := ask(t, handler(config), "www.example", dns.TypeA, from("192.0.2.9")); !errors.Is(err, errBelow) {
		t.Errorf("the named network did not reach the cache: %v", err)
	}
	refused := map[string]resolver.Handler{
		"192.0.3.9": handler(config),
		"192.0.2.9": resolver.Chain(below, local.Stage(config), local.Desired),
	}
	for addr, h := range refused {
		answer, message, err := ask(t, h, "www.example", dns.TypeA, from(addr))
		if err != nil || message.Rcode != dns.RcodeRefused || answer.Extended[0].Code != resolver.NotAuthoritative {
			t.Errorf("%s: %v, %v", addr, message, err)
		}
	}
	if _, _, err := ask(t, resolver.Chain(below, local.Desired), "www.example", dns.TypeA); !errors.Is(err, errBelow) {
		t.Errorf("RD=1 is not recursed for: %v", err)
	}
}
