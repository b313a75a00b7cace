package local_test

import (
	"context"
	"errors"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/local"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var errBelow = errors.New("asked below")

func handler(zones bool) resolver.Handler {
	return resolver.Chain(resolver.HandlerFunc(func(context.Context, *resolver.Query) (*resolver.Answer, error) {
		return nil, errBelow
	}), local.Stage(local.Config{Zones: zones}))
}

func TestSpecialNames(t *testing.T) {
	const below = -1
	tests := []struct {
		name    string
		qtype   uint16
		rcode   int
		answers int
	}{
		{"localhost", dns.TypeA, dns.RcodeSuccess, 1},
		{"a.localhost", dns.TypeAAAA, dns.RcodeSuccess, 1},
		{"localhost", dns.TypeMX, dns.RcodeSuccess, 0},
		{"x.invalid", dns.TypeA, dns.RcodeNameError, 0},
		{"facebookcorewwwi.onion", dns.TypeA, dns.RcodeNameError, 0},
		{"test", dns.TypeSOA, dns.RcodeSuccess, 1},
		{"test", dns.TypeA, dns.RcodeSuccess, 0},
		{"printer.home.arpa", dns.TypeA, dns.RcodeNameError, 0},
		{"_dns.resolver.arpa", dns.TypeSVCB, dns.RcodeSuccess, 0},
		{"1.1.168.192.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, 0},
		{"1.1.20.172.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, 0},
		{"1.1.32.172.in-addr.arpa", dns.TypePTR, below, 0},
		{"www.example", dns.TypeA, below, 0},
		{"notlocalhost", dns.TypeA, below, 0},
	}
	for _, test := range tests {
		query := resolver.NewQuery(wire.MustName(test.name), test.qtype, nil)
		answer, err := handler(true).Resolve(t.Context(), query)
		if test.rcode == below {
			if !errors.Is(err, errBelow) {
				t.Errorf("%s was answered here: %v, %v", test.name, answer, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		message, err := answer.Unpack()
		if err != nil || message.Rcode != test.rcode || len(message.Answer) != test.answers {
			t.Errorf("%s: %v, %v", test.name, message, err)
		}
		if test.answers == 0 && (len(message.Ns) != 1 || message.Ns[0].Header().Rrtype != dns.TypeSOA) {
			t.Errorf("%s: a negative answer without SOA cannot be cached", test.name)
		}
	}
}

func TestWithoutLocalZonesTheWorldIsAsked(t *testing.T) {
	_, err := handler(false).Resolve(t.Context(), resolver.NewQuery(wire.MustName("localhost"), dns.TypeA, nil))
	if !errors.Is(err, errBelow) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNotRecursedFor(t *testing.T) {
	tests := []struct {
		name   string
		change func(*resolver.Query)
		code   uint16
	}{
		{"RD=0", func(q *resolver.Query) { q.Flags &^= wire.FlagRD }, resolver.NotAuthoritative},
		{"class CH", func(q *resolver.Query) { q.Question.Class = dns.ClassCHAOS }, resolver.NotSupported},
		{"AXFR", func(q *resolver.Query) { q.Question.Type = dns.TypeAXFR }, resolver.NotSupported},
	}
	for _, test := range tests {
		query := resolver.NewQuery(wire.MustName("www.example"), dns.TypeA, nil)
		test.change(query)
		answer, err := handler(true).Resolve(t.Context(), query)
		if err != nil || answer.Rcode() != dns.RcodeRefused || len(answer.Extended) != 1 || answer.Extended[0].Code != test.code {
			t.Errorf("%s: %+v, %v", test.name, answer, err)
		}
	}
	query := resolver.NewQuery(wire.MustName("_dns.resolver.arpa"), dns.TypeSVCB, nil)
	query.Flags &^= wire.FlagRD // RFC 9606 asks so
	if answer, err := handler(true).Resolve(t.Context(), query); err != nil || answer.Rcode() != dns.RcodeSuccess {
		t.Errorf("resolver.arpa without RD: %v, %v", answer, err)
	}
}
