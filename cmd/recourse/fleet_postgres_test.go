package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/store/postgrestest"
	"github.com/recourse-dns/recourse/redress/audit"
)

// desks starts processes that share one PostgreSQL, each with doors and desk.
func desks(t testing.TB, count int) []*server {
	t.Helper()
	database := postgrestest.Start(t)
	shared := t.TempDir()
	key := strings.Repeat("k", policy.MinKey)
	for _, name := range []string{"deployment.key", "contact.key"} {
		if err := os.WriteFile(filepath.Join(shared, name), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := audit.LoadKey(filepath.Join(shared, "audit.key")); err != nil { // it is made
		t.Fatal(err)
	}
	heads, err := os.ReadFile(filepath.Join(shared, "audit.key"))
	if err != nil {
		t.Fatal(err)
	}
	var listed strings.Builder
	for i := range 200 {
		fmt.Fprintf(&listed, "n%d.casino.example\n", i) // an entry for each decision
	}
	answers := upstream(t)
	nodes := make([]*server, count)
	for i := range nodes {
		files := exampleFiles(answers)
		files["lists/gambling.txt"] = listed.String()
		content := strings.Replace(files["recourse.yaml"], "listen: {", fmt.Sprintf("listen: {nsid: node-%d, ", i+1), 1)
		content = strings.Replace(content, "store: sqlite", fmt.Sprintf("store: %q, contact_key_file: %q", database.URL("postgres"), filepath.Join(shared, "contact.key")), 1)
		files["recourse.yaml"] = content + "fleet: {deployment_key_file: " + filepath.Join(shared, "deployment.key") + "}\n"
		files["state/audit.key"] = string(heads)
		nodes[i] = start(t, write(t, files), "--config", "recourse.yaml")
	}
	return nodes
}

// throughout decides a case at the first node, and says how long after the reply the name
// resolves at the last.
func throughout(t testing.TB, nodes []*server, number int) time.Duration {
	t.Helper()
	name := fmt.Sprintf("n%d.casino.example", number)
	opened, accepted := nodes[len(nodes)-1].file(number) // a case of one node is decided at another
	if !accepted {
		t.Fatal("the case was not taken")
	}
	for _, node := range nodes {
		if got := node.ask("127.0.0.2", name, dns.TypeA); len(extended(got)) != 1 {
			t.Fatalf("before the decision: %v", got)
		}
	}
	decision := map[string]any{"outcome": "reverse", "facts": "It is a museum.", "ground": "No gambling there."}
	if status, ruling := nodes[0].call(http.MethodPost, "/api/v1/cases/"+opened.id+"/decision", reviewer, decision); status != http.StatusOK {
		t.Fatalf("decision: %d %v", status, ruling)
	}
	since, all := time.Now(), sync.WaitGroup{}
	for _, node := range nodes {
		all.Go(func() { node.until(t, func() bool { return len(node.ask("127.0.0.2", name, dns.TypeA).Answer) == 1 }) })
	}
	all.Wait()
	return time.Since(since)
}

// TestDesksShareOnePostgreSQL: what is decided at one is in force at all, and a case is at all.
func TestDesksShareOnePostgreSQL(t *testing.T) {
	t.Parallel()
	nodes := desks(t, 3)
	t.Logf("measured: a decision at one of three nodes that share a PostgreSQL is in force at the last %v after its reply", throughout(t, nodes, 1).Round(time.Millisecond))
	nodes[0].until(t, func() bool {
		listed, err := program(t, nodes[0].process.Dir, "fleet", "nodes", "--config", "recourse.yaml").CombinedOutput() // status 1 while one is behind
		return err == nil && strings.Count(string(listed), "up to date") == len(nodes)
	})
	otherDeskIsRefused(t, nodes[0])
	for _, node := range nodes {
		node.stop()
	}
}

// otherDeskIsRefused starts one more with an audit key and a deployment key of its own: it says which files it needs,
// and how it could be the first instead.
func otherDeskIsRefused(t *testing.T, first *server) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(first.process.Dir, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	files := exampleFiles("127.0.0.1:9")
	lines, _, _ := strings.Cut(string(content), "fleet: {")
	files["recourse.yaml"] = strings.Replace(lines, "nsid: node-1", "nsid: node-9", 1)
	directory := write(t, files)
	output, err := program(t, directory, "serve", "--config", "recourse.yaml").CombinedOutput()
	said := string(output)
	for _, want := range []string{"other keys than its database", filepath.Join("state", "audit.key"), filepath.Join("state", "deployment.key"), "that of node-1", "recourse fleet keys"} {
		if err == nil || !strings.Contains(said, want) {
			t.Errorf("a desk with other keys says nothing of %q: %v\n%s", want, err, said)
		}
	}
	if strings.Contains(said, "contact key") {
		t.Errorf("the key that is the same is named:\n%s", said)
	}
	shown, err := program(t, directory, "fleet", "keys", "--config", "recourse.yaml").CombinedOutput()
	if err == nil || strings.Count(string(shown), ", of node-1") != 2 || strings.Count(string(shown), "the same") != 1 {
		t.Errorf("its keys: %v\n%s", err, shown)
	}
	if shown := first.recourse(t, first.process.Dir, "fleet", "keys", "--config", "recourse.yaml"); strings.Count(shown, "the same") != 3 || strings.Count(shown, "scp -p ") != 3 {
		t.Errorf("the first desk's keys:\n%s", shown)
	}
}

// BenchmarkDecisionOnTwentyNodes is the time from the reply to a decision until the name
// resolves at the last of 20 processes that share one PostgreSQL.
func BenchmarkDecisionOnTwentyNodes(b *testing.B) {
	nodes := desks(b, 20)
	var longest time.Duration
	number := 0
	for b.Loop() {
		number++
		longest = max(longest, throughout(b, nodes, number))
	}
	b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
}
