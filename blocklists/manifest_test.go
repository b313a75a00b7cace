package blocklists_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
)

func userList() *blocklists.Manifest {
	return &blocklists.Manifest{
		ID: "games", Purpose: blocklists.User, Category: "games", Title: map[string]string{"en": "Games"},
		Publisher: blocklists.Publisher{Name: "Example"}, Source: blocklists.Source{File: "games.txt"},
		Format: "domains", ReviewEvery: 24 * time.Hour,
	}
}

func lawList() *blocklists.Manifest {
	m := userList()
	m.ID, m.Purpose, m.Category, m.Publisher = "court", blocklists.Law, "copyright", blocklists.Publisher{}
	m.Authority = blocklists.Authority{Name: "Court", Kind: "court", Country: "IT"}
	m.LegalBasis = []blocklists.Basis{{Act: "Act 1"}}
	m.Jurisdiction = []string{"IT"}
	m.Redress = blocklists.Redress{Venues: []blocklists.Venue{{Name: "Court", URL: "https://court.example/"}}, DeadlineFrom: "notification"}
	m.AtEnforceBy = "hold"
	return m
}

// harmZone makes the list one whose zone is transferred.
func harmZone(m *blocklists.Manifest) *blocklists.Source {
	m.Source, m.Format = blocklists.Source{RPZ: "rpz.example", Primary: []string{"192.0.2.53"}}, ""
	return &m.Source
}

func keys(problems []blocklists.Problem) []string {
	var found []string
	for _, problem := range problems {
		found = append(found, problem.Key)
	}
	return found
}

