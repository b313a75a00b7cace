package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func anyName(wire.Name) bool { return true }

// listed are matches in words, and whether there are more.
func listed(matches []policy.Match, more bool) string {
	texts := make([]string, 0, len(matches))
	for _, match := range matches {
		texts = append(texts, fmt.Sprintf("%s/%s/%v", match.Entry.List, match.Entry.Name, match.Counts))
	}
	return fmt.Sprint(strings.Join(texts, " "), " ", more)
}

func TestBelowFindsWhatBlocksBelowAName(t *testing.T) {
	secret := law("secret", "a.shop.example", "b.shop.example", "deep.www.shop.example", "z.shop.example").with(func(m *blocklists.Manifest) { m.Disclosure = blocklists.Secret })
	wild := security("wild", "shop.example").with(func(m *blocklists.Manifest) { m.Scope = blocklists.Below })
	lists := []list{
		security("feed", "shop.example", "www.shop.example", "free.shop.example", "other.example"), user("games", "www.shop.example", "play.shop.example"), secret, wild,
	}
	s := snapshot(t, compile(t, nil, lists, deny("denied.shop.example"), exempt("free.shop.example")), decided("games", "play.shop.example"))
	want := "wild/shop.example/true feed/www.shop.example/true games/www.shop.example/true feed/free.shop.example/false games/play.shop.example/false false"
	if got := listed(s.Below(wire.MustName("shop.example"), 5, anyName)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	// What is secret does not count: neither as more, nor in the place of others.
	if got := listed(s.Below(wire.MustName("www.shop.example"), 0, anyName)); got != " false" {
		t.Errorf("below what has only a secret entry below: %s", got)
	}
	www := func(name wire.Name) bool { return name == wire.MustName("www.shop.example") }
	if got := listed(s.Below(wire.MustName("shop.example"), 1, www)); got != "feed/www.shop.example/true true" {
		t.Errorf("of one name: %s", got)
	}
	if got := listed(s.Below(wire.MustName("free.example"), 9, anyName)); got != " false" {
		t.Errorf("below a free name: %s", got)
	}
}

func TestWhatLiesBelowIsMatchedToo(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{security("s", "a.b.x.example", "b.x.example", "x.example"), user("u", "b.x.example")}))
	found, _ := s.Below(wire.MustName("x.example"), 100, anyName)
	for _, match := range found {
		same := func(other policy.Match) bool {
			return other.Entry == match.Entry && other.Code == match.Code && other.Counts == match.Counts
		}
		if !slices.ContainsFunc(s.Matches(match.Entry.Name), same) {
			t.Errorf("%s/%s is below, and matches nothing", match.Entry.List, match.Entry.Name)
		}
	}
	if len(found) != 3 {
		t.Errorf("%d are below", len(found))
	}
}
