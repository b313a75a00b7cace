package api_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/limits"
)

// closed is a door at which a limit is reached.
type closed struct{}

func (closed) File(context.Context, netip.Addr, redress.Application) (redress.Receipt, error) {
	return redress.Receipt{}, &limits.Refused{
		Full:       limits.Full{Kind: "name", Wait: 90 * time.Second},
		EarlyProof: redress.EarlyProof{Challenge: redress.Challenge{Name: "_redress-challenge.phish.example", Value: "redress=abc"}, Secret: "secret.1", Until: time.Unix(1_800_000_000, 0)},
	}
}

// A refused filing says when to come back, and how whoever controls the name files nevertheless. People of ours are
// not held to limits.
func TestARefusedFilingSaysTheWay(t *testing.T) {
	s := serve(t, func(config *api.Config) { config.Filings = closed{} })
	status, body, header := s.call(http.MethodPost, "/api/v1/cases", "", filing("phish.example"))
	early, _ := body["early_proof"].(map[string]any)
	record, _ := early["dns"].(map[string]any)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "90" || body["type"] != "urn:recourse:problem:limit" || !strings.Contains(body["detail"].(string), "1m30s") {
		t.Errorf("%d, %v, %v", status, header, body)
	}
	if early["secret"] != "secret.1" || record["name"] != "_redress-challenge.phish.example" || record["type"] != "TXT" || record["value"] != "redress=abc" {
		t.Errorf("early proof %v", early)
	}
	if status, body, _ := s.call(http.MethodPost, "/api/v1/cases", reviewerToken, filing("phish.example")); status != http.StatusCreated {
		t.Errorf("a reviewer: %d, %v", status, body)
	}
}
