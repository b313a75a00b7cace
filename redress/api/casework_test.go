package api_test

import (
	"net/http"
	"testing"
)

// Who may call what of a case: nobody without a token, each kind of token its own.
func TestWhoMayWorkOnACase(t *testing.T) {
	s := serve(t)
	opened := func(name string) (id, token, words string) {
		t.Helper()
		status, receipt, _ := s.call(http.MethodPost, "/api/v1/cases", "", `{"name":"`+name+`","role":"owner","explanation":"The site was cleaned.","good_faith":true}`)
		if status != http.StatusCreated {
			t.Fatalf("%d, %v", status, receipt)
		}
		return receipt["id"].(string), receipt["token"].(string), receipt["recovery_words"].(string)
	}
	id, token, words := opened("phish.example")
	law, lawToken, _ := opened("court.example")
	for _, c := range []struct {
		method, path, body  string
		nobody, party, ours int
	}{
		{http.MethodPost, "messages", `{"text":"Hello."}`, 401, 200, 200},
		{http.MethodPost, "question", `{"text":"Which version?"}`, 401, 401, 200},
		{http.MethodPost, "appeal", `{"explanation":"Look again."}`, 401, 409, 404},
		{http.MethodPost, "authority-decision", `{"outcome":"reverse","authority":"A","ref":"1"}`, 401, 401, 403},
		{http.MethodPost, "external", `{"authority":"A","ref":"1"}`, 401, 401, 403},
		{http.MethodPost, "dismissal", `{"facts":"a"}`, 401, 401, 422},
		{http.MethodPost, "dismissal", `{"facts":"a","ground":"b","language":"no tag"}`, 401, 401, 422},
		{http.MethodPost, "closing", `{"facts":"a","ground":"b"}`, 401, 401, 409},
		{http.MethodPost, "merger", `{"into":"` + id + `"}`, 401, 401, 422},
		{http.MethodPost, "reread", `{"agrees":true}`, 401, 401, 409},
		{http.MethodGet, "facts", "", 401, 401, 200},
		{http.MethodGet, "statement", "", 401, 409, 409},
		{http.MethodGet, "dossier", "", 401, 409, 409},
		{http.MethodPost, "dossier", "", 401, 401, 409},
	} {
		for who, want := range map[string]int{"": c.nobody, token: c.party, reviewerToken: c.ours} {
			if status, reply, _ := s.call(c.method, "/api/v1/cases/"+id+"/"+c.path, who, c.body); status != want {
				t.Errorf("%s with %.8q: %d, want %d: %v", c.path, who, status, want, reply)
			}
		}
	}
	if status, dossier, _ := s.call(http.MethodGet, "/api/v1/cases/"+law+"/dossier", lawToken, ""); status != 200 || dossier["order"] != "RG 1234/2026" || dossier["contact"] == "owner@example.net" {
		t.Errorf("dossier: %d, %v", status, dossier)
	}
	if status, _, _ := s.call(http.MethodGet, "/api/v1/cases/"+law+"/dossier", token, ""); status != 404 {
		t.Errorf("another party's dossier: %d", status)
	}
	if status, reply, _ := s.call(http.MethodPost, "/api/v1/cases/"+law+"/dossier", reviewerToken, `{"on":"2999-01-01T00:00:00Z"}`); status != 409 && status != 422 {
		t.Errorf("sent in the future: %d, %v", status, reply)
	}
	status, link, _ := s.call(http.MethodPost, "/api/v1/cases/"+id+"/recovery", "", `{"words":"`+words+`"}`)
	if status != 200 || link["token"] == token {
		t.Fatalf("recovery: %d, %v", status, link)
	}
	if status, _, _ := s.call(http.MethodGet, "/api/v1/cases/"+id, token, ""); status != 404 {
		t.Errorf("the lost link still opens: %d", status)
	}
	for name, want := range map[string]int{"/renewal": 200, "/recovery": 404} {
		body := map[string]string{"/renewal": `{"name":"phish.example"}`, "/recovery": `{"words":"babab"}`}[name]
		for _, of := range []string{id, "C-0000-0000-0000"} { // there and not there look alike
			if status, reply, _ := s.call(http.MethodPost, "/api/v1/cases/"+of+name, "", body); status != want {
				t.Errorf("%s of %s: %d, %v", name, of, status, reply)
			}
		}
	}
}
