package profile_test

import (
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver/wire"
)

var (
	requested = profile.Requested{By: "account-42", At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	manifests = []*blocklists.Manifest{
		{ID: "gambling", Purpose: blocklists.User, Category: "gambling"}, {ID: "phishing", Purpose: blocklists.Security, Category: "phishing"},
	}
)

func TestNewProfiles(t *testing.T) {
	profiles, problems := profile.NewProfiles([]profile.Config{
		{ID: "kids", Requested: requested, Categories: []string{"gambling"}, Allow: []string{"Lottery-Museum.example."}, Deny: []string{"games.example"}},
		{ID: "teens", Requested: requested, Deny: []string{"xn--bcher-kva.example"}},
	}, manifests)
	if len(problems) != 0 || len(profiles) != 2 {
		t.Fatalf("got %v, %v", profiles, problems)
	}
	kids := profiles[0]
	if !kids.Chose("gambling") || kids.Chose("adult") || kids.Allow[0] != wire.MustName("lottery-museum.example") || kids.RequestedBy != "account-42" {
		t.Errorf("got %+v", kids)
	}
	var nobody *profile.Profile
	if nobody.Chose("gambling") || profiles[1].Chose("gambling") {
		t.Error("who asked for nothing chose a category")
	}
}

func TestProfileProblems(t *testing.T) {
	for _, test := range []struct {
		config profile.Config
		key    string
	}{
		{profile.Config{}, "profiles[1].id"},
		{profile.Config{ID: "Kids"}, "profiles[1].id"},
		{profile.Config{ID: "first"}, "profiles[1].id"},
		{profile.Config{ID: "x", Categories: []string{"gambling"}, Requested: profile.Requested{At: requested.At}}, "profiles[1].requested.by"},
		{profile.Config{ID: "x", Categories: []string{"gambling"}, Requested: profile.Requested{By: "a"}}, "profiles[1].requested.at"},
		{profile.Config{ID: "x", Deny: []string{"a.example"}, Requested: profile.Requested{At: requested.At}}, "profiles[1].requested.by"},
		{profile.Config{ID: "x", SafeSearch: rewrite.All(), Requested: profile.Requested{By: "a"}}, "profiles[1].requested.at"},
		{profile.Config{ID: "x", Services: []string{"tiktok"}, Requested: profile.Requested{By: "a"}}, "profiles[1].requested.at"},
		{profile.Config{ID: "x", Services: []string{"tiktok", "tictoc"}, Requested: requested}, "profiles[1].services[1]"},
		{profile.Config{ID: "x", Services: []string{"tiktok", "tiktok"}, Requested: requested}, "profiles[1].services[1]"},
		{profile.Config{ID: "x", Categories: []string{"gambling", "adult"}, Requested: requested}, "profiles[1].categories[1]"},
		{profile.Config{ID: "x", Categories: []string{"phishing"}, Requested: requested}, "profiles[1].categories[0]"},
		{profile.Config{ID: "x", Allow: []string{"a.example", "a..example"}}, "profiles[1].allow[1]"},
		{profile.Config{ID: "x", Requested: requested, Deny: []string{"*.example"}}, "profiles[1].deny[0]"},
		{profile.Config{ID: "x", Requested: requested, Deny: []string{"bücher.example"}}, "profiles[1].deny[0]"},
		{profile.Config{ID: "x", Requested: requested, Deny: []string{"."}}, "profiles[1].deny[0]"},
		{profile.Config{ID: "x", Requested: requested, Deny: []string{""}}, "profiles[1].deny[0]"},
		{profile.Config{ID: "x", Requested: requested, Deny: []string{"two words.example"}}, "profiles[1].deny[0]"},
		{profile.Config{ID: "x", Requested: requested, Deny: make([]string, 1001)}, "profiles[1].deny"},
	} {
		profiles, problems := profile.NewProfiles([]profile.Config{{ID: "first"}, test.config}, manifests)
		if len(problems) != 1 || problems[0].Key != test.key || problems[0].Text == "" || len(profiles) != 1 {
			t.Errorf("%+v: %v, %d profiles", test.config.ID, problems, len(profiles))
		}
	}
}
