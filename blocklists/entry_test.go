package blocklists_test

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestScopeCovers(t *testing.T) {
	owner := wire.MustName("ads.example")
	tests := []struct {
		name                  string
		exact, subtree, below bool
	}{
		{"ads.example", true, true, false},
		{"www.ads.example", false, true, true},
		{"a.b.ads.example", false, true, true},
		{"xads.example", false, false, false},
		{"example", false, false, false},
		{".", false, false, false},
	}
	for _, test := range tests {
		name := wire.MustName(test.name)
		for scope, want := range map[blocklists.Scope]bool{blocklists.Exact: test.exact, blocklists.Subtree: test.subtree, blocklists.Below: test.below, 9: false} {
			entry := blocklists.Entry{Name: owner, Scope: scope}
			if got := entry.Covers(name); got != want {
				t.Errorf("%s of %s covers %s: %v", scope, owner, name, got)
			}
		}
	}
}

func TestExceptionCoversItsListAndWhatLiesBelow(t *testing.T) {
	exception := blocklists.Exception{List: "ads", Name: wire.MustName("shop.example")}
	tests := []struct {
		list blocklists.ListID
		name string
		want bool
	}{
		{"ads", "shop.example", true},
		{"ads", "www.shop.example", true},
		{"ads", "example", false},
		{"ads", "othershop.example", false},
		{"phish", "shop.example", false},
	}
	for _, test := range tests {
		if got := exception.Covers(test.list, wire.MustName(test.name)); got != test.want {
			t.Errorf("%s in %s: %v", test.name, test.list, got)
		}
	}
}

func TestTermsInForce(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	tests := []struct {
		from, until uint32
		want        bool
	}{
		{0, 0, true},
		{1_000_000, 0, true},
		{1_000_001, 0, false},
		{0, 1_000_001, true},
		{0, 1_000_000, false},
	}
	for _, test := range tests {
		terms := blocklists.Terms{From: test.from, Until: test.until}
		if got := terms.InForce(at); got != test.want {
			t.Errorf("from %d until %d: %v", test.from, test.until, got)
		}
	}
}
