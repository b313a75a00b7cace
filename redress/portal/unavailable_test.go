package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestNothingIsTakenThatCannotBeKept(t *testing.T) {
	b := open(t)
	filing := url.Values{"name": {"phish.example"}, "role": {"owner"}, "explanation": {"The site was cleaned."}, "good_faith": {"yes"}}
	b.Lose()
	status, body, reply := b.post("/cases/new", filing)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "cannot take anything now") || reply.Header.Get("Retry-After") != "60" {
		t.Errorf("%d, %v, %s", status, reply.Header, body)
	}
	if status, body, _ := b.post("/cases/new", filing); status != http.StatusOK {
		t.Errorf("afterwards: %d, %s", status, body)
	}
}
