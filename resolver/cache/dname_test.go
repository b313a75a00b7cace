package cache_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// redirected is a world in which old.example is new.example.
func redirected() *script {
	dname := signed("old.example. 300 DNAME new.example.")
	return &script{security: resolver.Secure, replies: map[string]reply{
		"www.old.example. A":    {records: append(append(slices.Clip(dname), "www.old.example. 300 CNAME www.new.example."), signed("www.new.example. 60 A 192.0.2.1")...)},
		"mail.new.example. A":   {records: signed("mail.new.example. 60 A 192.0.2.2")},
		"mail.new.example. TXT": {records: signed("mail.new.example. 60 TXT x")},
		"mail.new.example. DS":  {records: signed("mail.new.example. 60 DS 1 13 2 00")},
		"old.example. A":        {records: signed("old.example. 60 A 192.0.2.3")},
		"mail.old.example. ANY": {records: dname},
	}}
}

func TestAKeptDNAMEAnswersBelowItsOwner(t *testing.T) {
	s := redirected()
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, c *cache.Cache) {
		resolveType(t, handler, "www.old.example", dns.TypeA)
		time.Sleep(20 * time.Second)
		for _, test := range []struct {
			name  string
			kind  uint16
			asked string
			want  []string
		}{
			{"mail.old.example", dns.TypeA, "mail.new.example. A", []string{"mail.old.example. 280 CNAME mail.new.example.", "mail.new.example. 60 A 192.0.2.2"}},
			{"mail.old.example", dns.TypeCNAME, "", []string{"mail.old.example. 280 CNAME mail.new.example."}},
			{"mail.old.example", dns.TypeTXT, "mail.new.example. TXT", []string{"mail.old.example. 280 CNAME mail.new.example.", "mail.new.example. 60 TXT \"x\""}},
			{"a.b.old.example", dns.TypeCNAME, "", []string{"a.b.old.example. 280 CNAME a.b.new.example."}},
			{"mail.old.example", dns.TypeDS, "mail.new.example. DS", []string{"mail.old.example. 280 CNAME mail.new.example.", "mail.new.example. 60 DS 1 13 2 00"}},
		} {
			s.asked = nil
			answer := mustResolve(t, handler, query(test.name, test.kind))
			message, err := answer.Unpack()
			want := append([]string{"old.example. 280 DNAME new.example."}, test.want...)
			if got := texts(message); err != nil || !slices.Equal(got, want) || answer.Security != resolver.Secure || message.Rcode != 0 {
				t.Errorf("%s: answered %q, standing %d", test.name, got, answer.Security)
			}
			if signature, ok := message.Answer[1].(*dns.RRSIG); !ok || signature.TypeCovered != dns.TypeDNAME {
				t.Errorf("%s: the DNAME's signature is not beside it: %v", test.name, message.Answer)
			}
			if got := strings.Join(s.asked, ","); got != test.asked {
				t.Errorf("%s: asked %q", test.name, got)
			}
		}
		if answer := mustResolve(t, handler, query("mail.old.example", dns.TypeA)); answer.TTL != 60*time.Second {
			t.Errorf("lives %v", answer.TTL)
		}
		if got := c.Stats().Aliased.Load(); got != 5 {
			t.Errorf("counted %d", got)
		}
	})
}

func TestWhatAKeptDNAMEDoesNotAnswer(t *testing.T) {
	s := redirected()
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, c *cache.Cache) {
		resolveType(t, handler, "www.old.example", dns.TypeA)
		s.asked = nil
		resolveType(t, handler, "old.example", dns.TypeA) // the owner itself has data beside it
		resolveType(t, handler, "mail.old.example", dns.TypeANY)
		unchecked := query("mail.old.example", dns.TypeA)
		unchecked.Flags |= wire.FlagCD
		_, _ = handler.Resolve(t.Context(), unchecked)
		_, _ = handler.Resolve(t.Context(), query("xold.example", dns.TypeA)) // not below it
		if want := []string{"old.example. A", "mail.old.example. ANY", "mail.old.example. A", "xold.example. A"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
		c.Flush(wire.MustName("other.old.example"), false) // what would answer for it goes
		_, err := handler.Resolve(t.Context(), query("other.old.example", dns.TypeA))
		if failure := (*resolver.Failure)(nil); !errors.As(err, &failure) || s.asked[4] != "other.old.example. A" {
			t.Errorf("after a flush: %v, asked %q", err, s.asked)
		}
	})
}

// TestADNAMEAskedForBelowAnother: what comes is the other one, and no DNAME of the name.
func TestADNAMEAskedForBelowAnother(t *testing.T) {
	s := redirected()
	dname := s.replies["mail.old.example. ANY"].records
	s.replies["www.old.example. DNAME"] = reply{records: append(slices.Clip(dname), "www.old.example. 300 CNAME www.new.example.")}
	s.replies["a.www.new.example. A"] = reply{records: signed("a.www.new.example. 60 A 192.0.2.4")}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.old.example", dns.TypeDNAME)
		message := resolveType(t, handler, "a.www.old.example", dns.TypeA)
		want := []string{"old.example. 300 DNAME new.example.", "a.www.old.example. 300 CNAME a.www.new.example.", "a.www.new.example. 60 A 192.0.2.4"}
		if got := texts(message); !slices.Equal(got, want) {
			t.Errorf("answered %q", got)
		}
	})
}

