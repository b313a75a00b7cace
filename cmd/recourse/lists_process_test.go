package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// guardedFiles are a configuration with safeguards, and three small lists.
func guardedFiles(upstream string) map[string]string {
	files := exampleFiles(upstream)
	text := strings.Replace(files["recourse.yaml"], "blocklists:\n",
		"bundle:\n  protected: [bank.example]\n  popular: {file: popular.csv, hold_above: 10}\n  limits: {growth: 20%, shrink: 20%}\n  licensed: [{title: ANJ, file: licensed.txt, jurisdiction: [FR]}]\nblocklists:\n", 1)
	text = strings.Replace(text, "source: {file: lists/phishing.hosts, refresh: 1s}", "source: {file: lists/phishing.hosts}", 1)
	text = strings.Replace(text, "profiles:\n", `  - id: trial
    purpose: security
    category: scam
    title: {en: On trial}
    publisher: {name: Example CERT, contact: "mailto:fp@cert.example"}
    source: {file: lists/trial.txt}
    format: domains
    scope: subtree
    shadow: true
    review_every: 90d
profiles:
`, 1)
	files["recourse.yaml"] = text
	files["popular.csv"] = "1,search.example\n2,casino.example\n300,rare.example\n"
	files["licensed.txt"] = "casino.example\nunlisted.example\n"
	files["lists/trial.txt"] = "shadowed.example\n"
	files["lists/phishing.hosts"] = "0.0.0.0 phish.example bank.example www.search.example rare.example\n"
	return files
}

// recourse runs a command beside the server and wants the exit status.
func recourse(t *testing.T, directory string, status int, args ...string) string {
	t.Helper()
	command := program(t, directory, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	_ = command.Run() // the status says it
	if got := command.ProcessState.ExitCode(); got != status {
		t.Fatalf("recourse %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), got, status, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

func wantText(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
}

// refusal is the reply to a name that a security list blocks.
func refusal(name string) expected {
	return expected{"127.0.0.1", name, dns.TypeA, dns.RcodeNameError, 0, dns.ExtendedErrorCodeBlocked}
}

func passes(name string) expected {
	return expected{"127.0.0.1", name, dns.TypeA, dns.RcodeSuccess, 1, 0}
}

// TestTheLifeOfAHold goes from a dry run by two people to a restart.
func TestTheLifeOfAHold(t *testing.T) {
	t.Parallel()
	directory := write(t, guardedFiles(upstream(t)))
	const config = "--config=recourse.yaml"
	plan := recourse(t, directory, 0, "lists", "plan", config)
	wantText(t, plan, "list phishing (security): would block 2, would unblock 0, unchanged 0, held 2",
		"held: bank.example (exact), line 1: protected-name bank.example: protected itself",
		"held: www.search.example (exact), line 1: popular-name search.example, rank 1",
		"popular, and not held: rare.example (exact), line 1: popular-name rare.example, rank 300",
		"rank 1: search.example is covered by www.search.example (exact) of list phishing, line 1; held",
		"conflict: casino.example is allowed by ANJ and blocked by list gambling (user)",
		"in shadow mode")

	s := start(t, directory, "--config", "recourse.yaml")
	s.expect(t, []expected{refusal("phish.example"), passes("bank.example"), passes("www.search.example"), refusal("rare.example"), passes("shadowed.example")})
	if _, found := s.call("GET", "/api/v1/lookup?name=bank.example", "", nil); found["results"] != nil {
		for _, result := range found["results"].([]any) {
			if result.(map[string]any)["blocked"] != false {
				t.Errorf("a held entry is shown as blocked: %v", result)
			}
		}
	}
	wantText(t, recourse(t, directory, 0, "lists", "holds", config), "phishing bank.example (exact), line 1: protected-name bank.example", "2 different people must release it")
	wantText(t, recourse(t, directory, 0, "explain", config, "bank.example"), "held by safeguard protected-name since 20", "released by nobody (0 of 2 people)")

	wantText(t, recourse(t, directory, 0, "lists", "release", config, "phishing", "bank.example", "--by", "Ada", "--note", "seen"), "released by Ada, and 1 more must")
	wantText(t, recourse(t, directory, 1, "lists", "release", config, "phishing", "bank.example", "--by", " ADA "), "another person has to")
	s.expect(t, []expected{passes("bank.example")})
	wantText(t, recourse(t, directory, 1, "lists", "release", config, "phishing", "other.example", "--by", "Bo"), "no such hold")
	wantText(t, recourse(t, directory, 0, "lists", "release", config, "phishing", "bank.example", "--by", "Bo", "--json"), `"released": true`)
	s.expect(t, []expected{refusal("bank.example"), passes("www.search.example")})
	wantText(t, recourse(t, directory, 1, "explain", config, "bank.example"), "held by safeguard protected-name", "released by Ada, Bo")

	reply, err := http.Get(s.metrics)
	if err != nil {
		t.Fatal(err)
	}
	octets, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, string(octets), `recourse_would_block_total{list="trial",purpose="security"} 1`)

	s.kill()
	s = start(t, directory, "--config", "recourse.yaml")
	s.expect(t, []expected{refusal("bank.example"), passes("www.search.example")})
	s.stop()
	wantText(t, recourse(t, directory, 0, "lists", "holds", config, "--json"), `"name": "www.search.example"`)
	recourse(t, directory, 0, "lists", "release", config, "phishing", "www.search.example", "--by", "Ada")
	recourse(t, directory, 0, "lists", "release", config, "phishing", "www.search.example", "--by", "Cy")
	s = start(t, directory, "--config", "recourse.yaml")
	s.until(t, func() bool { return s.ask("127.0.0.1", "www.search.example", dns.TypeA).Rcode == dns.RcodeNameError })
	s.stop()
}

// manyHosts is a hosts file of so many names.
func manyHosts(count int) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, "0.0.0.0 n%d.example\n", i)
	}
	return text.String()
}

