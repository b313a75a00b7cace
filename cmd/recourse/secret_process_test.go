package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestSecretListsStaySecret: a name of a secret list is blocked under a code that all its entries
// share, and nothing public tells that it is on that list.
func TestSecretListsStaySecret(t *testing.T) {
	t.Parallel()
	directory := write(t, structuredFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	text := extended(s.ask("127.0.0.1", "www.hidden.example", dns.TypeA))[0].ExtraText
	code := text[strings.LastIndexByte(text, '/')+1:]

	status, nothing := s.call("GET", "/api/v1/lookup?name=nothing.example", "", nil)
	_, found := s.call("GET", "/api/v1/lookup?name=hidden.example", "", nil)
	if results, is := found["results"].([]any); status != http.StatusOK || !is || len(results) != 0 || found["confidential_lists_not_searched"] != true || nothing["confidential_lists_not_searched"] != true {
		t.Errorf("the look-up: %v", found)
	}
	_, both := s.call("GET", "/api/v1/lookup?name=blocked-by-law.example", "", nil)
	if results, is := both["results"].([]any); !is || len(results) != 3 { // court, phishing, gambling
		t.Errorf("a name that is on other lists too: %v", both)
	}
	if _, page := s.page(s.web + "/?name=hidden.example"); !strings.Contains(page, "Lists that are confidential by law are not searched here") {
		t.Errorf("the page of a look-up:\n%s", page)
	}

	// The code says who ordered it, by which act and where that is contested.
	status, reason := s.call("GET", "/api/v1/reasons/"+code, "", nil)
	said, _ := json.Marshal(reason)
	if status != http.StatusOK || reason["confidential"] != true || reason["decided_by"] != "Tribunale di Esempio" {
		t.Errorf("the reason: %d %s", status, said)
	}
	wantText(t, string(said), "Legge 633/1941", "https://court.example/ricorsi")
	_, page := s.page(s.web + "/r/" + code)
	wantText(t, page, "Tribunale di Esempio", "Legge 633/1941", "https://court.example/ricorsi")
	silent(t, "the reason", string(said), "hidden", "nobody sees", "csam", "RG 9", "lumen")
	silent(t, "its page", page, "hidden.example", "nobody sees", "csam", "RG 9", "lumen")

	// A case about it reads as one about nothing, and its events name no list and no entry.
	for _, name := range []string{"hidden.example", "nothing.example"} {
		if status, opened := s.call("POST", "/api/v1/cases", "", map[string]any{"name": name, "role": "owner", "explanation": "This is ours.", "good_faith": true}); status != http.StatusCreated || opened["state"] != "submitted" {
			t.Errorf("a case about %s: %d %v", name, status, opened)
		}
	}
	exported := recourse(t, directory, 0, "lists", "export", "--config=recourse.yaml", "--format=domains")
	wantText(t, exported, "phish.example", "blocked-by-law.example")
	silent(t, "an export of all lists", exported, "hidden")
	wantText(t, recourse(t, directory, 0, "lists", "export", "--config=recourse.yaml", "--format=domains", "--list=hidden"), "hidden.example")
	for _, path := range []string{"/policy", "/api/v1/report?from=2020-01-01&to=" + time.Now().Format(time.DateOnly), "/api/v1/report", "/api/v1/openapi.json", "/"} {
		_, page := s.page(s.web + path)
		silent(t, path, page, "hidden.example", "RG 9", "nobody sees", "csam")
	}
	// Who runs the resolver sees all.
	wantText(t, recourse(t, directory, 1, "explain", "--config=recourse.yaml", "--client=127.0.0.1", "hidden.example"), "list hidden decides", "order RG 9/2026", "Blocked by order of an authority. "+code)
	s.stop()
	silent(t, "the events", eventTexts(t, filepath.Join(directory, "state", "recourse.db")), "hidden")
}

// silent wants none of the words.
func silent(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("%s has %q:\n%s", what, word, text)
		}
	}
}

// eventTexts is what all events of a stopped server say.
func eventTexts(t *testing.T, path string) string {
	t.Helper()
	database, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	rows, err := database.QueryContext(t.Context(), `SELECT kind || ' ' || content FROM events`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if rows.Err() != nil || len(all) == 0 {
		t.Fatalf("%d events, %v", len(all), rows.Err())
	}
	return strings.Join(all, "\n")
}
