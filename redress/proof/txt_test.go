package proof_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

const challenge = "redress=abcdefghijklmnopqrstuvwxyz234567"

func claim(name string) redress.Claim {
	parsed := wire.MustName(name)
	return redress.Claim{Name: parsed, Challenge: redress.ChallengeFor(parsed, challenge), Method: redress.ByDNS}
}

func TestProof(t *testing.T) {
	bogus := &resolver.Failure{Extended: []resolver.Extended{{Code: resolver.SignatureExpired}}, Err: errors.New("expired")}
	unreachable := resolver.Fail(resolver.NoReachableAuthority, "nobody answers")
	for name, c := range map[string]struct {
		name     string
		records  []string
		fail     map[string]error
		verified bool
		detail   string
	}{
		"right":                   {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "` + challenge + `"`}, nil, true, "is right"},
		"upper case owner":        {"www.example.org", []string{`_Redress-Challenge.WWW.example.org. 60 IN TXT "` + challenge + `"`}, nil, true, "is right"},
		"among others":            {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "v=spf1"`, `_redress-challenge.www.example.org. 60 IN TXT "` + challenge + `"`}, nil, true, ""},
		"in two strings":          {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "` + challenge[:20] + `" "` + challenge[20:] + `"`}, nil, true, ""},
		"at the registrable name": {"a.b.example.co.uk", []string{`_redress-challenge.example.co.uk. 60 IN TXT "` + challenge + `"`}, nil, true, "_redress-challenge.example.co.uk"},
		"by an alias":             {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN CNAME proofs.example.net.`, `proofs.example.net. 60 IN TXT "` + challenge + `"`}, nil, true, ""},
		"a public suffix itself":  {"co.uk", []string{`_redress-challenge.co.uk. 60 IN TXT "` + challenge + `"`}, nil, true, ""},

		"nothing there":               {"www.example.org", nil, nil, false, "no TXT record"},
		"not above the registrable":   {"www.example.co.uk", []string{`_redress-challenge.co.uk. 60 IN TXT "` + challenge + `"`}, nil, false, "no TXT record"},
		"not across a private suffix": {"tenant.github.io", []string{`_redress-challenge.github.io. 60 IN TXT "` + challenge + `"`}, nil, false, "no TXT record"},
		"not of a sibling":            {"www.example.org", []string{`_redress-challenge.mail.example.org. 60 IN TXT "` + challenge + `"`}, nil, false, "no TXT record"},
		"a name between":              {"a.b.example.org", []string{`_redress-challenge.b.example.org. 60 IN TXT "` + challenge + `"`}, nil, false, "no TXT record"},
		"wildcard":                    {"www.example.org", []string{`*.www.example.org. 60 IN TXT "` + challenge + `"`}, nil, false, "wildcard"},
		"wildcard above":              {"www.example.org", []string{`*.example.org. 60 IN TXT "` + challenge + `"`}, nil, false, "wildcard"},
		"other value":                 {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "redress=zzz"`}, nil, false, "another value"},
		"no value of ours":            {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "hello"`}, nil, false, "not with the value"},
		"without the beginning":       {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "` + challenge[8:] + `"`}, nil, false, "starts with redress="},
		"quoted":                      {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "\"` + challenge + `\""`}, nil, false, "quotation marks"},
		"capitals":                    {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN TXT "` + strings.ToUpper(challenge) + `"`}, nil, false, "capitals"},
		"zone added twice":            {"www.example.org", []string{`_redress-challenge.www.example.org.example.org. 60 IN TXT "` + challenge + `"`}, nil, false, "_redress-challenge.www.example.org.example.org"},
		"zone itself added twice":     {"example.org", []string{`_redress-challenge.example.org.example.org. 60 IN TXT "` + challenge + `"`}, nil, false, "a second time"},
		"bogus":                       {"www.example.org", nil, map[string]error{"_redress-challenge.www.example.org": bogus}, false, "DNSSEC"},
		"no answer":                   {"www.example.org", nil, map[string]error{"_redress-challenge.www.example.org": unreachable}, false, "No name server"},
		"alias loop":                  {"www.example.org", []string{`_redress-challenge.www.example.org. 60 IN CNAME _redress-challenge.www.example.org.`}, nil, false, "no TXT record"},
	} {
		t.Run(name, func(t *testing.T) {
			world := redresstest.NewDNS()
			for _, record := range c.records {
				world.Add(record)
			}
			for owner, err := range c.fail {
				world.Fail(owner, err)
			}
			found, err := proof.NewTXT(world).Prove(t.Context(), claim(c.name))
			if err != nil || found.Verified != c.verified || !strings.Contains(found.Detail, c.detail) {
				t.Errorf("got %+v, %v", found, err)
			}
			if strings.Contains(found.Detail, "zzz") || strings.Contains(found.Detail, "hello") || strings.Contains(found.Detail, "spf1") {
				t.Errorf("the detail repeats what is there: %q", found.Detail)
			}
			for _, query := range world.Asked() {
				if !query.Fresh || query.Work == nil || query.Question.Type != dns.TypeTXT || query.CheckingDisabled() {
					t.Errorf("asked %+v", query)
				}
			}
			if asked := len(world.Asked()); asked > 7 {
				t.Errorf("%d questions", asked)
			}
		})
	}
}

// When the sibling cannot be asked, nothing is proved.
func TestWildcardThatCannotBeRuledOut(t *testing.T) {
	world := redresstest.NewDNS()
	world.Add(`_redress-challenge.example.org. 60 IN TXT "` + challenge + `"`)
	handler := resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if !strings.HasPrefix(query.Question.Name.String(), proof.Label) {
			return nil, resolver.Fail(resolver.NetworkError, "lost")
		}
		return world.Resolve(ctx, query)
	})
	found, err := proof.NewTXT(handler).Prove(t.Context(), claim("example.org"))
	if err != nil || found.Verified || !strings.Contains(found.Detail, "wildcard") {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestProofEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := resolver.HandlerFunc(func(ctx context.Context, _ *resolver.Query) (*resolver.Answer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		begin := time.Now()
		found, err := proof.NewTXT(stuck).Prove(t.Context(), claim("www.example.org"))
		if err != nil || found.Verified || !strings.Contains(found.Detail, "in time") {
			t.Errorf("got %+v, %v", found, err)
		}
		if took := time.Since(begin); took > 11*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestLongNameHasNoRoom(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 60)+".", 4) + "org"
	found, err := proof.NewTXT(redresstest.NewDNS()).Prove(t.Context(), claim(long))
	if err != nil || found.Verified || !strings.Contains(found.Detail, "long") {
		t.Errorf("got %+v, %v", found, err)
	}
}