func TestAWrongFileIsRolledBack(t *testing.T) {
	t.Parallel()
	files := guardedFiles(upstream(t))
	files["lists/phishing.hosts"] = manyHosts(100)
	directory := write(t, files)
	const config = "--config=recourse.yaml"
	put := func(text string) {
		if err := os.WriteFile(filepath.Join(directory, "lists", "phishing.hosts"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, directory, "--config", "recourse.yaml")
	good := []expected{refusal("n5.example"), passes("innocent.example"), passes("n150.example")}
	s.expect(t, good)

	// Within the limit, and wrong all the same.
	put(manyHosts(100) + "0.0.0.0 innocent.example\n")
	blocked := func(name string) func() bool {
		return func() bool { return s.ask("127.0.0.1", name, dns.TypeA).Rcode == dns.RcodeNameError }
	}
	s.until(t, blocked("innocent.example"))
	wantText(t, recourse(t, directory, 0, "lists", "diff", config), "generation 1 to 2: 1 more, 0 fewer", "+: innocent.example (exact)")
	var done rolledBack
	text := recourse(t, directory, 0, "lists", "rollback", config, "--json")
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&done); err != nil { // warnings follow it

		t.Fatal(err)
	}
	if done.From != 2 || done.To != 1 || done.Now <= 2 || len(done.Pinned) != 1 || done.Pinned[0] != "phishing" || done.Changed.Unblock != 1 {
		t.Errorf("rolled back: %+v", done)
	}
	s.expect(t, good)

	// A power cut does not bring it back.
	s.kill()
	s = start(t, directory, "--config", "recourse.yaml")
	s.expect(t, good)

	// Not even one in the middle of it, when lists are fixed and no generation is written of it.
	s.kill()
	left, err := os.ReadDir(filepath.Join(directory, "state", bundlesDir))
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, entry := range left {
		digits := strings.Trim(strings.SplitN(entry.Name(), ".", 2)[0], "abcdefghijklmnopqrstuvwxyz-")
		if number, err := strconv.ParseUint(digits, 10, 64); err == nil && number > done.From {
			removed++
			if err := os.Remove(filepath.Join(directory, "state", bundlesDir, entry.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if removed == 0 {
		t.Fatal("the rollback has left no generation")
	}
	s = start(t, directory, "--config", "recourse.yaml")
	s.expect(t, good)
	wantText(t, recourse(t, directory, 0, "lists", "apply", config, "--list", "court"), "generation ")
	s.expect(t, good)

	// Nor a restart with another configuration.
	s.kill()
	replaceIn(t, filepath.Join(directory, "recourse.yaml"), "deny: [games.example]", "deny: [games.example, more.example]")
	s = start(t, directory, "--config", "recourse.yaml")
	s.expect(t, good)

	// Neither a reload nor a change of another list undoes it; a person does.
	if err := os.WriteFile(filepath.Join(directory, "lists", "court.txt"), []byte("blocked-by-law.example\nfresh.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantText(t, recourse(t, directory, 0, "lists", "apply", config, "--list", "court"), "list court (law): ", " is in force")
	s.expect(t, append(good, expected{"127.0.0.1", "fresh.example", dns.TypeA, dns.RcodeNameError, 0, dns.ExtendedErrorCodeCensored}))
	wantText(t, recourse(t, directory, 0, "lists", "status", config), "pinned by ", "until recourse lists apply --list phishing")
	wantText(t, recourse(t, directory, 1, "lists", "rollback", "77", config), "generation 77 is not kept; ")

	// Now the source grows beyond the limit: what is new is held, whole, until two say so.
	put(manyHosts(200))
	wantText(t, recourse(t, directory, 0, "lists", "apply", config), "list phishing (security): 0 more in force, 0 fewer, 100 as before, 100 held")
	s.expect(t, good)
	wantText(t, recourse(t, directory, 0, "lists", "holds", config), "phishing --growth: growth: 100 entries are new, where 100 are in force and the limit is 20%")
	recourse(t, directory, 0, "lists", "release", "phishing", "--growth", "--by", "Ada", config)
	recourse(t, directory, 0, "lists", "release", "phishing", "--growth", "--by", "Bo", config)
	s.expect(t, []expected{refusal("n150.example")})

	// A list that lost half of it stays as it was, and says so.
	put(manyHosts(20))
	wantText(t, recourse(t, directory, 0, "lists", "apply", config), "180 of 200 entries are gone, the limit is 20%")
	s.expect(t, []expected{refusal("n150.example")})
	wantText(t, recourse(t, directory, 0, "lists", "status", config, "--json"), `"kind": "shrink"`, `"stale": true`)
	recourse(t, directory, 0, "lists", "release", "phishing", "--shrink", "--by", "Ada", config)
	recourse(t, directory, 0, "lists", "release", "phishing", "--shrink", "--by", "Bo", config)
	s.expect(t, []expected{passes("n150.example"), refusal("n5.example")})

	wantText(t, recourse(t, directory, 0, "lists", "export", config, "--list", "phishing", "--format", "rpz"), "n5.example CNAME .\n")
	wantText(t, recourse(t, directory, 0, "lists", "export", config, "--list", "gambling", "--format", "jsonl"), `{"name":"bet.example","scope":"subtree","comment":"gambling line 2"}`)
	wantText(t, recourse(t, directory, 0, "lists", "export", config, "--list", "gambling", "--format", "hosts"), "0.0.0.0 bet.example\n", "# 2 entries also cover")
	s.stop()
	wantText(t, recourse(t, directory, 0, "lists", "export", config, "--format", "domains"), "n5.example\n")
	wantText(t, recourse(t, directory, 0, "lists", "status", config), "phishing (security): 20 entries")
}
