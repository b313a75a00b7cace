package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

const (
	reviewerToken  = "reviewer-token-of-the-test-0123456789"
	authorityToken = "authority-token-of-the-test-012345678"
	endedToken     = "ended-token-of-the-test-012345678901"
)

// server is the API of a world on a real socket.
type server struct {
	*redresstest.World
	t   *testing.T
	url string
}

func serve(t *testing.T, change ...func(*api.Config)) *server {
	t.Helper()
	w := redresstest.New(t)
	config := api.Config{Tokens: []api.Token{
		{Name: "reviewer-1", Role: redress.Reviewer, Hash: redress.HashToken(reviewerToken)},
		{Name: "tribunale", Role: redress.Authority, Hash: redress.HashToken(authorityToken)},
		{Name: "old", Role: redress.Reviewer, Hash: redress.HashToken(endedToken), Until: time.Now().Add(-time.Hour)},
	}}
	for _, one := range change {
		one(&config)
	}
	web := httptest.NewServer(api.New(config, w.Desk, func() api.Index { return w.Current.Load() }, w.DNS, w.Logs.Logger()))
	t.Cleanup(web.Close)
	return &server{World: w, t: t, url: web.URL}
}

// call sends a request and reads the reply's JSON.
func (s *server) call(method, path, token, body string) (int, map[string]any, http.Header) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return s.do(request)
}

func (s *server) do(request *http.Request) (int, map[string]any, http.Header) {
	s.t.Helper()
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var decoded map[string]any
	if len(content) > 0 {
		if err := json.Unmarshal(content, &decoded); err != nil {
			s.t.Fatalf("%s %s: %d, not JSON: %q", request.Method, request.URL.Path, reply.StatusCode, content)
		}
	}
	kind := reply.Header.Get("Content-Type")
	if want := "application/json"; reply.StatusCode >= 400 && kind != "application/problem+json" || reply.StatusCode < 400 && kind != want {
		s.t.Errorf("%s %s: %d with %q", request.Method, request.URL.Path, reply.StatusCode, kind)
	}
	if reply.StatusCode >= 400 && decoded != nil && decoded["status"] != float64(reply.StatusCode) {
		s.t.Errorf("problem %v with status %d", decoded, reply.StatusCode)
	}
	for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if reply.Header.Get(header) != want {
			s.t.Errorf("%s is %q", header, reply.Header.Get(header))
		}
	}
	return reply.StatusCode, decoded, reply.Header
}

func filing(name string) string {
	return fmt.Sprintf(`{"name": %q, "role": "owner", "explanation": "The site was cleaned.", "good_faith": true}`, name)
}