func TestProblemsNameTheKey(t *testing.T) {
	tests := []struct {
		key  string
		list func() *blocklists.Manifest
		harm func(*blocklists.Manifest)
	}{
		{"id", userList, func(m *blocklists.Manifest) { m.ID = "" }},
		{"id", userList, func(m *blocklists.Manifest) { m.ID = "../games" }},
		{"id", userList, func(m *blocklists.Manifest) { m.ID = "Games" }},
		{"id", userList, func(m *blocklists.Manifest) { m.ID = "-games" }},
		{"id", userList, func(m *blocklists.Manifest) { m.ID = blocklists.ListID(strings.Repeat("a", 64)) }},
		{"purpose", userList, func(m *blocklists.Manifest) { m.Purpose = 0 }},
		{"category", userList, func(m *blocklists.Manifest) { m.Category = "" }},
		{"category", userList, func(m *blocklists.Manifest) { m.Category = "phishing" }},
		{"title", userList, func(m *blocklists.Manifest) { m.Title = nil }},
		{"publisher.name", userList, func(m *blocklists.Manifest) { m.Publisher.Name = "" }},
		{"statement", userList, func(m *blocklists.Manifest) { m.Purpose, m.Category = blocklists.Security, "dga-nrd" }},
		{"category", userList, func(m *blocklists.Manifest) { m.Purpose, m.Category = blocklists.Security, "doh-bypass" }},
		{"authority.kind", lawList, func(m *blocklists.Manifest) { m.Authority.Kind = "club" }},
		{"legal_basis", lawList, func(m *blocklists.Manifest) { m.Authority.Kind = "private" }},
		{"legal_basis", lawList, func(m *blocklists.Manifest) { m.LegalBasis[0].Act = "Memorandum of Understanding" }},
		{"legal_basis", lawList, func(m *blocklists.Manifest) { m.LegalBasis[0].Act = "Verhaltenskodex CUII" }},
		{"stage.for", userList, func(m *blocklists.Manifest) { m.Stage.Share = 100 }},
		{"stage.share", userList, func(m *blocklists.Manifest) { m.Stage.For = time.Hour }},
		{"stage", lawList, func(m *blocklists.Manifest) { m.Stage = blocklists.Stage{Share: 100, For: time.Hour} }},
		{"stage", userList, func(m *blocklists.Manifest) { m.Shadow, m.Stage = true, blocklists.Stage{Share: 100, For: time.Hour} }},
		{"removal", userList, func(m *blocklists.Manifest) { m.Removal = "never" }},
		{"limits.entries", userList, func(m *blocklists.Manifest) { m.Limits.Entries = -1 }},
		{"source", userList, func(m *blocklists.Manifest) { m.Source.File = "" }},
		{"source", userList, func(m *blocklists.Manifest) { m.Source.URL = "https://lists.example/" }},
		{"source.refresh", userList, func(m *blocklists.Manifest) { m.Source.Refresh = time.Millisecond }},
		{"source.refresh", userList, func(m *blocklists.Manifest) { m.Source.Refresh = -time.Hour }},
		{"source.max_age", userList, func(m *blocklists.Manifest) { m.Source.Refresh, m.Source.MaxAge = time.Hour, time.Minute }},
		{"source.on_stale", userList, func(m *blocklists.Manifest) { m.Source.OnStale = "panic" }},
		{"source.url", userList, func(m *blocklists.Manifest) { m.Source = blocklists.Source{URL: "ftp://lists.example/"} }},
		{"source.proxy", userList, func(m *blocklists.Manifest) {
			m.Source = blocklists.Source{URL: "https://lists.example/", Proxy: "socks5://192.0.2.1"}
		}},
		{"source.proxy", userList, func(m *blocklists.Manifest) { m.Source.Proxy = "http://192.0.2.1" }},
		{"source.verify.signature", userList, func(m *blocklists.Manifest) { m.Source.Verify.Signature = ".sig" }},
		{"source.verify", userList, func(m *blocklists.Manifest) { harmZone(m).Verify.SHA256 = ".sha256" }},
		{"source.primary", userList, func(m *blocklists.Manifest) { m.Source.Primary = []string{"192.0.2.53"} }},
		{"source.primary", userList, func(m *blocklists.Manifest) { harmZone(m).Primary = nil }},
		{"source.primary[1]", userList, func(m *blocklists.Manifest) { harmZone(m).Primary = []string{"192.0.2.53", "ns.example"} }},
		{"source.tls", userList, func(m *blocklists.Manifest) { harmZone(m).Primary = []string{"tls://192.0.2.53"} }},
		{"source.tsig.algorithm", userList, func(m *blocklists.Manifest) {
			harmZone(m).TSIG = blocklists.TSIG{Name: "key", Algorithm: "hmac-md5", SecretFile: "key"}
		}},
		{"format", userList, func(m *blocklists.Manifest) { harmZone(m); m.Format = "hosts" }},
		{"format", userList, func(m *blocklists.Manifest) { m.Format = "excel" }},
		{"match[1]", userList, func(m *blocklists.Manifest) { m.Match = []string{"question", "answer"} }},
		{"override", userList, func(m *blocklists.Manifest) { m.Override = "allow" }},
		{"override", lawList, func(m *blocklists.Manifest) { m.Override = "passthru" }},
		{"override_target", userList, func(m *blocklists.Manifest) { m.Override = "cname" }},
		{"override_target", userList, func(m *blocklists.Manifest) { m.OverrideTarget = "garden.example" }},
		{"review_every", userList, func(m *blocklists.Manifest) { m.ReviewEvery = 0 }},
		{"category", lawList, func(m *blocklists.Manifest) { m.Category = "ads-trackers" }},
		{"authority.name", lawList, func(m *blocklists.Manifest) { m.Authority.Name = "" }},
		{"authority.country", lawList, func(m *blocklists.Manifest) { m.Authority.Country = "Italy" }},
		{"legal_basis", lawList, func(m *blocklists.Manifest) { m.LegalBasis = nil }},
		{"legal_basis[0].act", lawList, func(m *blocklists.Manifest) { m.LegalBasis[0].Act = "" }},
		{"jurisdiction", lawList, func(m *blocklists.Manifest) { m.Jurisdiction = nil }},
		{"jurisdiction[1]", lawList, func(m *blocklists.Manifest) { m.Jurisdiction = []string{"IT", "it"} }},
		{"redress.venues", lawList, func(m *blocklists.Manifest) { m.Redress.Venues = nil }},
		{"redress.venues[0].name", lawList, func(m *blocklists.Manifest) { m.Redress.Venues[0].Name = "" }},
		{"redress.venues[0].url", lawList, func(m *blocklists.Manifest) { m.Redress.Venues[0].URL = "javascript:alert(1)" }},
		{"redress.deadline_from", lawList, func(m *blocklists.Manifest) { m.Redress.DeadlineFrom = "" }},
		{"published", userList, func(m *blocklists.Manifest) { m.Published = blocklists.Published{DB: "lumen", ID: "1"} }},
		{"published", lawList, func(m *blocklists.Manifest) {
			m.Published, m.Disclosure = blocklists.Published{DB: "lumen", ID: "1"}, blocklists.Secret
		}},
		{"published.db", lawList, func(m *blocklists.Manifest) { m.Published.ID = "1" }},
		{"published.id", lawList, func(m *blocklists.Manifest) { m.Published = blocklists.Published{DB: "lumen", ID: "a/b"} }},
		{"at_enforce_by", lawList, func(m *blocklists.Manifest) { m.AtEnforceBy = "" }},
		{"max_ttl", userList, func(m *blocklists.Manifest) { m.MaxTTL = time.Minute }},
		{"max_ttl", lawList, func(m *blocklists.Manifest) { m.MaxTTL = time.Minute }},
		{"max_ttl", lawList, func(m *blocklists.Manifest) { m.EnforceWithin, m.MaxTTL = 30*time.Minute, time.Hour }},
		{"max_ttl", lawList, func(m *blocklists.Manifest) { m.EnforceWithin, m.MaxTTL = 30*time.Minute, time.Millisecond }},
	}
	for _, test := range tests {
		t.Run(test.key, func(t *testing.T) {
			manifest := test.list()
			test.harm(manifest)
			if got := keys(manifest.Problems()); !slices.Equal(got, []string{test.key}) {
				t.Errorf("problems at %q, want %q", got, test.key)
			}
		})
	}
}

