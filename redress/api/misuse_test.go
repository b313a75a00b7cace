package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/limits"
	"github.com/recourse-dns/recourse/redress/misuse"
)

const secondToken = "second-token-of-the-test-0123456789012"

// The walk over the API: found unfounded, warned, suspended, refused but for the implementation, appealed, lifted.
func TestMisuseByAPI(t *testing.T) {
	var (
		list    api.Misuse
		filings api.Filings
	)
	s := serve(t, func(config *api.Config) {
		config.Tokens = append(config.Tokens, api.Token{Name: "second-1", Role: redress.SecondReviewer, Hash: redress.HashToken(secondToken)})
		config.Misuse, config.Filings = lateMisuse{&list}, lateFilings{&filings}
	})
	office := misuse.New(s.DB, s.Desk, misuse.Criteria{Unfounded: 1}, slog.New(slog.DiscardHandler))
	list, filings = office, limits.NewDoor(limits.New(s.DB), s.Desk, limits.DefaultRates(), office)
	want := func(what string, status, want int, body map[string]any) {
		t.Helper()
		if status != want {
			t.Fatalf("%s: %d, not %d: %v", what, status, want, body)
		}
	}
	reasons := `"facts": "Phishing.", "ground": "Our terms."`
	var last, token string
	for _, kind := range []string{"warning", "suspension"} {
		status, body, _ := s.call(http.MethodPost, "/api/v1/cases", "", filing("phish.example"))
		want("file", status, http.StatusCreated, body)
		last, token = body["id"].(string), body["token"].(string)
		if err := s.Desk.Proved(t.Context(), redress.CaseID(last), redress.ByDNS, redress.Actor{Name: "owner", Role: redress.Party}); err != nil {
			t.Fatal(err)
		}
		status, body, _ = s.call(http.MethodPost, "/api/v1/cases/"+last+"/decision", reviewerToken, `{"outcome": "uphold", `+reasons+`, "manifestly_unfounded": {"gravity": "serious", "intent": "careless", "reasons": "Anybody sees it."}}`)
		want("decide", status, http.StatusOK, body)
		if err := office.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		status, body, _ = s.call(http.MethodGet, "/api/v1/measures", reviewerToken, "")
		want("list", status, http.StatusOK, body)
		first := body["measures"].([]any)[0].(map[string]any)
		if first["case"] != last || first["kind"] != kind || first["state"] != "proposed" {
			t.Fatalf("%v", body)
		}
		status, body, _ = s.call(http.MethodPost, "/api/v1/cases/"+last+"/measure", reviewerToken, `{"outcome": "give", `+reasons+`}`)
		want("give", status, http.StatusOK, body)
	}
	status, body, _ := s.call(http.MethodPost, "/api/v1/cases", "", filing("phish.example"))
	want("file while suspended", status, http.StatusForbidden, body)
	if body["type"] != "urn:recourse:problem:suspended" {
		t.Errorf("%v", body)
	}
	check := `{"name": "phish.example", "role": "owner", "explanation": "Another name is meant.", "good_faith": true, "question": "implementation"}`
	status, body, _ = s.call(http.MethodPost, "/api/v1/cases", "", check)
	want("ask for the implementation", status, http.StatusCreated, body)
	status, body, _ = s.call(http.MethodGet, "/api/v1/cases/"+last, token, "")
	want("show", status, http.StatusOK, body)
	if measure := body["measure"].(map[string]any); measure["kind"] != "suspension" || measure["may_appeal"] != true || measure["until"] == nil {
		t.Errorf("the party sees %v", measure)
	}
	status, body, _ = s.call(http.MethodPost, "/api/v1/cases/"+last+"/measure/appeal", token, `{"explanation": "The name was sold."}`)
	want("appeal", status, http.StatusOK, body)
	lift := `{"outcome": "lift", ` + reasons + `}`
	status, body, _ = s.call(http.MethodPost, "/api/v1/cases/"+last+"/measure/appeal-decision", reviewerToken, lift)
	want("a reviewer decides the appeal", status, http.StatusForbidden, body)
	status, body, _ = s.call(http.MethodPost, "/api/v1/cases/"+last+"/measure/appeal-decision", secondToken, lift)
	want("lift", status, http.StatusOK, body)
	status, body, _ = s.call(http.MethodPost, "/api/v1/cases/"+last+"/measure/appeal-decision", secondToken, lift)
	want("lift again", status, http.StatusConflict, body)
	status, body, _ = s.call(http.MethodPost, "/api/v1/cases", "", filing("phish.example"))
	want("file again", status, http.StatusCreated, body)
}

// lateMisuse and lateFilings are made before the world is that they work on.
type lateMisuse struct{ to *api.Misuse }

func (l lateMisuse) List(ctx context.Context, actor redress.Actor) ([]misuse.Listed, error) {
	return (*l.to).List(ctx, actor)
}

type lateFilings struct{ to *api.Filings }

func (l lateFilings) File(ctx context.Context, from netip.Addr, application redress.Application) (redress.Receipt, error) {
	return (*l.to).File(ctx, from, application)
}