// The whole loop: look up, read the reason, file, prove, decide, and it resolves.
func TestTheWholeLoop(t *testing.T) {
	s := serve(t)
	s.DNS.Add("phish.example. 60 IN A 192.0.2.1")
	status, found, _ := s.call("GET", "/api/v1/lookup?name=https://Phish.example/login", "", "")
	results := found["results"].([]any)
	if status != 200 || found["name"] != "phish.example" || len(results) != 1 || found["resolves_unfiltered"] != true || found["confidential_lists_not_searched"] != true {
		t.Fatalf("lookup: %d %v", status, found)
	}
	result := results[0].(map[string]any)
	if result["purpose"] != "security" || result["blocked"] != true || result["list"] != "phishing" || result["jurisdiction"] != nil {
		t.Errorf("result %v", result)
	}
	code := result["reason_code"].(string)
	status, reason, _ := s.call("GET", "/api/v1/reasons/"+strings.ToLower(code), "", "")
	if status != 200 || reason["code"] != code || reason["purpose"] != "security" || reason["name"] != "phish.example" {
		t.Fatalf("reason: %d %v", status, reason)
	}
	status, receipt, header := s.call("POST", "/api/v1/cases", "", `{"reason_code": "`+code+`", "role": "owner", "explanation": "The site was cleaned.", "good_faith": true}`)
	if status != 201 {
		t.Fatalf("file: %d %v", status, receipt)
	}
	id, token := receipt["id"].(string), receipt["token"].(string)
	if header.Get("Location") != "/api/v1/cases/"+id || receipt["status_url"] != redresstest.Portal+"/cases/"+id+"?token="+token {
		t.Errorf("receipt %v, location %q", receipt, header.Get("Location"))
	}
	challenge := receipt["challenge"].(map[string]any)["dns"].(map[string]any)
	value := challenge["value"].(string)
	if challenge["name"] != "_redress-challenge.phish.example" || challenge["type"] != "TXT" || !strings.HasPrefix(value, "redress=") || strings.Contains(value, token) {
		t.Errorf("challenge %v", challenge)
	}
	if status, reply, _ := s.call("POST", "/api/v1/cases/"+id+"/verify", token, ""); status != 200 || reply["verified"] != false || reply["detail"] == "" {
		t.Errorf("verify without a record: %d %v", status, reply)
	}
	s.DNS.Add(challenge["name"].(string) + `. 60 IN TXT "` + value + `"`)
	if status, reply, _ := s.call("POST", "/api/v1/cases/"+id+"/verify", token, `{"method": "dns"}`); status != 200 || reply["verified"] != true {
		t.Errorf("verify: %d %v", status, reply)
	}
	status, decided, _ := s.call("POST", "/api/v1/cases/"+id+"/decision", reviewerToken, `{"outcome": "reverse", "facts": "Clean.", "ground": "No phishing."}`)
	if status != 200 || decided["state"] != "decided" || decided["effect"] == nil {
		t.Fatalf("decide: %d %v", status, decided)
	}
	if blocked := s.Blocked("phish.example"); len(blocked) != 0 {
		t.Errorf("blocked by %v", blocked)
	}
	_, shown, _ := s.call("GET", "/api/v1/cases/"+id, token, "")
	if shown["state"] != "decided" || shown["verified"] != true || shown["decision"].(map[string]any)["facts"] != "Clean." || len(shown["still_blocked_by"].([]any)) != 0 {
		t.Errorf("case %v", shown)
	}
	_, found, _ = s.call("GET", "/api/v1/lookup?name=phish.example", "", "")
	if found["results"].([]any)[0].(map[string]any)["blocked"] != false {
		t.Errorf("lookup after: %v", found)
	}
}

func TestLookupNeverSearchesSecretLists(t *testing.T) {
	s := serve(t)
	_, secret, _ := s.call("GET", "/api/v1/lookup?name=secret.example", "", "")
	_, nothing, _ := s.call("GET", "/api/v1/lookup?name=nothing.example", "", "")
	delete(secret, "name")
	delete(nothing, "name")
	if fmt.Sprint(secret) != fmt.Sprint(nothing) {
		t.Errorf("secret %v, nothing %v", secret, nothing)
	}
	_, shared, _ := s.call("GET", "/api/v1/lookup?name=shared.example", "", "")
	if results := shared["results"].([]any); len(results) != 3 || strings.Contains(fmt.Sprint(shared), "hidden") {
		t.Errorf("shared: %v", results)
	}
}

