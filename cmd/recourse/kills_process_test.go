package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// kept is what was answered for done: cases with their tokens, and those that were decided.
type kept struct {
	mu      sync.Mutex
	tokens  map[string]string
	decided map[string]bool
}

// TestKillingLosesNoCase kills the server at any point while cases are filed and decided, again and
// again: 8 times, 20 with FULL=1, or RECOURSE_KILLS. What was answered is there, and no decision is half done.
func TestKillingLosesNoCase(t *testing.T) {
	t.Parallel()
	kills := 8
	if full() {
		kills = 20
	}
	if wanted, err := strconv.Atoi(os.Getenv("RECOURSE_KILLS")); err == nil {
		kills = wanted
	}
	files := exampleFiles(upstream(t))
	var names strings.Builder
	for number := range kills * 40 {
		fmt.Fprintf(&names, "0.0.0.0 p%d.example\n", number)
	}
	files["lists/phishing.hosts"] = names.String()
	directory := write(t, files)
	answered := &kept{tokens: map[string]string{}, decided: map[string]bool{}}
	next := 0
	for range kills {
		s := start(t, directory, "--config=recourse.yaml")
		var clients sync.WaitGroup
		for range 3 {
			first := next
			next += 13
			clients.Go(func() { answered.work(s.web, first, 13) })
		}
		time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { s.process.Process.Kill() })
		s.process.Wait()
		clients.Wait()
	}
	s := start(t, directory, "--config=recourse.yaml")
	for id, token := range answered.tokens {
		if status, shown := s.call("GET", "/api/v1/cases/"+id, token, nil); status != http.StatusOK {
			t.Errorf("case %s was answered 201, and is %d %v", id, status, shown)
		} else if answered.decided[id] && shown["decision"] == nil {
			t.Errorf("case %s was answered as decided, and is not", id)
		}
	}
	s.stop()
	whole(t, filepath.Join(directory, "state", databaseFile))
	t.Logf("%d kills: %d cases answered 201, %d decided, none lost", kills, len(answered.tokens), len(answered.decided))
}

// work files cases and decides every other, until the server is gone.
func (k *kept) work(web string, first, count int) {
	for number := first; number < first+count; number++ {
		filed, err := tell(web+"/api/v1/cases", "", map[string]any{"name": fmt.Sprintf("p%d.example", number), "role": "owner", "explanation": "The site was cleaned last week.", "good_faith": true}, http.StatusCreated)
		if err != nil {
			return
		}
		id, _ := filed["id"].(string)
		token, _ := filed["token"].(string)
		k.mu.Lock()
		k.tokens[id] = token
		k.mu.Unlock()
		if number%2 == 1 {
			continue
		}
		if _, err := tell(web+"/api/v1/cases/"+id+"/decision", reviewer, map[string]any{"outcome": "reverse", "facts": "No phishing there.", "ground": "The entry is stale."}, http.StatusOK); err != nil {
			return
		}
		k.mu.Lock()
		k.decided[id] = true
		k.mu.Unlock()
	}
}

// tell posts a document, and gives the answer where it has the status.
func tell(address, token string, body any, want int) (map[string]any, error) {
	octets, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(octets))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	if octets, err = io.ReadAll(reply.Body); err != nil {
		return nil, err
	}
	if reply.StatusCode != want {
		return nil, fmt.Errorf("%d: %s", reply.StatusCode, octets)
	}
	document := map[string]any{}
	return document, json.Unmarshal(octets, &document)
}

// whole holds the database to itself: each reversal has its exception and each exception its
// reversal, nothing waits to be in force, and every filing has its case and its first event.
func whole(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for what, query := range map[string]string{
		"reversals without exception": `SELECT count(*) FROM events e WHERE kind = 'decided' AND content LIKE '%"outcome":"reverse"%' AND NOT EXISTS (SELECT 1 FROM exceptions x WHERE x.case_id = e.case_id)`,
		"exceptions without reversal": `SELECT count(*) FROM exceptions x WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.case_id = x.case_id AND e.kind = 'decided')`,
		"filings without a case":      `SELECT count(*) FROM filings f WHERE NOT EXISTS (SELECT 1 FROM cases c WHERE c.filing = f.id)`,
		"cases without an event":      `SELECT count(*) FROM cases c WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.case_id = c.id AND e.kind = 'filed')`,
		"texts without a filing":      `SELECT count(*) FROM texts t WHERE NOT EXISTS (SELECT 1 FROM filings f WHERE f.id = t.filing)`,
		"gaps in the log":             `SELECT coalesce(max(sequence), 0) - count(*) FROM events`,
	} {
		var count int
		if err := db.QueryRowContext(t.Context(), query).Scan(&count); err != nil || count != 0 {
			t.Errorf("%s: %d, %v", what, count, err)
		}
	}
}