func TestADNAMEEndsWithItsTTL(t *testing.T) {
	s := redirected()
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.old.example", dns.TypeA)
		time.Sleep(271 * time.Second) // in its last tenth it is asked for anew
		if _, err := handler.Resolve(t.Context(), query("mail.old.example", dns.TypeA)); err == nil || s.asked[1] != "mail.old.example. A" {
			t.Errorf("asked %q: %v", s.asked, err)
		}
	})
}

// TestOnlyAProvedDNAMEIsKept: one forged reply must not be worth a subtree.
func TestOnlyAProvedDNAMEIsKept(t *testing.T) {
	dname := []string{"old.example. 300 DNAME new.example.", "www.old.example. 300 CNAME www.new.example.", "www.new.example. 60 A 192.0.2.1"}
	wild := append([]string{dname[0], "old.example. 300 RRSIG DNAME 13 1 300 20330101000000 20200101000000 1 example. AAAA"}, dname[1:]...)
	for what, first := range map[string]reply{
		"unsigned":                    {records: dname, security: resolver.Insecure},
		"signed in an insecure whole": {records: append(signed(dname[0]), dname[1:]...), security: resolver.Insecure},
		"unsigned in a secure whole":  {records: dname, security: resolver.Secure},
		"from a wildcard":             {records: wild, security: resolver.Secure},
	} {
		for _, owner := range []string{"www.old.example. A", "old.example. DNAME"} {
			if kind := strings.Fields(owner)[1]; kind == "DNAME" && first.security == resolver.Secure {
				continue // a validator lets no such answer through
			}
			s := &script{replies: map[string]reply{owner: first, "www.old.example. TXT": {}, "mail.old.example. A": {}}}
			played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
				name, kind, _ := strings.Cut(owner, " ")
				resolveType(t, handler, name, dns.StringToType[kind])
				resolveType(t, handler, "mail.old.example", dns.TypeA)
				resolveType(t, handler, "www.old.example", dns.TypeTXT) // nor the CNAME that it made
				if want := []string{owner, "mail.old.example. A", "www.old.example. TXT"}; !slices.Equal(s.asked, want) {
					t.Errorf("%s: asked %q", what, s.asked)
				}
			})
		}
	}
}

func TestADNAMEThatMakesTooLongANameSaysSo(t *testing.T) {
	long := strings.Repeat("a", 63)
	s := &script{security: resolver.Secure, replies: map[string]reply{
		"old.example. DNAME": {records: signed("old.example. 300 DNAME " + strings.Join([]string{long, long, long}, ".") + ".example.")},
	}}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "old.example", dns.TypeDNAME)
		answer := mustResolve(t, handler, query(long+".old.example", dns.TypeA))
		message, err := answer.Unpack()
		if err != nil || message.Rcode != dns.RcodeYXDomain || len(texts(message)) != 1 || len(s.asked) != 1 || answer.Security != resolver.Secure {
			t.Errorf("answered %v, asked %q: %v", message, s.asked, err)
		}
		if answer := mustResolve(t, handler, query(long+".old.example", dns.TypeCNAME)); answer.Rcode() != dns.RcodeYXDomain {
			t.Errorf("for CNAME: %d", answer.Rcode())
		}
	})
}

// TestDNAMEsInACircleAreNotFollowed, nor those that lead too far: the zones are asked.
func TestDNAMEsInACircleAreNotFollowed(t *testing.T) {
	for what, records := range map[string][]string{
		"to itself":    {"old.example. 300 DNAME old.example."},
		"growing":      {"old.example. 300 DNAME x.old.example."},
		"to and fro":   {"old.example. 300 DNAME new.example.", "new.example. 300 DNAME old.example."},
		"over a CNAME": {"old.example. 300 DNAME new.example.", "www.new.example. 300 CNAME www.old.example."},
	} {
		s := &script{security: resolver.Secure, replies: make(map[string]reply)}
		played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
			for _, record := range records {
				fields := strings.Fields(record)
				s.replies[fields[0]+" "+fields[2]] = reply{records: signed(record)}
				resolveType(t, handler, fields[0], dns.StringToType[fields[2]])
			}
			s.asked = nil
			if _, err := handler.Resolve(t.Context(), query("www.old.example", dns.TypeA)); err == nil || !slices.Equal(s.asked, []string{"www.old.example. A"}) {
				t.Errorf("%s: asked %q: %v", what, s.asked, err)
			}
		})
	}
}

// TestKeptAliasesAndNewOnesAreCountedTogether: eleven, wherever they come from.
func TestKeptAliasesAndNewOnesAreCountedTogether(t *testing.T) {
	s := redirected()
	var records []string
	for i := range 11 {
		records = append(records, signed(string(rune('a'+i))+".new.example. 300 CNAME "+string(rune('b'+i))+".new.example.")...)
	}
	s.replies["a.new.example. A"] = reply{records: append(records, signed("l.new.example. 60 A 192.0.2.1")...)}
	s.replies["a.old.example. A"] = reply{fails: true}
	played(t, cache.Config{}, s, func(t *testing.T, handler resolver.Handler, _ *cache.Cache) {
		resolveType(t, handler, "www.old.example", dns.TypeA)
		if _, err := handler.Resolve(t.Context(), query("a.old.example", dns.TypeA)); err == nil || s.asked[len(s.asked)-1] != "a.old.example. A" {
			t.Errorf("asked %q: %v", s.asked, err)
		}
		resolveType(t, handler, "a.new.example", dns.TypeA)
	})
}
