package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// passDeskFiles is a desk whose list offers passes, and which nodes may follow; there is one client more.
func passDeskFiles(t *testing.T, answers string) (files map[string]string, portal string) {
	t.Helper()
	files, portal = passFiles(t, answers)
	files["node.token"], files["radius.token"] = nodeSecret, radiusToken
	text := strings.Replace(files["recourse.yaml"], "tokens: [", "tokens: [{name: nodes, role: node, file: node.token}, {name: radius, role: provisioning, file: radius.token}, ", 1)
	files["recourse.yaml"] = strings.Replace(text, "clients:\n", "clients:\n  - {match: {networks: [\"127.0.0.77/32\"]}, jurisdiction: IT}\n", 1)
	return files, portal
}

// passFollower starts a node that follows that desk, from the same configuration but for its place.
func passFollower(t *testing.T, desk *server, deskDirectory, answers, name, portal string) (*server, string) {
	t.Helper()
	files, own := passDeskFiles(t, answers)
	files["fleet.pub"] = desk.recourse(t, deskDirectory, "fleet", "key", "--config", "recourse.yaml")
	fleet := "roles: [resolve]\nfleet: {desk: " + desk.web + ", key_file: fleet.pub, token_file: node.token, deployment_key_file: " + filepath.Join(deskDirectory, "state", "deployment.key") + "}\n"
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(files["recourse.yaml"], own, portal)) {
		if !strings.HasPrefix(line, "desk:") {
			lines = append(lines, line)
		}
	}
	text := strings.Replace(strings.Join(lines, ""), `web: ["`+strings.TrimPrefix(own, "http://")+`"]`, `web: ["127.0.0.1:0"]`, 1)
	files["recourse.yaml"] = fleet + "block_page: {listen: [\"127.0.0.1:0\"]}\n" + strings.Replace(text, "listen: {", "listen: {nsid: "+name+", ", 1)
	directory := write(t, files)
	return start(t, directory, "--config", "recourse.yaml"), directory
}

// TestAPassHoldsOnAllNodes, and a binding: looked up at one node that has no desk, given by the desk, in force at
// both nodes and the desk, and on no disk.
func TestAPassHoldsOnAllNodes(t *testing.T) {
	t.Parallel()
	const who, name = "127.0.0.77", "www.phish.example"
	answers := upstream(t)
	files, portal := passDeskFiles(t, answers)
	directory := write(t, files)
	desk := start(t, directory, "--config", "recourse.yaml")
	first, firstDirectory := passFollower(t, desk, directory, answers, "node-1", portal)
	second, secondDirectory := passFollower(t, desk, directory, answers, "node-2", portal)
	for _, node := range []*server{desk, first, second} {
		node.wantSecured(who, name)
	}

	_, after, _ := strings.Cut(first.printed, "blocked  ")
	address, _, _ := strings.Cut(after, " ")
	blocked := &visitor{&server{t: t, web: address}, who, who, portal}
	if status, page := blocked.do(t, http.MethodGet, "http://"+name+"/"); status != http.StatusForbidden || !strings.Contains(page, portal+"/r/") || !strings.Contains(page, "#pass") {
		t.Errorf("the node's block page does not lead to the desk's pass: %d\n%s", status, page)
	}
	shown := extended(first.ask(who, name, dns.TypeA))[0].ExtraText
	person := &visitor{desk, who, who, portal}
	_, page := person.do(t, http.MethodGet, desk.web+shown[strings.LastIndex(shown, "/r/"):])
	found := ticketForm.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the desk's page of the node's code offers no pass:\n%s", page)
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(found[1], "http://"), ":")
	if reply := first.ask(who, host, dns.TypeA); len(reply.Answer) != 1 {
		t.Fatalf("the ticket's name at the node: %s\n%s", reply, first.stderr)
	}
	if status, css := person.do(t, http.MethodGet, found[1]+"/pass.css"); status != 200 || !strings.Contains(css, ".pass-form{display:block}") {
		t.Errorf("the desk does not know who asked at the node: %d %q", status, css)
	}
	if status, page := person.do(t, http.MethodPost, found[1]+"/pass"); status != 200 {
		t.Fatalf("no pass: %d\n%s", status, page)
	}
	given := time.Now()
	passes := func(node *server) bool { return len(node.ask(who, name, dns.TypeA).Answer) == 1 }
	for _, node := range []*server{first, second, desk} {
		node.until(t, func() bool { return passes(node) })
		node.wantSecured("127.0.0.1", name)
		node.wantSecured(who, "phish.example")
	}
	t.Logf("measured: in force at the desk and two nodes %v after it was given", time.Since(given).Round(time.Millisecond))

	// What is bound at the desk is bound at the nodes, until it is ended.
	const bound = "/api/v1/clients/" + who + "%2F32"
	filters := func(node *server) bool { return len(node.ask(who, "casino.example", dns.TypeA).Answer) == 0 }
	if filters(first) {
		t.Fatal("nobody asked for a filter yet")
	}
	desk.done(t, http.StatusOK, http.MethodPut, bound, radiusToken, map[string]any{"profile": "kids"})
	bind := time.Now()
	for _, node := range []*server{first, second} {
		node.until(t, func() bool { return filters(node) })
	}
	t.Logf("measured: a binding is in force at two nodes %v after the reply", time.Since(bind).Round(time.Millisecond))
	desk.done(t, http.StatusOK, http.MethodDelete, bound, radiusToken, nil)
	first.until(t, func() bool { return !filters(first) })

	// A node that starts again hears of the pass from the desk; the desk that starts again has forgotten.
	second.stop()
	again := start(t, secondDirectory, "--config", "recourse.yaml")
	again.until(t, func() bool { return passes(again) })
	desk.stop()
	fresh := start(t, directory, "--config", "recourse.yaml")
	fresh.wantSecured(who, name)
	if !passes(first) {
		t.Error("a node forgets the pass with the desk")
	}
	for _, node := range []*server{fresh, again, first} {
		node.stop()
	}
	for _, state := range []string{directory, firstDirectory, secondDirectory} {
		nothingOf(t, filepath.Join(state, "state"), name, who, host[:48])
	}
}

// nothingOf wants nothing of a pass in any file below a directory. The name itself is in the list that has it,
// and in the cache, as all that was ever resolved.
func nothingOf(t *testing.T, directory, name string, texts ...string) {
	t.Helper()
	files := 0
	err := fs.WalkDir(os.DirFS(directory), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		octets, err := os.ReadFile(filepath.Join(directory, path))
		wanted := texts
		if path != "cache" && !strings.HasPrefix(path, "lists/") {
			wanted = append(slices.Clone(texts), name)
		}
		for _, text := range wanted {
			if bytes.Contains(octets, []byte(text)) {
				t.Errorf("%s has %q", path, text)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%s: %d files, %v", directory, files, err)
	}
}