func TestFilingHasOneShape(t *testing.T) {
	s := serve(t)
	keys := func(name string) string {
		status, receipt, _ := s.call("POST", "/api/v1/cases", "", filing(name))
		if status != 201 {
			t.Fatalf("%s: %d %v", name, status, receipt)
		}
		var all []string
		for key := range receipt {
			all = append(all, key)
		}
		slices.Sort(all)
		return strings.Join(all, " ") + fmt.Sprint(receipt["state"], receipt["linked"])
	}
	if secret, nothing, listed := keys("secret.example"), keys("nothing.example"), keys("phish.example"); secret != nothing || nothing != listed {
		t.Errorf("%s\n%s\n%s", secret, nothing, listed)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	s := serve(t)
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("phish.example"))
	_, other, _ := s.call("POST", "/api/v1/cases", "", filing("casino.example"))
	id, token, foreign := receipt["id"].(string), receipt["token"].(string), other["token"].(string)
	decision := `{"outcome": "uphold", "facts": "Seen.", "ground": "Terms."}`
	for name, c := range map[string]struct {
		method, path, token, body string
		status                    int
	}{
		"show without":             {"GET", "/api/v1/cases/" + id, "", "", 401},
		"show with another's":      {"GET", "/api/v1/cases/" + id, foreign, "", 404},
		"show unknown":             {"GET", "/api/v1/cases/C-0000-0000-0000", token, "", 404},
		"show no id":               {"GET", "/api/v1/cases/1%20OR%201", token, "", 404},
		"show own":                 {"GET", "/api/v1/cases/" + strings.ToLower(id), token, "", 200},
		"show as reviewer":         {"GET", "/api/v1/cases/" + id, reviewerToken, "", 200},
		"verify without":           {"POST", "/api/v1/cases/" + id + "/verify", "", "", 401},
		"verify with another's":    {"POST", "/api/v1/cases/" + id + "/verify", foreign, "", 404},
		"verify by hearsay":        {"POST", "/api/v1/cases/" + id + "/verify", token, `{"method": "hearsay"}`, 422},
		"list without":             {"GET", "/api/v1/cases", "", "", 401},
		"list as party":            {"GET", "/api/v1/cases", token, "", 401},
		"list as authority":        {"GET", "/api/v1/cases", authorityToken, "", 403},
		"list":                     {"GET", "/api/v1/cases?limit=1", reviewerToken, "", 200},
		"list badly":               {"GET", "/api/v1/cases?limit=0", reviewerToken, "", 400},
		"list after nothing":       {"GET", "/api/v1/cases?after=x", reviewerToken, "", 400},
		"decide as party":          {"POST", "/api/v1/cases/" + id + "/decision", token, decision, 401},
		"decide as authority":      {"POST", "/api/v1/cases/" + id + "/decision", authorityToken, decision, 403},
		"decide with ended token":  {"POST", "/api/v1/cases/" + id + "/decision", endedToken, decision, 401},
		"decide with a prefix":     {"POST", "/api/v1/cases/" + id + "/decision", reviewerToken[:10], decision, 401},
		"decide with unknown word": {"POST", "/api/v1/cases/" + id + "/decision", reviewerToken, `{"outcome": "reverse", "narow_to": "a.phish.example"}`, 400},
		"decide unknown case":      {"POST", "/api/v1/cases/C-0000-0000-0000/decision", reviewerToken, decision, 404},
		"decide without reasons":   {"POST", "/api/v1/cases/" + id + "/decision", reviewerToken, `{"outcome": "uphold"}`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			status, reply, header := s.call(c.method, c.path, c.token, c.body)
			if status != c.status {
				t.Errorf("%d, want %d: %v", status, c.status, reply)
			}
			if status == 401 && header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
	if len(s.Blocked("phish.example")) == 0 {
		t.Error("something refused took effect")
	}
}

func TestLawIsReferred(t *testing.T) {
	s := serve(t)
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("court.example"))
	if receipt["state"] != "referred" {
		t.Errorf("receipt %v", receipt)
	}
	path := "/api/v1/cases/" + receipt["id"].(string) + "/decision"
	status, reply, _ := s.call("POST", path, reviewerToken, `{"outcome": "reverse"}`)
	if status != 409 || reply["type"] != "urn:recourse:problem:referred" {
		t.Errorf("%d %v", status, reply)
	}
	if status, reply, _ = s.call("POST", path, reviewerToken, `{"outcome": "reverse", "question": "implementation"}`); status != 200 || reply["effect"] == nil {
		t.Errorf("%d %v", status, reply)
	}
	if status, reply, _ = s.call("POST", path, reviewerToken, `{"outcome": "reverse", "question": "implementation"}`); status != 409 {
		t.Errorf("twice: %d %v", status, reply)
	}
}

func TestDecisionNotInForceYet(t *testing.T) {
	s := serve(t)
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("phish.example"))
	s.Effect.Fail(io.ErrShortWrite)
	status, reply, _ := s.call("POST", "/api/v1/cases/"+receipt["id"].(string)+"/decision", reviewerToken, `{"outcome": "reverse"}`)
	if status != 202 || reply["effect"] != nil || reply["state"] != "decided" {
		t.Errorf("%d %v", status, reply)
	}
}

