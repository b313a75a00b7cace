package profile_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// whole says whether a name takes in what is not one owner's: a public suffix.
func whole(name wire.Name) bool {
	text := strings.TrimSuffix(name.String(), ".")
	suffix, _ := publicsuffix.PublicSuffix(text)
	return suffix == text
}

// The form of what is built in: a dozen and more services, each with names of its own, no name
// twice or below another, none that takes in a whole suffix or something that all share.
func TestServices(t *testing.T) {
	services, err := profile.Services()
	if err != nil || len(services) < 12 {
		t.Fatalf("%d services, %v", len(services), err)
	}
	shared := []string{"googleapis.com", "google.com", "gstatic.com", "akamaized.net", "cloudfront.net", "amazonaws.com", "fastly.net", "apple.com", "icloud.com", "microsoft.com"}
	var names []wire.Name
	for _, service := range services {
		if len(service.Names) == 0 || service.Title == "" {
			t.Errorf("%s has no names or no title", service.ID)
		}
		for _, name := range service.Names {
			if whole(name) || slices.Contains(shared, strings.TrimSuffix(name.String(), ".")) {
				t.Errorf("%s: %s is not the service's own", service.ID, name)
			}
		}
		names = append(names, service.Names...)
	}
	for i, name := range names {
		for j, other := range names {
			if i != j && name.IsBelow(other) {
				t.Errorf("%s lies below %s", name, other)
			}
		}
	}
}

func TestHelpNames(t *testing.T) {
	names, err := profile.HelpNames()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]string{}
	for _, one := range names {
		if whole(one.Name) {
			t.Errorf("%s is a whole suffix", one.Name)
		}
		kinds[one.Country] = append(kinds[one.Country], one.Kind)
	}
	for _, country := range []string{"AT", "DE", "EE", "ES", "FR", "GB", "IT", "NL"} {
		for _, kind := range []string{"child", "violence", "suicide", "privacy"} {
			if !slices.Contains(kinds[country], kind) {
				t.Errorf("%s has no name for %s", country, kind)
			}
		}
	}
	services, err := profile.Services()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range names {
		for _, service := range services {
			for _, name := range service.Names {
				if name.IsBelow(one.Name) || one.Name.IsBelow(name) {
					t.Errorf("%s helps, and %s has %s", one.Name, service.ID, name)
				}
			}
		}
	}
}

// However many profiles have a name, it is one entry.
func TestOwnNamesAreOneListAKind(t *testing.T) {
	var configs []profile.Config
	for _, id := range []string{"a", "b", "c"} {
		configs = append(configs, profile.Config{
			ID: id, Requested: requested, Deny: []string{"games.example", id + ".example"}, Services: []string{"tiktok"}, SafeSearch: rewrite.Choice{Bing: id == "b", Pixabay: true},
		})
	}
	profiles, problems := profile.NewProfiles(configs, manifests)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	counts := map[bundle.Kind]int{}
	for _, own := range profile.Own(profiles, []wire.Name{wire.MustName("help.example")}) {
		counts[own.Kind] += len(own.Names)
	}
	services, _ := profile.Services()
	if counts[bundle.ProfileDeny] != 4 || counts[bundle.ProfileAllow] != 0 || counts[bundle.Service] != len(services[0].Names) || counts[bundle.SafeSearch] != 3 || counts[bundle.Help] != 1 {
		t.Errorf("got %v", counts)
	}
	if len(profile.Own(nil, nil)) != 5 {
		t.Error("a kind without names has no list that names could be added to")
	}
}

// A profile that was changed stands in the place of the configuration's, wherever that is named.
func TestChangedProfiles(t *testing.T) {
	kids := &profile.Profile{ID: "kids", Categories: []string{"gambling"}}
	table, problems := profile.NewTable([]profile.Client{{Match: networks("127.0.0.2/32"), Profile: "kids"}, {Match: networks("127.0.0.0/8"), DefaultProfile: "kids"}}, []*profile.Profile{kids})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	changed, err := profile.Kept([]profile.Config{{ID: "kids", Categories: []string{"gone"}}, {ID: "new", Services: []string{"tiktok", "gone"}}})
	if err != nil {
		t.Fatal(err)
	}
	with := table.WithProfiles(changed)
	for _, addr := range []string{"127.0.0.2", "127.0.0.9"} {
		who, _ := with.Who(at(addr), now)
		before, _ := table.Who(at(addr), now)
		if who.Profile != changed[0] || before.Profile != kids {
			t.Errorf("%s: %+v, before %+v", addr, who, before)
		}
	}
	if with.Profile("new") == nil || len(with.Profile("new").Services) != 1 || table.Profile("new") != nil {
		t.Error("a new profile is not known, or to the old table too")
	}
}
