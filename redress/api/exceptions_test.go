package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/exceptions"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// excepting is the API with an office of exceptions.
func excepting(t *testing.T) *server {
	t.Helper()
	w := redresstest.New(t)
	catalog := func() *blocklists.Catalog {
		var lists []*blocklists.Manifest
		for _, list := range w.Current.Load().Bundle.Lists() {
			lists = append(lists, list.Manifest)
		}
		made, err := blocklists.NewCatalog(lists)
		if err != nil {
			t.Error(err)
		}
		return made
	}
	config := api.Config{
		Tokens: []api.Token{
			{Name: "reviewer-1", Role: redress.Reviewer, Hash: redress.HashToken(reviewerToken)},
			{Name: "operator-1", Role: redress.Operator, Hash: redress.HashToken(operatorToken)},
		},
		Exceptions: exceptions.New(w.DB, catalog, w.Effect, slog.New(slog.DiscardHandler)),
	}
	web := httptest.NewServer(api.New(config, w.Desk, func() api.Index { return w.Current.Load() }, w.DNS, w.Logs.Logger()))
	t.Cleanup(web.Close)
	return &server{World: w, t: t, url: web.URL}
}

func TestExceptionsOfTheOperatorOverTheAPI(t *testing.T) {
	s := excepting(t)
	const path = "/api/v1/exceptions"
	for _, one := range []struct {
		token, body string
		status      int
	}{
		{"", `{}`, http.StatusUnauthorized},
		{reviewerToken, `{"list": "phishing", "name": "phish.example", "reason": "r"}`, http.StatusForbidden},
		{operatorToken, `{"list": "court", "name": "court.example", "reason": "r"}`, http.StatusUnprocessableEntity},
		{operatorToken, `{"list": "phishing", "name": "phish.example"}`, http.StatusUnprocessableEntity},
		{operatorToken, `{"list": "phishing", "name": "phish.example", "reason": "r", "review_by": "2099-01-01T00:00:00Z"}`, http.StatusUnprocessableEntity},
		{operatorToken, `{"list": "phishing", "name": "https://phish.example/x", "reason": "Our own test."}`, http.StatusCreated},
	} {
		if status, reply, _ := s.call("POST", path, one.token, one.body); status != one.status {
			t.Errorf("%s: %d %v", one.body, status, reply)
		}
	}
	if got := s.Blocked("www.phish.example"); len(got) > 0 {
		t.Errorf("not in force: %q", got)
	}
	status, reply, _ := s.call("GET", path, reviewerToken, "")
	if listed, _ := reply["exceptions"].([]any); status != http.StatusOK || len(listed) != 1 {
		t.Errorf("%d %v", status, reply)
	}
	if status, _, _ := s.call("GET", path+"?after=x", reviewerToken, ""); status != http.StatusBadRequest {
		t.Errorf("a place that is none: %d", status)
	}
	for _, one := range []struct {
		path, token, body string
		status            int
	}{
		{path + "/1", reviewerToken, `{"reason": "r"}`, http.StatusForbidden},
		{path + "/x", operatorToken, `{"reason": "r"}`, http.StatusNotFound},
		{path + "/1", operatorToken, `{}`, http.StatusUnprocessableEntity},
		{path + "/1", operatorToken, `{"reason": "The test is over."}`, http.StatusOK},
		{path + "/1", operatorToken, `{"reason": "Again."}`, http.StatusNotFound},
	} {
		if status, reply, _ := s.call("DELETE", one.path, one.token, one.body); status != one.status {
			t.Errorf("%s %s: %d %v", one.path, one.body, status, reply)
		}
	}
	if got := strings.Join(s.Blocked("www.phish.example"), " "); got != "phishing" {
		t.Errorf("not ended: %q", got)
	}
}

// TestAnExceptionThatCannotBePutInForce is on the disk, said to be pending, and is tried again.
func TestAnExceptionThatCannotBePutInForce(t *testing.T) {
	s := excepting(t)
	s.Effect.Fail(http.ErrAbortHandler)
	status, reply, _ := s.call("POST", "/api/v1/exceptions", operatorToken, `{"list": "phishing", "name": "phish.example", "reason": "r"}`)
	if status != http.StatusAccepted || reply["effect"] != nil {
		t.Errorf("%d %v", status, reply)
	}
	s.Effect.Fail(nil)
	if _, _, err := s.Effect.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Blocked("phish.example"); len(got) > 0 {
		t.Errorf("it is not on the disk: %q", got)
	}
}