func TestControlSocketActs(t *testing.T) {
	s := serve(t, func(config *api.Config) {
		config.Actor = func(r *http.Request) (redress.Actor, bool) {
			return redress.Actor{Name: "uid 0 on this machine", Role: redress.Operator}, r.Header.Get("Test-Socket") != ""
		}
	})
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("phish.example"))
	request, err := http.NewRequest("POST", s.url+"/api/v1/cases/"+receipt["id"].(string)+"/decision", strings.NewReader(`{"outcome": "reverse"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Test-Socket", "1")
	if status, reply, _ := s.do(request); status != 200 {
		t.Fatalf("%d %v", status, reply)
	}
	_, shown, _ := s.call("GET", "/api/v1/cases/"+receipt["id"].(string), reviewerToken, "")
	if !strings.Contains(fmt.Sprint(shown["events"]), "uid 0 on this machine") {
		t.Errorf("events %v", shown["events"])
	}
	_, party, _ := s.call("GET", "/api/v1/cases/"+receipt["id"].(string), receipt["token"].(string), "")
	if strings.Contains(fmt.Sprint(party), "uid 0") {
		t.Errorf("the party learns who it was: %v", party)
	}
}

func TestHostileBodies(t *testing.T) {
	s := serve(t)
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"not JSON":       {"application/json", "name=x", 400},
		"empty":          {"application/json", "", 400},
		"an array":       {"application/json", "[]", 400},
		"unknown field":  {"application/json", `{"name": "a.example", "admin": true}`, 400},
		"two documents":  {"application/json", filing("a.example") + filing("b.example"), 400},
		"wrong type":     {"application/json", `{"name": 5}`, 400},
		"deep":           {"application/json", `{"name":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + "}", 400},
		"too large":      {"application/json", `{"explanation": "` + strings.Repeat("x", 65536) + `"}`, 413},
		"a form":         {"application/x-www-form-urlencoded", filing("a.example"), 415},
		"plain text":     {"text/plain", filing("a.example"), 415},
		"broken kind":    {"application/json; =", filing("a.example"), 415},
		"with charset":   {"application/json; charset=utf-8", filing("a.example"), 201},
		"without a kind": {"", filing("a.example"), 201},
		"injected name":  {"application/json", `{"name": "a.example\r\nSet-Cookie: x=1", "role": "owner", "explanation": "The site was cleaned.", "good_faith": true}`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest("POST", s.url+"/api/v1/cases", bytes.NewReader([]byte(c.body)))
			if err != nil {
				t.Fatal(err)
			}
			if c.kind != "" {
				request.Header.Set("Content-Type", c.kind)
			}
			if status, reply, header := s.do(request); status != c.status || header.Get("Set-Cookie") != "" {
				t.Errorf("%d, want %d: %v", status, c.status, reply)
			}
		})
	}
}

func TestUnknownCallsAreProblems(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/v1/", 404, ""}, {"GET", "/api/v1/nothing", 404, ""}, {"DELETE", "/api/v1/cases", 405, "GET, HEAD, POST"},
		{"PUT", "/api/v1/lookup", 405, "GET, HEAD"}, {"GET", "/api/v1/cases/C-0000-0000-0000/decision", 405, "POST"},
		{"GET", "/api/v1/reasons/nonsense", 404, ""}, {"GET", "/api/v1/reasons/0000-0000-0000", 404, ""}, {"GET", "/api/v1/lookup", 400, ""}, {"GET", "/api/v1/lookup?name=%00", 400, ""},
	} {
		status, reply, header := s.call(c.method, c.path, "", "")
		if status != c.status || header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, allow %q: %v", c.method, c.path, status, header.Get("Allow"), reply)
		}
	}
}

