package main

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/console"
)

// TestAnAuthoritySendsForItsOwnListsAlone: what an account may follows from the lists of its authority.
func TestAnAuthoritySendsForItsOwnListsAlone(t *testing.T) {
	law := func(id, authority string, jurisdiction ...string) *blocklists.Manifest {
		return &blocklists.Manifest{
			ID: blocklists.ListID(id), Purpose: blocklists.Law, Category: "copyright", Title: map[string]string{"en": id}, ReviewEvery: time.Hour, Jurisdiction: jurisdiction, AtEnforceBy: "hold",
			Authority: blocklists.Authority{Name: authority}, LegalBasis: []blocklists.Basis{{Act: "Act"}},
			Redress: blocklists.Redress{Venues: []blocklists.Venue{{Name: "Court"}}, DeadlineFrom: "notification"}, Source: blocklists.Source{File: id},
		}
	}
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{law("a", "Tribunale", "IT"), law("b", "Tribunale", "IT", "SM"), law("c", "Kohus", "EE")})
	if err != nil {
		t.Fatal(err)
	}
	sender := senderOf("Tribunale", catalog)
	if !slices.Equal(sender.Lists, []blocklists.ListID{"a", "b"}) || !slices.Equal(sender.Jurisdiction, []string{"IT", "SM"}) || sender.Authority != "Tribunale" {
		t.Errorf("%+v", sender)
	}
	if nobody := senderOf("Nobody", catalog); len(nobody.Jurisdiction) > 0 {
		t.Errorf("%+v", nobody)
	}
}

// TestNetworksOfTheConsole: to whoever comes from elsewhere there is no such page.
func TestNetworksOfTheConsole(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	for from, want := range map[string]string{"10.1.2.3": "console", "192.0.2.1": "missing", "fd00::1": "console"} {
		access := console.Access{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
		reply := httptest.NewRecorder()
		access.Within(func(*http.Request) netip.Addr { return netip.MustParseAddr(from) }, says("console"), says("missing")).ServeHTTP(reply, httptest.NewRequest("GET", "/console/", nil))
		if reply.Body.String() != want {
			t.Errorf("from %s: %s", from, reply.Body)
		}
	}
}
