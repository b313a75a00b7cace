package blocklists_test

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

func TestParsePrimary(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.53": "192.0.2.53:53", "192.0.2.53@5353": "192.0.2.53:5353", "2001:db8::53": "[2001:db8::53]:53", "192.0.2.53:54": "192.0.2.53:54",
		"tls://192.0.2.53": "tls 192.0.2.53:853", "tls://[2001:db8::53]:8853": "tls [2001:db8::53]:8853", "tls://192.0.2.53@8853": "tls 192.0.2.53:8853",
	} {
		primary, err := blocklists.ParsePrimary(text)
		got := primary.Addr.String()
		if primary.TLS {
			got = "tls " + got
		}
		if err != nil || got != want {
			t.Errorf("%s is read as %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ns.example", "192.0.2.53@", "192.0.2.53@0", "192.0.2.53@65536", "https://192.0.2.53"} {
		if got, err := blocklists.ParsePrimary(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestStaleness(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for _, test := range []struct {
		purpose blocklists.Purpose
		source  blocklists.Source
		after   time.Duration
		stops   bool
	}{
		{blocklists.Security, blocklists.Source{URL: "https://lists.example/"}, week, true},
		{blocklists.Law, blocklists.Source{URL: "https://lists.example/"}, week, false},
		{blocklists.User, blocklists.Source{URL: "https://lists.example/", MaxAge: time.Hour, OnStale: "stop"}, time.Hour, true},
		{blocklists.Security, blocklists.Source{URL: "https://lists.example/", OnStale: "keep"}, week, false},
		{blocklists.Security, blocklists.Source{File: "a"}, 0, true},
		{blocklists.Law, blocklists.Source{File: "a", MaxAge: time.Hour}, time.Hour, false},
	} {
		m := &blocklists.Manifest{Purpose: test.purpose, Source: test.source}
		if after, stops := m.Staleness(); after != test.after || stops != test.stops {
			t.Errorf("%s, %+v: after %s, stops %t", test.purpose, test.source, after, stops)
		}
	}
}

func TestSourcesAreNamedWithoutSecrets(t *testing.T) {
	for want, source := range map[string]blocklists.Source{
		"https://lists.example/a.txt": {URL: "https://user:secret@lists.example/a.txt?token=secret#secret"},
		"an unreadable address":       {URL: "https://secret%zz"},
		"zone rpz.example":            {RPZ: "rpz.example"},
		"catalog all.example":         {Catalog: "all.example"},
		"lists/a.txt":                 {File: "lists/a.txt"},
	} {
		if got := source.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
