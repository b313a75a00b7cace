package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
)

const keyedFiling = `{"name": "phish.example", "role": "owner", "explanation": "The site was cleaned.", "good_faith": true}`

// keyed makes a call with a key, and gives status, body and whether it is an earlier reply.
func (s *server) keyed(key, token, body string) (status int, said, replayed string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+"/api/v1/cases", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	octets, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.StatusCode, string(octets), reply.Header.Get("Idempotency-Replayed")
}

func TestIdempotencyKey(t *testing.T) {
	database := storetest.Open(t)
	s := serve(t, func(config *api.Config) { config.Replies = database })
	const key = "0b9a4f6e-7c1d-4a57-9f2e-3d8c5b6a1e01"
	status, first, replayed := s.keyed(key, "", keyedFiling)
	if status != http.StatusCreated || replayed != "" {
		t.Fatal(status, first)
	}
	if status, again, replayed := s.keyed(key, "", keyedFiling); status != http.StatusCreated || again != first || replayed != "true" {
		t.Errorf("the same again: %d %s", status, again)
	}
	if status, said, _ := s.keyed(key, "", strings.Replace(keyedFiling, "phish", "casino", 1)); status != http.StatusUnprocessableEntity || !strings.Contains(said, "key-used") {
		t.Errorf("another body: %d %s", status, said)
	}
	if status, other, replayed := s.keyed(key, reviewerToken, keyedFiling); status != http.StatusCreated || other == first || replayed != "" {
		t.Errorf("another caller: %d %s", status, other)
	}
	for _, wrong := range []string{"", "short", strings.Repeat("a", 129), "with a space in it 0"} {
		if status, _, _ := s.keyed(wrong, "", keyedFiling); status != http.StatusBadRequest {
			t.Errorf("key %q: %d", wrong, status)
		}
	}
	// A refusal is a reply too: mended, the call wants a new key.
	const refused = "1c9a4f6e-7c1d-4a57-9f2e-3d8c5b6a1e02"
	for _, want := range []string{"", "true"} {
		if status, _, replayed := s.keyed(refused, "", `{"name": "phish.example"}`); status != http.StatusUnprocessableEntity || replayed != want {
			t.Errorf("refused: %d %q", status, replayed)
		}
	}
	// Neither key nor reply can be read in the database.
	var kept []byte
	if err := database.QueryRowContext(t.Context(), `SELECT reply FROM replies ORDER BY ends_at LIMIT 1`).Scan(&kept); err != nil || strings.Contains(string(kept), "token") {
		t.Errorf("%v: %s", err, kept)
	}
}

func TestRateOfTokens(t *testing.T) {
	s := serve(t, func(config *api.Config) { config.Tokens[0].Rate = redress.Rate{Burst: 3, PerMinute: 1} })
	for i, want := range []int{200, 200, 200, 429} {
		status, _, header := s.call(http.MethodGet, "/api/v1/cases", reviewerToken, "")
		if status != want || header.Get("RateLimit-Policy") != `"token";q=3;w=180` || (status == 429) != (header.Get("Retry-After") != "") || !strings.HasPrefix(header.Get("RateLimit"), `"token";r=`+string(rune('0'+max(0, 2-i)))+";t=") {
			t.Errorf("call %d: %d %v", i, status, header)
		}
	}
	if status, _, header := s.call(http.MethodGet, "/api/v1/lookup?name=phish.example", "", ""); status != 200 || header.Get("RateLimit") != "" {
		t.Error("another caller is held to it:", status)
	}
}
