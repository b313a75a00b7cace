package policy_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// lawful is a switch of purpose law, in Italy.
func lawful() policy.Switch {
	manifest := law("l").Manifest
	return policy.Switch{Purpose: blocklists.Law, Authority: manifest.Authority, LegalBasis: manifest.LegalBasis, Jurisdiction: manifest.Jurisdiction, Redress: manifest.Redress}
}

var (
	secure = policy.Switch{Purpose: blocklists.Security, Because: map[string]string{"en": "Botnets here take their commands by way of the relay."}}
	asked  = policy.Switch{Purpose: blocklists.User}
)

// households is the test world with a profile that asks for canaries.
func households(t *testing.T, canaries policy.Canaries, lists ...list) *policy.Snapshot {
	t.Helper()
	s := snapshot(t, compile(t, nil, lists, canaries.Own()...))
	kids := s.Clients.Profile("kids")
	kids.Categories = append(kids.Categories, "doh-bypass")
	return s
}

func TestCanaries(t *testing.T) {
	const firefox, apple, chrome = "use-application-dns.net", "mask-h2.icloud.com", "dns-tunnel-check.googlezip.net"
	for _, test := range []struct {
		about    string
		canaries policy.Canaries
		client   netip.Addr
		name     string
		rcode    int // -1: passes
		extended uint16
	}{
		{"off", policy.Canaries{}, italian, firefox, -1, 0},
		{"another is on", policy.Canaries{ICloudRelay: secure}, italian, firefox, -1, 0},
		{"security is for all", policy.Canaries{FirefoxDoH: secure}, french, firefox, dns.RcodeNameError, resolver.Blocked},
		{"law where it is in force", policy.Canaries{FirefoxDoH: lawful()}, italian, firefox, dns.RcodeNameError, resolver.Censored},
		{"law elsewhere", policy.Canaries{FirefoxDoH: lawful()}, french, firefox, -1, 0},
		{"law without jurisdiction", policy.Canaries{FirefoxDoH: lawful()}, nowhere, firefox, -1, 0},
		{"who asked", policy.Canaries{FirefoxDoH: asked}, child, firefox, dns.RcodeNameError, resolver.Filtered},
		{"who did not ask", policy.Canaries{FirefoxDoH: asked}, italian, firefox, -1, 0},
		{"whose profile did not ask", policy.Canaries{FirefoxDoH: asked}, elder, firefox, -1, 0},
		{"a relay's name exists", policy.Canaries{ICloudRelay: secure}, italian, apple, dns.RcodeSuccess, resolver.Blocked},
		{"all of its names", policy.Canaries{ICloudRelay: secure}, italian, "mask-canary.icloud.com", dns.RcodeSuccess, resolver.Blocked},
		{"no name below", policy.Canaries{ICloudRelay: secure}, italian, "x.mask.icloud.com", -1, 0},
		{"Chrome", policy.Canaries{ChromePrefetch: secure}, italian, chrome, dns.RcodeNameError, resolver.Blocked},
	} {
		t.Run(test.about, func(t *testing.T) {
			s := households(t, test.canaries)
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
				stage, _, _ := filter(s, &below{err: resolver.Fail(resolver.NetworkError, "the world was asked")})
				answer, err := stage.Resolve(t.Context(), query(test.client, test.name, qtype))
				if test.rcode < 0 {
					if err == nil {
						t.Errorf("%s is answered: %+v", dns.TypeToString[qtype], answer)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				message, err := answer.Unpack()
				if err != nil {
					t.Fatal(err)
				}
				if message.Rcode != test.rcode || len(message.Answer) > 0 || len(message.Ns) != 1 {
					t.Errorf("%s: %s", dns.TypeToString[qtype], message)
				}
				if len(answer.Extended) != 1 || answer.Extended[0].Code != test.extended {
					t.Errorf("explained by %+v, not by %d", answer.Extended, test.extended)
				}
			}
		})
	}
}

// One code stands for a canary, whatever of its names was asked for, and leads to its page.
func TestCanaryHasOneCode(t *testing.T) {
	s := households(t, policy.Canaries{ICloudRelay: lawful(), FirefoxDoH: secure})
	codes := map[policy.Code]bool{}
	for _, name := range []string{"mask.icloud.com", "mask-h2.icloud.com", "mask-canary.icloud.com"} {
		verdict := policy.Judge(s, links(name), who(t, s, italian), today)
		if verdict.Action != policy.Block {
			t.Fatalf("%s: %+v", name, verdict)
		}
		codes[verdict.Primary.Code] = true
		if said := verdict.Because[len(verdict.Because)-1]; !strings.Contains(said, "canary:icloud-relay") {
			t.Errorf("%s: %s", name, said)
		}
	}
	if len(codes) != 1 {
		t.Fatalf("the codes are %v", codes)
	}
	for code := range codes {
		matches, found := s.Find(code)
		if !found || len(matches) != 1 {
			t.Fatalf("code %s stands for %+v", code, matches)
		}
		reason := s.ReasonOf(matches[0])
		if reason.Purpose != blocklists.Law || reason.DecidedBy != "Tribunale di Esempio" || reason.Confidential || reason.Name != "" {
			t.Errorf("its reason is %+v", reason)
		}
	}
}

// What goes before a purpose goes before its canaries; what does not, does not.
func TestCanariesHaveTheirPlace(t *testing.T) {
	allowed := allow("use-application-dns.net")
	for _, test := range []struct {
		as     policy.Switch
		passes bool
	}{{asked, true}, {secure, false}, {lawful(), false}} {
		canaries := policy.Canaries{FirefoxDoH: test.as}
		s := snapshot(t, compile(t, nil, nil, append(canaries.Own(), allowed)...))
		kids := s.Clients.Profile("kids")
		kids.Categories = append(kids.Categories, "doh-bypass")
		verdict := policy.Judge(s, links("use-application-dns.net"), who(t, s, child), today)
		if passes := verdict.Action == policy.Pass; passes != test.passes {
			t.Errorf("%s, and the profile allows it: %v", test.as.Purpose, verdict.Because)
		}
	}
	ended := secure
	ended.Expires = today.Add(-time.Hour)
	s := households(t, policy.Canaries{FirefoxDoH: ended})
	if verdict := policy.Judge(s, links("use-application-dns.net"), who(t, s, italian), today); verdict.Action != policy.Pass {
		t.Errorf("after its end: %v", verdict.Because)
	}
	s = households(t, policy.Canaries{FirefoxDoH: secure})
	if matches := s.Matches(wire.MustName("use-application-dns.net")); len(matches) != 1 || !matches[0].Counts {
		t.Errorf("anybody who looks it up is told of %+v", matches)
	}
}

func TestCanariesAreChecked(t *testing.T) {
	unlawful := lawful()
	unlawful.LegalBasis = nil
	unlawful.Redress = blocklists.Redress{}
	mixed := secure
	mixed.Jurisdiction = []string{"IT"}
	for _, test := range []struct {
		as   policy.Switch
		keys []string
	}{
		{policy.Switch{}, nil},
		{lawful(), nil},
		{secure, nil},
		{asked, nil},
		{policy.Switch{Because: map[string]string{"en": "why not"}}, []string{"icloud_relay.purpose"}},
		{policy.Switch{Purpose: blocklists.Security}, []string{"icloud_relay.because"}},
		{mixed, []string{"icloud_relay.purpose"}},
		{unlawful, []string{"icloud_relay.legal_basis", "icloud_relay.redress.venues", "icloud_relay.redress.deadline_from"}},
	} {
		canaries := policy.Canaries{ICloudRelay: test.as}
		var keys []string
		for _, problem := range canaries.Problems() {
			keys = append(keys, problem.Key)
		}
		if strings.Join(keys, " ") != strings.Join(test.keys, " ") {
			t.Errorf("%+v: %v, not %v", test.as, keys, test.keys)
		}
	}
}
