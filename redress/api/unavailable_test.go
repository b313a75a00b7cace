package api_test

import (
	"net/http"
	"testing"
)

// A desk that cannot keep a case says so, and when to come again; then it takes it.
func TestNothingIsTakenThatCannotBeKept(t *testing.T) {
	s := serve(t)
	const filing = `{"name":"phish.example","role":"owner","explanation":"The site was cleaned.","good_faith":true}`
	s.Lose()
	status, body, header := s.call(http.MethodPost, "/api/v1/cases", "", filing)
	if status != http.StatusServiceUnavailable || body["type"] != "urn:recourse:problem:unavailable" || header.Get("Retry-After") != "60" {
		t.Errorf("%d, %v, %v", status, body, header)
	}
	if status, body, _ := s.call(http.MethodPost, "/api/v1/cases", "", filing); status != http.StatusCreated {
		t.Errorf("afterwards: %d, %v", status, body)
	}
}
