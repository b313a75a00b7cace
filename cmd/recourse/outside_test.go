package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

// nodeOn runs a node on a configuration of one list, whose source is named.
func nodeOn(t *testing.T, directory, source string) *node {
	t.Helper()
	text := fmt.Sprintf(`operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
listen: {do53: ["127.0.0.1:0"]}
state: ./state
resolver: {mode: forward, forward: ["%s"], dnssec: "off"}
blocklists:
  - {id: phishing, purpose: security, category: phishing, title: {en: Phishing}, publisher: {name: Example}, format: domains, scope: subtree, review_every: 90d, source: {%s}}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`, upstream(t), source)
	if err := os.WriteFile(filepath.Join(directory, "recourse.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// awaitTrouble waits until the status tells of what is wrong with the list's source; an
// empty part is of nothing.
func awaitTrouble(t *testing.T, n *node, part string) {
	t.Helper()
	var said string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); tickOrFail(t) {
		status, err := n.importer.status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if said = status.Lists[0].Trouble; strings.Contains(said, part) && (said == "") == (part == "") {
			return
		}
	}
	t.Fatalf("no trouble with %q in the status: %q", part, said)
}

// A source that falls silent is seen although nothing is compiled, and so is its return.
func TestASilentSourceIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	var silent atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("phish.example\n"))
	}))
	defer web.Close()
	n := nodeOn(t, t.TempDir(), fmt.Sprintf(`url: %q, refresh: 1s, private_addresses: [127.0.0.0/8]`, web.URL))
	awaitOutcome(t, n, "phish.example", "nxdomain")
	silent.Store(true)
	awaitTrouble(t, n, "404")
	generation := n.importer.current.Load().Bundle.Generation()
	if err := n.importer.look(t.Context(), time.Now(), false); err != nil {
		t.Fatal(err)
	}
	if status, err := n.importer.status(t.Context()); err != nil || len(status.Lists[0].Alarms) == 0 {
		t.Errorf("no alarm: %+v, %v", status, err)
	}
	silent.Store(false)
	awaitTrouble(t, n, "")
	if got := n.importer.current.Load().Bundle.Generation(); got != generation || outcomeAt(n.do53[0], "phish.example") != "nxdomain" {
		t.Errorf("generation %d after %d", got, generation)
	}
}

// What the error of a serial that went back names as its remedy takes it.
func TestApplyTakesASerialThatWentBack(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	edition := func(serial int, name string) {
		t.Helper()
		text := fmt.Sprintf("# serial: %d\n%s\n", serial, name)
		if err := os.WriteFile(filepath.Join(directory, "list.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edition(20261107, "first.example")
	n := nodeOn(t, directory, "file: list.txt")
	awaitOutcome(t, n, "first.example", "nxdomain")
	edition(20261101, "second.example")
	awaitTrouble(t, n, "its serial went back")
	if got := outcomeAt(n.do53[0], "second.example"); got == "nxdomain" {
		t.Error("taken without being asked to")
	}
	if _, err := n.importer.apply(t.Context(), application{Lists: []blocklists.ListID{"phishing"}}, "ada"); err != nil {
		t.Fatal(err)
	}
	if got := outcomeAt(n.do53[0], "second.example"); got != "nxdomain" {
		t.Errorf("not taken: %s", got)
	}
}

// A list file that is gone keeps no node from starting that has a copy of it.
func TestAStartWithoutAListFile(t *testing.T) {
	t.Parallel()
	directory := write(t, exampleFiles("127.0.0.1:9"))
	start(t, directory, "--config", "recourse.yaml").stop()
	if err := os.Remove(filepath.Join(directory, "lists/court.txt")); err != nil {
		t.Fatal(err)
	}
	recourse(t, directory, 1, "check", "--config", "recourse.yaml") // which says what is wrong all the same
	s := start(t, directory, "--config", "recourse.yaml")
	defer s.stop()
	if reply := s.ask("127.0.0.1", "blocked-by-law.example", dns.TypeA); reply.Rcode != dns.RcodeNameError {
		t.Errorf("not blocked: %s", reply)
	}
}

// The process that compiles writes nothing into the store of lists, whose trouble it tells
// as it is noted there.
func TestACompileLeavesTheStoreAlone(t *testing.T) {
	lists, dir := t.TempDir(), t.TempDir()
	manifest := &blocklists.Manifest{ID: "web", Purpose: blocklists.Security, Category: "phishing", Title: map[string]string{"en": "Web"},
		Publisher: blocklists.Publisher{Name: "Example"}, ReviewEvery: time.Hour, Source: blocklists.Source{URL: "https://lists.example/"}, Format: "domains"}
	note := []byte(`{"trouble": {"since": "2026-11-26T00:00:00Z", "error": "the signature does not fit", "failures": 1}}`)
	if err := os.Mkdir(filepath.Join(lists, "web"), 0o750); err != nil {
		t.Fatal(err)
	}
	coming := filepath.Join(lists, "web", strings.Repeat("a", 64)+".list") // which the serving process is about to note
	for path, text := range map[string][]byte{filepath.Join(lists, "web", "versions.json"): note, coming: []byte("phish.example\n")} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	catalog, err := blocklists.NewCatalog([]*blocklists.Manifest{manifest})
	if err != nil {
		t.Fatal(err)
	}
	job := bundle.NewJob(&bundle.Folder{Dir: dir}, lists, &bundle.Input{Catalog: catalog, Now: time.Now()})
	job.Guard = json.RawMessage("{}")
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	compile := program(t, dir, "compile")
	compile.Stdin, compile.Stdout = bytes.NewReader(text), &said
	if err := compile.Run(); err != nil {
		t.Fatal(err)
	}
	result, err := bundle.ReadResult(&said)
	if err != nil {
		t.Fatal(err)
	}
	if report := result.ListReports()[0].Fetch; report.State != fetch.Missing || !strings.Contains(report.Err.Error(), "the signature does not fit") {
		t.Errorf("it reports %+v: %v", report, report.Err)
	}
	if kept, err := os.ReadFile(filepath.Join(lists, "web", "versions.json")); err != nil || !bytes.Equal(kept, note) {
		t.Errorf("the note is now %s, %v", kept, err)
	}
	if _, err := os.Stat(coming); err != nil {
		t.Error(err)
	}
}

// Commands take a name as people write it.
func TestNamesInUnicode(t *testing.T) {
	for text, want := range map[string]string{"München.example": "xn--mnchen-3ya.example", "_dmarc.a.example": "_dmarc.a.example", `a\032b.example`: `a\032b.example`} {
		if name, err := nameOf(text); err != nil || strings.TrimSuffix(name.String(), ".") != want {
			t.Errorf("%s is %s, %v", text, name, err)
		}
	}
}
