package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	authority = "authority-token-of-the-test-0123456789"
	operator  = "operator-token-of-the-test-01234567890"
	colleague = "operator-token-of-a-colleague-01234567"
)

// orderFiles are the example's, with tokens of an authority and of two operators.
func orderFiles(t testing.TB) map[string]string {
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "tokens: [", `tokens: [
  {name: tribunale, role: authority, authority: Tribunale di Esempio, jurisdiction: [IT], lists: [court], daily_max: 20000, file: authority.token},
  {name: other, role: authority, authority: Another Court, jurisdiction: [IT], lists: [court], file: other.token},
  {name: anna, role: operator, file: operator.token},
  {name: bert, role: operator, file: colleague.token}, `, 1)
	files["authority.token"], files["operator.token"], files["colleague.token"] = authority+"\n", operator+"\n", colleague+"\n"
	files["other.token"] = "other-" + authority + "\n"
	return files
}

// submission is a complete order for some names.
func submission(ref string, names ...string) map[string]any {
	var entries []map[string]string
	for _, name := range names {
		entries = append(entries, map[string]string{"name": name, "scope": "subtree"})
	}
	return map[string]any{
		"ref": ref, "authority": map[string]string{"name": "Tribunale di Esempio", "kind": "court", "country": "IT"},
		"legal_basis": []map[string]string{{"act": "Legge 633/1941", "article": "163"}}, "reasons": map[string]string{"it": "Diffusione abusiva."},
		"jurisdiction": []string{"IT"}, "language": "it", "entries": entries,
		"redress": map[string]any{"venues": []map[string]string{{"kind": "court", "name": "Corte di Appello"}}, "deadline": "15d", "deadline_from": "notification", "languages": []string{"it"}},
	}
}

// blocked says whether a name is blocked for a client in Italy.
func (s *server) blocked(name string) bool {
	s.t.Helper()
	reply := s.ask("127.0.0.1", name, dns.TypeA)
	return reply.Rcode == dns.RcodeNameError && len(extended(reply)) == 1 && extended(reply)[0].InfoCode == 16
}

// wantBlocked holds names to being blocked, or not.
func (s *server) wantBlocked(want bool, names ...string) {
	s.t.Helper()
	for _, name := range names {
		if got := s.blocked(name); got != want {
			s.t.Errorf("%s is blocked: %t", name, got)
		}
	}
}

func orderPath(ref, more string) string { return "/api/v1/orders/" + url.PathEscape(ref) + more }

// TestAnOrderIsInForceAtOnce: with the reply, for whom it concerns, with its own explanation,
// also after a power cut and a new import.
func TestAnOrderIsInForceAtOnce(t *testing.T) {
	t.Parallel()
	directory := write(t, orderFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	s.wantBlocked(false, "pirate.example", "www.pirate.example") // and the answers are kept now
	body := submission("RG 9/2026", "pirate.example", "stream.example")
	status, reply := s.call(http.MethodPost, "/api/v1/orders", authority, body)
	if status != http.StatusCreated || reply["state"] != "in_force" || reply["ref"] != "RG 9/2026" || reply["effect"] == nil || len(reply["deficient"].([]any))+len(reply["held"].([]any)) != 0 {
		t.Fatalf("submitted: %d %v", status, reply)
	}
	s.wantBlocked(true, "pirate.example", "www.pirate.example", "stream.example", "blocked-by-law.example")
	s.expect(t, []expected{{"127.0.0.3", "pirate.example", dns.TypeA, dns.RcodeSuccess, 1, 0}})
	s.checkReasonOfOrder(t, "pirate.example")
	if again, same := s.call(http.MethodPost, "/api/v1/orders", authority, body); again != status || fmt.Sprint(same) != fmt.Sprint(reply) {
		t.Errorf("the same once more: %d %v\nfirst %v", again, same, reply)
	}
	if status, problem := s.call(http.MethodPost, "/api/v1/orders", authority, submission("RG 9/2026", "other.example")); status != http.StatusConflict {
		t.Errorf("another body: %d %v", status, problem)
	}
	s.wantBlocked(false, "other.example")
	s.kill()
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantBlocked(true, "pirate.example", "www.pirate.example", "stream.example", "blocked-by-law.example")
	if err := os.WriteFile(filepath.Join(directory, "lists/court.txt"), []byte("fresh.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.recourse(t, directory, "lists", "apply", "--config", "recourse.yaml")
	s.wantBlocked(true, "pirate.example", "fresh.example")
	s.wantReceipts(t, "RG 9/2026", "blocked")
	if said := s.recourse(t, directory, "orders", "lift", "RG 9/2026", "pirate.example", "--config", "recourse.yaml"); !strings.Contains(said, "in force, 1 names") {
		t.Errorf("lifted beside the running server: %s", said)
	}
	s.wantBlocked(false, "pirate.example")
}

// checkReasonOfOrder holds text, page and look-up to what the order says.
func (s *server) checkReasonOfOrder(t *testing.T, name string) {
	t.Helper()
	told := extended(s.ask("127.0.0.1", name, dns.TypeA))[0].ExtraText
	if !strings.HasPrefix(told, "Blocked by order of Tribunale di Esempio.") {
		t.Errorf("told %q", told)
	}
	code := told[strings.LastIndex(told, "/")+1:]
	status, reason := s.call(http.MethodGet, "/api/v1/reasons/"+code, "", nil)
	redress := fmt.Sprint(reason["redress"])
	if status != http.StatusOK || reason["order"] != "RG 9/2026" || reason["decided_by"] != "Tribunale di Esempio" || reason["language"] != "it" ||
		!strings.Contains(fmt.Sprint(reason["reasons"]), "Diffusione") || !strings.Contains(redress, "Corte di Appello") || !strings.Contains(redress, "15d") {
		t.Errorf("reason: %d %v", status, reason)
	}
	if status, page := s.page(s.web + "/r/" + code); status != http.StatusOK || !strings.Contains(page, "RG 9/2026") || !strings.Contains(page, "Diffusione abusiva.") {
		t.Errorf("page: %d\n%s", status, page)
	}
}

// wantReceipts holds the receipts of an order to what they prove.
func (s *server) wantReceipts(t *testing.T, ref string, what ...string) {
	t.Helper()
	status, proof := s.call(http.MethodGet, orderPath(ref, "/receipts"), authority, nil)
	receipts, _ := proof["receipts"].([]any)
	if status != http.StatusOK || len(receipts) != len(what) {
		t.Fatalf("receipts: %d %v, wanted %v", status, proof, what)
	}
	for i, one := range receipts {
		receipt := one.(map[string]any)
		received, err := time.Parse(time.RFC3339, fmt.Sprint(receipt["received"]))
		inForce, failed := time.Parse(time.RFC3339, fmt.Sprint(receipt["in_force"]))
		if receipt["what"] != what[i] || receipt["node"] == "" || receipt["generation"].(float64) == 0 || err != nil || failed != nil || inForce.Before(received) || receipt["cached_until"] == nil {
			t.Errorf("receipt %v", receipt)
		}
	}
}

// recourse runs a command beside the server and wants it to succeed.
func (s *server) recourse(t *testing.T, directory string, args ...string) string {
	t.Helper()
	output, err := program(t, directory, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("recourse %v: %v\n%s", args, err, output)
	}
	return string(output)
}
