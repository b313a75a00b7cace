package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
)

// What the log has of a configuration opens nothing, and names no household, person or secret list.
func TestSettingsLeaveOutWhatOthersMustNotKnow(t *testing.T) {
	config := Config{
		Operator: policy.Operator{Portal: "https://dns.example", Contact: "mailto:anna@dns.example"},
		Resolver: Resolver{Mode: "recurse", NegativeTrustAnchors: []NegativeTrustAnchor{{Zone: "broken.example", Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}},
		Bundle:   Bundle{Guard: "off"},
		Clients:  []profile.Client{{Match: profile.Match{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}}}},
		Profiles: []profile.Config{{ID: "annas-tablet"}},
		Blocklists: []*blocklists.Manifest{
			{ID: "open", Source: blocklists.Source{URL: "https://user:word@lists.example/l?key=hidden"}},
			{ID: "police", Disclosure: blocklists.Secret, Source: blocklists.Source{File: "police.txt"}},
		},
		Desk: Desk{Tokens: []Token{{Name: "robot", Mail: "boss@court.example", File: "robot.token"}}},
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	text := linesOf(settingsOf(&config, key))
	for _, hidden := range []string{"anna", "203.0.113", "word", "hidden", "police", "boss"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is in it:\n%s", hidden, text)
		}
	}
	for _, shown := range []string{`bundle.guard="off"`, `negative_trust_anchors[broken.example].until="2026-12-01T00:00:00Z"`, `profiles="1"`, `blocklists[open].source.url="(left out) `} {
		if !strings.Contains(text, shown) {
			t.Errorf("%s is not in it:\n%s", shown, text)
		}
	}
	changed := config
	changed.Bundle.Guard = "on"
	changed.Blocklists = append([]*blocklists.Manifest{{ID: "new", Format: "hosts"}}, &blocklists.Manifest{ID: "open", Source: blocklists.Source{URL: "https://user:other@lists.example/l"}}, config.Blocklists[1])
	said := ""
	for _, change := range differencesOf(settingsOf(&config, key), settingsOf(&changed, key)) {
		said += change.Key + " " + change.Was + ">" + change.Is + "\n"
	}
	if want := "blocklists[new].format >hosts\nblocklists[new].id >new\nblocklists[open].source.url (left out)>(left out)\nbundle.guard off>on\n"; said != want {
		t.Errorf("the differences are\n%s", said)
	}
}
