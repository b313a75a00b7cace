package api_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy/sealed"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/api"
	"github.com/recourse-dns/recourse/redress/control"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/redresstest"
)

// TestDocumentsAreNeverShown: what a party sends comes back as a file to be stored, to a
// reviewer alone, and is gone with the decision.
func TestDocumentsAreNeverShown(t *testing.T) {
	w := redresstest.New(t)
	seal, err := control.NewSeal(sealed.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	papers := control.NewPapers(w.DB, seal)
	steps, err := guide.New("Example Net", w.DNS, nil)
	if err != nil {
		t.Fatal(err)
	}
	reviewer := api.Token{Name: "r", Role: redress.Reviewer, Hash: redress.HashToken("reviewer-token")}
	config := api.Config{Tokens: []api.Token{reviewer}, Proofs: &api.Proofs{Papers: papers, Guide: steps}}
	web := httptest.NewServer(api.New(config, w.Desk, func() api.Index { return w.Current.Load() }, w.DNS, w.Logs.Logger()))
	defer web.Close()
	receipt, err := w.Desk.File(t.Context(), redress.Application{Name: "phish.example", Role: "owner", Explanation: "It was cleaned.", GoodFaith: true})
	if err != nil {
		t.Fatal(err)
	}
	base := web.URL + "/api/v1/cases/" + string(receipt.ID) + "/documents"
	call := func(method, url, token string, body []byte) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		content, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply, string(content)
	}
	page := []byte("<!doctype html><script>alert(1)</script>")
	for token, want := range map[string]int{"wrong": 404, "": 401, receipt.Token: 201} {
		if reply, _ := call(http.MethodPost, base, token, page); reply.StatusCode != want {
			t.Errorf("sent with %.5q: %d", token, reply.StatusCode)
		}
	}
	if reply, _ := call(http.MethodPost, base, receipt.Token, make([]byte, control.MaxPaper+1)); reply.StatusCode != 413 {
		t.Errorf("too large: %d", reply.StatusCode)
	}
	_, list := call(http.MethodGet, base, "reviewer-token", nil)
	_, after, _ := strings.Cut(list, `"id":"`)
	id, _, _ := strings.Cut(after, `"`)
	if reply, _ := call(http.MethodGet, base+"/"+id, receipt.Token, nil); reply.StatusCode != 401 {
		t.Errorf("read by the party: %d", reply.StatusCode)
	}
	reply, content := call(http.MethodGet, base+"/"+id, "reviewer-token", nil)
	header := reply.Header
	if reply.StatusCode != 200 || content != string(page) || header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(header.Get("Content-Disposition"), "attachment;") ||
		header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %v", reply.StatusCode, header)
	}
	if reply, body := call(http.MethodPost, base+"/"+id+"/decision", "reviewer-token", []byte(`{"accept":true}`)); reply.StatusCode != 200 || !strings.Contains(body, `"accepted":true`) || !strings.Contains(body, `"erased":true`) {
		t.Errorf("decided: %d %s", reply.StatusCode, body)
	}
	if reply, _ := call(http.MethodGet, base+"/"+id, "reviewer-token", nil); reply.StatusCode != 404 {
		t.Errorf("after the decision: %d", reply.StatusCode)
	}
	if status, err := w.Desk.Show(t.Context(), receipt.ID, receipt.Token); err != nil || !status.Verified {
		t.Errorf("not proved: %v", err)
	}
}