func TestLimits(t *testing.T) {
	one := redress.Rate{Burst: 1, PerMinute: 1}
	s := serve(t, func(config *api.Config) {
		config.Limits = redress.NewLimits(redress.Rates{Cases: one, Lookups: one, Proofs: one})
	})
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("phish.example"))
	verify := "/api/v1/cases/" + receipt["id"].(string) + "/verify"
	s.call("GET", "/api/v1/lookup?name=a.example", "", "")
	s.call("POST", verify, receipt["token"].(string), "")
	for _, again := range [][4]string{{"POST", "/api/v1/cases", "", filing("a.example")}, {"GET", "/api/v1/lookup?name=a.example", "", ""}, {"POST", verify, receipt["token"].(string), ""}} {
		if status, _, header := s.call(again[0], again[1], again[2], again[3]); status != 429 || header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, retry after %q", again[1], status, header.Get("Retry-After"))
		}
	}
	if status, _, _ := s.call("GET", "/api/v1/lookup?name=a.example", reviewerToken, ""); status != 200 {
		t.Errorf("the reviewer was limited: %d", status)
	}
}

// A burst of filings: every one that was answered 201 is in the store.
func TestBurstOfFilings(t *testing.T) {
	s := serve(t)
	const count = 200
	var group sync.WaitGroup
	ids := make([]string, count)
	for i := range count {
		group.Go(func() {
			reply, err := http.Post(s.url+"/api/v1/cases", "application/json", strings.NewReader(filing(fmt.Sprintf("n%d.phish.example", i))))
			if err != nil {
				t.Error(err)
				return
			}
			defer reply.Body.Close()
			var receipt struct{ ID string }
			if err := json.NewDecoder(reply.Body).Decode(&receipt); err != nil || reply.StatusCode != 201 {
				t.Errorf("%d, %v", reply.StatusCode, err)
			}
			ids[i] = receipt.ID
		})
	}
	group.Wait()
	s.Restart()
	for _, id := range ids {
		if _, err := s.Store.Case(t.Context(), redress.CaseID(id)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestNoNameIsLogged(t *testing.T) {
	s := serve(t)
	s.call("GET", "/api/v1/lookup?name=very-private.example", "", "")
	_, receipt, _ := s.call("POST", "/api/v1/cases", "", filing("very-private.example"))
	s.call("POST", "/api/v1/cases", "", `{"name": "very-private.example"}`)
	s.call("POST", "/api/v1/cases/"+receipt["id"].(string)+"/verify", receipt["token"].(string), "")
	if logged := s.Logs.String(); strings.Contains(logged, "private") || strings.Contains(logged, "127.0.0.1") || strings.Contains(logged, receipt["token"].(string)) {
		t.Errorf("logged: %s", logged)
	}
}

func TestPagesOfCases(t *testing.T) {
	s := serve(t)
	for range 3 {
		s.call("POST", "/api/v1/cases", "", filing("phish.example"))
	}
	path, seen := "/api/v1/cases?limit=2", 0
	for range 3 {
		_, reply, _ := s.call("GET", path, reviewerToken, "")
		seen += len(reply["cases"].([]any))
		if reply["next"] == nil {
			break
		}
		path = "/api/v1/cases?limit=2&after=" + reply["next"].(string)
	}
	if seen != 3 {
		t.Errorf("saw %d cases", seen)
	}
}

func FuzzBodies(f *testing.F) {
	w := redresstest.New(f)
	handler := api.New(api.Config{Limits: redress.NewLimits(redress.Rates{}), Tokens: []api.Token{{Name: "r", Role: redress.Reviewer, Hash: redress.HashToken(reviewerToken)}}},
		w.Desk, func() api.Index { return w.Current.Load() }, w.DNS, w.Logs.Logger())
	receipt, err := w.Desk.File(f.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "The site was cleaned.", GoodFaith: true})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{filing("a.example"), `{"outcome": "reverse", "narrow_to": "x"}`, `{"method": "dns"}`, "{", "null", `{"name": "\ud800", "role": "owner"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/api/v1/cases", "/api/v1/cases/" + string(receipt.ID) + "/verify", "/api/v1/cases/" + string(receipt.ID) + "/decision"} {
			request := httptest.NewRequest("POST", path, strings.NewReader(body))
			request.Header.Set("Authorization", "Bearer "+reviewerToken)
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			if recorder.Code >= 500 || !json.Valid(recorder.Body.Bytes()) {
				t.Errorf("%s: %d %q", path, recorder.Code, recorder.Body)
			}
		}
	})
}