func TestGoodManifestsHaveNoProblems(t *testing.T) {
	expiring := userList()
	expiring.ReviewEvery, expiring.Expires = 0, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	zone := userList()
	zone.Source, zone.Format = blocklists.Source{RPZ: "rpz.example", Primary: []string{"192.0.2.53"}}, ""
	garden := userList()
	garden.Match, garden.Override, garden.OverrideTarget = []string{"question", "hint"}, "cname", "garden.example"
	for _, manifest := range []*blocklists.Manifest{userList(), lawList(), expiring, zone, garden} {
		if problems := manifest.Problems(); len(problems) > 0 {
			t.Errorf("%s: %+v", manifest.ID, problems)
		}
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	got := keys((&blocklists.Manifest{Purpose: blocklists.Law}).Problems())
	for _, key := range []string{"id", "category", "authority.name", "legal_basis", "jurisdiction", "redress.venues", "redress.deadline_from",
		"at_enforce_by", "title", "source", "review_every"} {
		if !slices.Contains(got, key) {
			t.Errorf("no problem at %q among %q", key, got)
		}
	}
}

func TestAllFormatsAndSourcesLoad(t *testing.T) {
	for _, format := range []string{"", "auto", "hosts", "domains", "wildcard", "adblock", "dnsmasq", "unbound", "rpz", "xml", "json", "jsonl"} {
		m := userList()
		m.Format = format
		if problems := m.Problems(); len(problems) > 0 {
			t.Errorf("%s: %+v", format, problems)
		}
	}
	primary := []string{"192.0.2.53"}
	for _, source := range []blocklists.Source{{URL: "https://lists.example/"}, {RPZ: "rpz.example", Primary: primary}, {Catalog: "all.example", Primary: primary}} {
		m := userList()
		m.Source, m.Format = source, ""
		if problems := m.Problems(); len(problems) > 0 {
			t.Errorf("%s: %+v", source, problems)
		}
	}
}

func TestCatalog(t *testing.T) {
	games, court := userList(), lawList()
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{games, court})
	if err != nil {
		t.Fatal(err)
	}
	if lists := catalog.Lists(); len(lists) != 2 || lists[0] != games || lists[1] != court {
		t.Errorf("lists: %v", lists)
	}
	if catalog.List("court") != court || catalog.List("other") != nil {
		t.Error("lists are not found by their ids")
	}
	if _, err := blocklists.NewCatalog([]*blocklists.Manifest{games, userList()}); err == nil || !strings.Contains(err.Error(), `"games"`) {
		t.Errorf("two lists with one id: %v", err)
	}
	bad := userList()
	bad.Title = nil
	if _, err := blocklists.NewCatalog([]*blocklists.Manifest{bad}); err == nil || !strings.Contains(err.Error(), "title") {
		t.Errorf("a list with a problem: %v", err)
	}
}

func TestWhatAListOfLawStandsOn(t *testing.T) {
	for name, change := range map[string]func(*blocklists.Manifest){
		"a private body with a court's order": func(m *blocklists.Manifest) { m.Authority.Kind, m.OrderRef = "private", "12 O 3/26" },
		"an agreement beside an act": func(m *blocklists.Manifest) {
			m.LegalBasis = append(m.LegalBasis, blocklists.Basis{Act: "Code of conduct"})
		},
		"doh-bypass by an act":   func(m *blocklists.Manifest) { m.Category = "doh-bypass" },
		"a statement for nrd":    func(m *blocklists.Manifest) { *m = *nrdList() },
		"staged for the user":    func(m *blocklists.Manifest) { *m = *userList(); m.Stage = blocklists.Stage{Share: 1, For: time.Hour} },
		"doh-bypass by the user": func(m *blocklists.Manifest) { *m = *userList(); m.Category = "doh-bypass" },
	} {
		m := lawList()
		change(m)
		if problems := m.Problems(); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	only := lawList()
	if only.OnlyNetNeutrality() {
		t.Error("Act 1 is no Regulation")
	}
	only.LegalBasis[0].Act = "Regulation (EU) 2015/2120"
	if !only.OnlyNetNeutrality() {
		t.Error("Regulation 2015/2120 alone was not noticed")
	}
	if only.LegalBasis = append(only.LegalBasis, blocklists.Basis{Act: "Act 1"}); only.OnlyNetNeutrality() {
		t.Error("it is not alone any more")
	}
}

func nrdList() *blocklists.Manifest {
	m := userList()
	m.Purpose, m.Category, m.Statement = blocklists.Security, "dga-nrd", "names of a known algorithm, sunk by a court"
	return m
}

func TestLimits(t *testing.T) {
	for text, want := range map[string]blocklists.Limit{"20%": {Percent: 20}, "0.5%": {Percent: 0.5}, "5000": {Entries: 5000}} {
		var got blocklists.Limit
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "%", "-1%", "0", "1.5", "x", "NaN%", "1e99"} {
		if err := new(blocklists.Limit).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	var share blocklists.Share
	if err := share.UnmarshalText([]byte("10%")); err != nil || share != 1000 || share.String() != "10%" {
		t.Errorf("10%%: %d, %v", share, err)
	}
	for _, text := range []string{"", "10", "0%", "101%", "NaN%"} {
		if err := new(blocklists.Share).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("share %q was read", text)
		}
	}
}
