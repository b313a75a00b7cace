package api_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/route"
)

// Behind a front end each party has a limit of its own; from anywhere else the header is worth
// nothing. No address gets into the log.
func TestLimitsBehindAFrontEnd(t *testing.T) {
	one := redress.Rate{Burst: 1, PerMinute: 1}
	for frontEnd, want := range map[string][3]int{"127.0.0.0/8": {201, 201, 429}, "10.0.0.0/8": {201, 429, 429}} {
		s := serve(t, func(config *api.Config) {
			config.Limits = redress.NewLimits(redress.Rates{Cases: one})
			config.Limited = route.Behind([]netip.Prefix{netip.MustParsePrefix(frontEnd)})
		})
		for i, party := range []string{"198.51.100.7", "203.0.113.7", "198.51.100.9"} { // the last is of the first one's network
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/cases", strings.NewReader(filing("phish.example")))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("X-Forwarded-For", "192.0.2.99, "+party)
			if status, _, _ := s.do(request); status != want[i] {
				t.Errorf("front end in %s, party %s: %d, not %d", frontEnd, party, status, want[i])
			}
			if logged := s.Logs.String(); strings.Contains(logged, party) {
				t.Errorf("the log has %s:\n%s", party, logged)
			}
		}
	}
}
