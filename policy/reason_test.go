package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func TestReasonOfLaw(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example"), security("s", "x.example")}))
	match := s.Matches(wire.MustName("www.x.example"))[0]
	octets, err := json.Marshal(s.ReasonOf(match))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"code":"CODE","name":"x.example","scope":"subtree","purpose":"law","list":"l","title":{"en":"l"},"category":"copyright",` +
		`"decided_by":"Tribunale di Esempio","legal_basis":[{"act":"Legge 633/1941","article":"163"}],"ground":"an order under Legge 633/1941, 163: copyright",` +
		`"detection":"notice","order":"RG 1234/2026","jurisdiction":["IT"],"since":"2026-11-23T12:00:00Z","review_by":"2027-02-21T12:00:00Z",` +
		`"redress":{"venues":[{"kind":"court","name":"Tribunale di Esempio","url":"https://court.example/ricorsi","for":"merits"},` +
		`{"kind":"provider","name":"Example Net","url":"http://127.0.0.1:8080/contest?code=CODE","contact":"mailto:redress@example.net","for":"implementation"}],` +
		`"deadline":"30d","deadline_from":"notification","languages":["it"]},"contest_url":"http://127.0.0.1:8080/contest?code=CODE","matches_also":1,"excepted":false,"confidential":false}`
	if got := strings.ReplaceAll(string(octets), match.Code.String(), "CODE"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if manifest := match.Manifest; manifest.Redress.Venues[0].For != "" {
		t.Error("the manifest was changed")
	}
}

func TestReasonsByPurpose(t *testing.T) {
	until := today.AddDate(0, 1, 0)
	s := snapshot(t, compile(t, nil, []list{
		security("s", "x.example"), user("u", "x.example").with(func(m *blocklists.Manifest) { m.Expires = until }),
	}), decided("s", "x.example"))
	matches := s.Matches(wire.MustName("x.example"))
	first, second := s.ReasonOf(matches[0]), s.ReasonOf(matches[1])
	if first.DecidedBy != "Example Net" || first.Detection != policy.Automated || first.DisableURL != "" || !first.Excepted || first.Publisher != "Example CERT" || first.MatchesAlso != 1 {
		t.Errorf("security: %+v", first)
	}
	if second.DisableURL == "" || !second.Until.Equal(until) || second.MatchesAlso != 0 || second.Redress.Venues[0].For != "merits" {
		t.Errorf("user: %+v", second)
	}
}

func TestReasonsHideWhatIsHidden(t *testing.T) {
	for _, disclosure := range []blocklists.Disclosure{blocklists.NoName, blocklists.Secret} {
		s := snapshot(t, compile(t, nil, []list{law("the-list", "hidden.example").with(func(m *blocklists.Manifest) { m.Disclosure = disclosure })}))
		matches := s.Matches(wire.MustName("hidden.example"))
		found, ok := s.Find(matches[0].Code)
		if !ok {
			t.Fatalf("%s: not found", disclosure)
		}
		for _, match := range slices.Concat(matches, found) {
			octets, err := json.Marshal(s.ReasonOf(match))
			if err != nil {
				t.Fatal(err)
			}
			if text := string(octets); strings.Contains(text, "hidden") || !strings.Contains(text, `"confidential":true`) ||
				disclosure == blocklists.Secret && (strings.Contains(text, "the-list") || strings.Contains(text, "copyright") || strings.Contains(text, "RG 1234")) {
				t.Errorf("%s: %s", disclosure, text)
			}
		}
	}
}

func TestReasonOfOwnDeny(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{law("l", "x.example")}, deny("games.example")))
	verdict := policy.Judge(s, links("games.example"), who(t, s, child), today)
	octets, err := json.Marshal(s.ReasonOf(*verdict.Primary))
	if err != nil || strings.Contains(string(octets), "games") || strings.Contains(string(octets), "kids") || !strings.Contains(string(octets), `"purpose":"user"`) {
		t.Errorf("got %s, %v", octets, err)
	}
}

func TestMatches(t *testing.T) {
	s := snapshot(t, compile(t, nil, []list{
		user("u", "x.example"), security("s", "x.example"), law("l", "x.example"),
		security("old", "x.example").with(func(m *blocklists.Manifest) { m.Expires = time.Now().Add(-time.Hour) }),
	}, deny("x.example"), allow("x.example"), exempt("x.example")))
	matches := s.Matches(wire.MustName("x.example"))
	var ids []string
	for _, match := range matches {
		ids = append(ids, string(match.Entry.List))
	}
	if got := strings.Join(ids, " "); got != "l s old u" {
		t.Fatalf("matches %s", got)
	}
	if matches[0].Exception != nil || !matches[0].Counts {
		t.Errorf("law: %+v", matches[0])
	}
	for _, match := range matches[1:] {
		if match.Exception == nil || match.Exception.Kind != blocklists.Operator || match.Counts {
			t.Errorf("%s: %+v", match.Entry.List, match)
		}
	}
	if len(s.Matches(wire.MustName("free.example"))) != 0 {
		t.Error("a name that no list has is matched")
	}
}
