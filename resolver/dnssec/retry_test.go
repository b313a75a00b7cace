package dnssec_test

import (
	"context"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/dnssec"
)

func TestOneBadServer(t *testing.T) {
	const www = "www.example.test."
	wrongKey := func(m *dns.Msg) { m.Answer = []dns.RR{newKey(t, "example.test.", dns.ED25519).record} }
	for question, spoil := range map[string]func(*dns.Msg){
		www + " A":             strip(dns.TypeRRSIG),
		"example.test. DS":     strip(dns.TypeDS, dns.TypeRRSIG),
		"example.test. DNSKEY": wrongKey,
		"test. DNSKEY":         strip(dns.TypeRRSIG),
		". DNSKEY":             strip(dns.TypeDNSKEY),
	} {
		t.Run(question, func(t *testing.T) {
			w := example(t)
			w.passing = map[string]func(*dns.Msg){question: spoil}
			check(t, w, www, dns.TypeA, isSecure)
		})
	}
}

func askFor(name string) *resolver.Query { return question(name, dns.TypeA) }

// TestRollover: a zone whose keys changed from one moment to the next is learnt
// anew, while the old keys are still remembered.
func TestRollover(t *testing.T) {
	w := example(t)
	stage := w.validator(dnssec.Config{}).Stage(w)
	answer, err := stage.Resolve(t.Context(), askFor("www.example.test."))
	compare(t, "www", answer, err, isSecure)
	w.zone("example.test.").keys = []signingKey{newKey(t, "example.test.", dns.ED25519)}
	setDS(w, w.zone("example.test.").keys[0].record.ToDS(dns.SHA256))
	answer, err = stage.Resolve(t.Context(), askFor("many.example.test."))
	compare(t, "many", answer, err, isSecure)
	before := len(w.questions())
	answer, err = stage.Resolve(t.Context(), askFor("www.example.test."))
	compare(t, "www", answer, err, isSecure)
	if asked := w.questions()[before:]; len(asked) != 1 {
		t.Errorf("asked %v: the new keys were not remembered", asked)
	}
}

// TestRetryOnce: what is bogus for good costs two attempts, and what was learnt to
// be broken past every cache costs the next query nothing.
func TestRetryOnce(t *testing.T) {
	w := example(t)
	w.edit("example.test. DNSKEY", strip(dns.TypeDNSKEY))
	stage := w.validator(dnssec.Config{}).Stage(w)
	ask := func(name string, at time.Time) int {
		before := len(w.questions())
		query := askFor(name)
		query.Now = at
		answer, err := stage.Resolve(t.Context(), query)
		compare(t, name, answer, err, fails(resolver.KeyMissing))
		return len(w.questions()) - before
	}
	ask("www.example.test.", noon)
	if fetched := count(w.questions(), "example.test. DNSKEY"); fetched != 2 {
		t.Errorf("keys fetched %d times, want twice", fetched)
	}
	if asked := ask("many.example.test.", noon.Add(time.Second)); asked != 1 {
		t.Errorf("%d questions in a zone that is known to be broken, want the query's own", asked)
	}
	if asked := ask("many.example.test.", noon.Add(6*time.Second)); asked < 3 {
		t.Errorf("%d questions: the zone was held for broken too long", asked)
	}
}

func count(list []string, wanted string) int {
	found := 0
	for _, one := range list {
		if one == wanted {
			found++
		}
	}
	return found
}

// TestRetryThatFails: the first flaw stays the reason where the second try brings
// no answer at all.
func TestRetryThatFails(t *testing.T) {
	w := example(t)
	w.edit("www.example.test. A", strip(dns.TypeRRSIG))
	next := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Fresh {
			return nil, resolver.Fail(resolver.NoReachableAuthority, "all gone")
		}
		return w.Resolve(ctx, query)
	})
	answer, err := w.validator(dnssec.Config{}).Stage(next).Resolve(t.Context(), askFor("www.example.test."))
	compare(t, "www", answer, err, fails(resolver.SignaturesMissing))
}
