package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const nodeSecret = "node-example-token-0123456789abcdefgh"

// follower starts a node that resolves only and follows the desk.
func follower(t *testing.T, desk *server, deskDirectory, name string) (*server, string) {
	t.Helper()
	files := exampleFiles(upstream(t))
	files["node.token"] = nodeSecret
	files["fleet.pub"] = desk.recourse(t, deskDirectory, "fleet", "key", "--config", "recourse.yaml")
	fleet := "roles: [resolve]\nfleet: {desk: " + desk.web + ", key_file: fleet.pub, token_file: node.token, deployment_key_file: " + filepath.Join(deskDirectory, "state", "deployment.key") + "}\n"
	content := strings.Replace(files["recourse.yaml"], "desk: {store: sqlite, tokens: [{name: reviewer-1, role: reviewer, file: reviewer.token}]}\n", fleet, 1)
	files["recourse.yaml"] = strings.Replace(content, "listen: {", "listen: {nsid: "+name+", ", 1)
	directory := write(t, files)
	return start(t, directory, "--config", "recourse.yaml"), directory
}

// TestNodesFollowOneDesk: what is decided or ordered at the desk is in force on nodes that
// have no database of it, with a receipt from each, also for a node that was away.
func TestNodesFollowOneDesk(t *testing.T) {
	t.Parallel()
	files := orderFiles(t)
	files["node.token"] = nodeSecret
	files["recourse.yaml"] = strings.Replace(files["recourse.yaml"], "tokens: [", "tokens: [{name: nodes, role: node, file: node.token}, ", 1)
	directory := write(t, files)
	desk := start(t, directory, "--config", "recourse.yaml")
	first, _ := follower(t, desk, directory, "node-1")
	second, secondDirectory := follower(t, desk, directory, "node-2")

	opened, accepted := desk.file(1)
	if !accepted {
		t.Fatal("the case was not taken")
	}
	name := "n1.casino.example"
	for _, node := range []*server{first, second} {
		if got := node.ask("127.0.0.2", name, dns.TypeA); len(extended(got)) != 1 {
			t.Fatalf("before: %v", got)
		}
	}
	shown := extended(first.ask("127.0.0.2", name, dns.TypeA))[0].ExtraText
	if here := extended(desk.ask("127.0.0.2", name, dns.TypeA))[0].ExtraText; shown != here {
		t.Errorf("the node's code is not the desk's: %q, %q", shown, here)
	}
	decision := map[string]any{"outcome": "reverse", "facts": "It is a museum.", "ground": "No gambling there."}
	if status, ruling := desk.call(http.MethodPost, "/api/v1/cases/"+opened.id+"/decision", reviewer, decision); status != http.StatusOK {
		t.Fatalf("decision: %d %v", status, ruling)
	}
	for _, node := range []*server{first, second} {
		node.until(t, func() bool { return len(node.ask("127.0.0.2", name, dns.TypeA).Answer) == 1 })
	}

	desk.until(t, func() bool {
		_, shown := desk.call(http.MethodGet, "/api/v1/cases/"+opened.id, opened.token, nil)
		effect := shown["decision"].(map[string]any)["effect"].(map[string]any)
		nodes, _ := effect["nodes"].([]any)
		return len(nodes) == 3
	})

	desk.order(t, submission("RG 7/2026", "pirate.example"))
	for _, node := range []*server{first, second} {
		node.until(t, func() bool { return node.blocked("pirate.example") })
	}
	if status, said := second.call(http.MethodGet, "/api/v1/cases/"+opened.id, opened.token, nil); status != http.StatusMisdirectedRequest {
		t.Errorf("a node without a desk says of a case: %d %v", status, said)
	}
	desk.until(t, func() bool {
		listed, err := program(t, directory, "fleet", "nodes", "--config", "recourse.yaml").CombinedOutput() // status 1 while one is behind
		return err == nil && strings.Contains(string(listed), "node-1") && strings.Contains(string(listed), "node-2") && strings.Count(string(listed), "up to date") == 3
	})

	desk.until(t, func() bool {
		_, proof := desk.call(http.MethodGet, orderPath("RG 7/2026", "/receipts"), authority, nil)
		var nodes []string
		for _, one := range proof["receipts"].([]any) {
			nodes = append(nodes, one.(map[string]any)["node"].(string))
		}
		return len(nodes) == 3 && slices.Contains(nodes, "node-1") && slices.Contains(nodes, "node-2")
	})

	// What happens at the nodes is in the desk's log, and that holds.
	desk.until(t, func() bool {
		log := desk.recourse(t, directory, "audit", "export", "--config", "recourse.yaml")
		whole := func(node string) bool {
			return strings.Contains(log, `"subject":"node/`+node+`/configuration"`) && strings.Contains(log, `"subject":"node/`+node+`/list/gambling"`)
		}
		return whole("node-1") && whole("node-2")
	})
	desk.recourse(t, directory, "audit", "verify", "--config", "recourse.yaml")

	// One is away while the order is lifted, and starts where the desk cannot be reached.
	second.stop()
	desk.done(t, http.StatusOK, http.MethodDelete, orderPath("RG 7/2026", ""), authority, nil)
	first.until(t, func() bool { return !first.blocked("pirate.example") })
	desk.stop()
	again := start(t, secondDirectory, "--config", "recourse.yaml")
	if len(again.ask("127.0.0.2", name, dns.TypeA).Answer) != 1 {
		t.Error("a decision that the node had is not in force after a start without the desk")
	}
	if !again.blocked("pirate.example") {
		t.Error("an order that the node had is not in force after a start without the desk")
	}
	again.stop()
	first.stop()
}

// TestWhatAFleetNeeds: check names what is missing, by key.
func TestWhatAFleetNeeds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ about, keys, want string }{
		{"nothing to follow", "roles: [resolve]", "fleet.desk"},
		{"an unencrypted desk", "roles: [resolve]\nfleet: {desk: \"http://dns.isp.example\", key_file: k, token_file: t}", "unencrypted"},
		{"no such key", "roles: [resolve]\nfleet: {desk: \"https://dns.isp.example\", key_file: missing.pub, token_file: reviewer.token}", "missing.pub"},
		{"a file that holds no key", "roles: [resolve]\nfleet: {desk: \"https://dns.isp.example\", key_file: reviewer.token, token_file: reviewer.token}", "holds no public key"},
		{"a desk of its own", "fleet: {desk: \"https://dns.isp.example\"}", "has a desk"},
		{"no role at all", "roles: []", "roles"},
	} {
		files := exampleFiles("127.0.0.1:9")
		files["recourse.yaml"] += test.keys + "\n"
		path := filepath.Join(write(t, files), "recourse.yaml")
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		_, _, err := LoadConfig(path)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, and not %q", test.about, err, test.want)
		}
	}
}
