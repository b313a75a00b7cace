package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/redresstest"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// TestAuditedEntriesNameExceptions: an auditor's export says what is excepted from the entries,
// by whom, and of which state both are; of a secret list neither.
func TestAuditedEntriesNameExceptions(t *testing.T) {
	t.Parallel()
	snapshot := redresstest.New(t).Current.Load()
	at := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	excepted := policy.NewOverlay(7, []blocklists.Exception{
		{ID: 1, Kind: blocklists.Operator, List: "phishing", Name: wire.MustName("phish.example"), At: at},
		{ID: 2, Kind: blocklists.Decided, List: "court", Name: wire.MustName("court.example"), Keep: wire.MustName("bad.court.example"), Case: "7K4Q-92QF-M3TX", Outside: []string{"IT"}, At: at},
		{ID: 3, Kind: blocklists.Operator, List: "hidden", Name: wire.MustName("secret.example"), At: at},
		{ID: 4, Kind: blocklists.Operator, List: "gone", Name: wire.MustName("gone.example"), At: at},
	})
	var said bytes.Buffer
	if err := writeExport(&said, snapshot.Bundle, excepted, "", auditFormat); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(said.String(), "\n"), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q is not JSON", line)
		}
	}
	if want := `{"generation":1,"exceptions_sequence":7}`; lines[0] != want {
		t.Errorf("the first line is %s, want %s", lines[0], want)
	}
	entries := strings.Count(said.String(), `"comment":`)
	if entries != 9 || len(lines) != 1+entries+2 {
		t.Errorf("%d entries in %d lines:\n%s", entries, len(lines), &said)
	}
	wanted := []string{
		`{"exception":{"name":"phish.example","id":1,"kind":"operator","list":"phishing","at":"2026-11-02T10:00:00Z"}}`,
		`{"exception":{"name":"court.example","keep":"bad.court.example","id":2,"kind":"decided","list":"court","outside":["IT"],"case":"7K4Q-92QF-M3TX","at":"2026-11-02T10:00:00Z"}}`,
	}
	for _, want := range wanted {
		if !strings.Contains(said.String(), want+"\n") {
			t.Errorf("no line %s in\n%s", want, &said)
		}
	}
	said.Reset()
	if err := writeExport(&said, snapshot.Bundle, excepted, "phishing", "jsonl"); err != nil || strings.Contains(said.String(), "exception") {
		t.Errorf("a list for others to read: %v\n%s", err, &said)
	}
}
