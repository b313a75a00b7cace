package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const radiusToken = "radius-token-of-the-test-0123456789"

// clientFiles are the example's with tokens that bind clients.
func clientFiles(t testing.TB) map[string]string {
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = strings.NewReplacer(
		"tokens: [", "tokens: [{name: radius, role: provisioning, file: radius.token}, {name: home, role: household, file: home.token}, ",
		`do53: ["127.0.0.1:0"]`, `do53: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], doh: ["127.0.0.1:0"], doq: ["127.0.0.1:0"]`,
		`networks: ["127.0.0.1/32"]`, `networks: ["127.0.0.0/8"]`,
	).Replace(files["recourse.yaml"])
	files["radius.token"], files["home.token"] = radiusToken+"\n", homeToken+"\n"
	return files
}

// TestBindingsAtTheDoors: what is bound over the API is so at every door with the next query, on
// connections that are open too, and after a restart; and its end as well.
func TestBindingsAtTheDoors(t *testing.T) {
	t.Parallel()
	const from, bound = "127.0.0.8", "/api/v1/clients/127.0.0.8%2F32"
	directory := write(t, clientFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	opened := entrances(t, doorsOf(t, s), from)
	wantAt(t, opened, "casino.example", "NOERROR 1")
	if status, reply := s.call("PUT", bound, radiusToken, map[string]any{"profile": "kids"}); status != 200 || reply["admitted"] != true {
		t.Fatalf("%d %v", status, reply)
	}
	wantAt(t, opened, "casino.example", "NOERROR 0 EDE 17")
	s.wantEDE(t, "127.0.0.9", "casino.example", 0)
	told, err := program(t, directory, "explain", "--config", "recourse.yaml", "--running", "--client", from, "casino.example").Output()
	if err == nil || !strings.Contains(string(told), "profile kids") || !strings.Contains(string(told), "block (user)") {
		t.Errorf("the server explains: %v\n%s", err, told)
	}
	s.stop()
	if output, err := program(t, directory, "explain", "--config", "recourse.yaml", "--running", "casino.example").CombinedOutput(); err == nil || !strings.Contains(string(output), "no server is running") {
		t.Errorf("without a server: %v\n%s", err, output)
	}
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantEDE(t, from, "casino.example", 17)
	s.process.Process.Kill() // and one that nobody expected
	s.process.Wait()
	s = start(t, directory, "--config", "recourse.yaml")
	s.wantEDE(t, from, "casino.example", 17)
	if status, reply := s.call("DELETE", bound, radiusToken, nil); status != 200 || reply["removed"] != true {
		t.Fatalf("%d %v", status, reply)
	}
	wantAt(t, entrances(t, doorsOf(t, s), from), "casino.example", "NOERROR 1")
	s.stop()
	for _, name := range []string{"bindings.sealed", "devices.sealed", "clients.key"} {
		info, err := os.Stat(filepath.Join(directory, "state", name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if content, err := os.ReadFile(filepath.Join(directory, "state", "bindings.sealed")); err != nil || strings.Contains(string(content), "kids") {
		t.Errorf("the bindings can be read: %v", err)
	}
	if strings.Contains(s.stderr.String(), from) {
		t.Errorf("a client is logged:\n%s", s.stderr)
	}
}

// wantAt asks at each door.
func wantAt(t *testing.T, doors []entrance, name, want string) {
	t.Helper()
	for i := range doors {
		if got := outcomeOf(t, &doors[i], name, dns.TypeA); got != want {
			t.Errorf("%s over %s: %s, want %s", name, doors[i].name, got, want)
		}
	}
}

// TestDevicesNameThemselves: by a path over either HTTP and by a server name over TLS and
// QUIC, until they are revoked.
func TestDevicesNameThemselves(t *testing.T) {
	t.Parallel()
	const from = "127.0.0.9"
	directory := write(t, clientFiles(t))
	s := start(t, directory, "--config", "recourse.yaml")
	status, device := s.call("POST", "/api/v1/clients/devices", homeToken, map[string]any{"label": "Phone", "profile": "kids"})
	if status != 201 {
		t.Fatalf("%d %v", status, device)
	}
	doors, token := doorsOf(t, s), device["token"].(string)
	var named []entrance
	for _, door := range entrancesAs(t, doors, from, token+".dns.example") {
		if door.name != "UDP" && door.name != "TCP" {
			named = append(named, door)
		}
	}
	named = append(named, paths(t, doors, token)...)
	wantAt(t, named, "casino.example", "NOERROR 0 EDE 17")
	wantAt(t, entrances(t, doors, from), "casino.example", "NOERROR 1")
	if listed := s.recourse(t, directory, "clients", "devices", "--config", "recourse.yaml"); !strings.Contains(listed, "Phone") || strings.Contains(listed, token) {
		t.Errorf("listed: %s", listed)
	}
	s.recourse(t, directory, "clients", "revoke", device["id"].(string), "--config", "recourse.yaml")
	wantAt(t, named, "casino.example", "NOERROR 1")
	s.stop()
	if strings.Contains(s.stderr.String(), token) {
		t.Errorf("the token is logged:\n%s", s.stderr)
	}
}

// paths ask at a path of DNS over HTTPS, of both kinds.
func paths(t *testing.T, doors map[string]string, path string) []entrance {
	t.Helper()
	web, err := url.Parse(doors["HTTP/2"])
	if err != nil {
		t.Fatal(err)
	}
	web.Path += "/" + path
	second := &http.Client{Transport: &http.Transport{TLSClientConfig: unverified(), ForceAttemptHTTP2: true}, Timeout: patience}
	first := &http.Client{Transport: &http.Transport{TLSClientConfig: unverified()}, Timeout: patience}
	third := &http3.Transport{TLSClientConfig: unverified(), QUICConfig: &quic.Config{MaxIdleTimeout: time.Minute}}
	t.Cleanup(func() { third.Close(); second.CloseIdleConnections(); first.CloseIdleConnections() })
	var made []entrance
	for name, client := range map[string]*http.Client{"HTTP/1.1 path": first, "HTTP/2 path": second, "HTTP/3 path": {Transport: third, Timeout: patience}} {
		made = append(made, entrance{name, func(ctx context.Context, query []byte) ([]byte, error) {
			return post(ctx, client, web.String(), query)
		}})
	}
	return made
}
