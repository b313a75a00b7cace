package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const webConfiguration = `operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
listen: {do53: ["127.0.0.1:0"], metrics: ["127.0.0.1:0"], web: ["127.0.0.1:0"]}
state: ./state
resolver: {mode: forward, forward: ["UPSTREAM"], dnssec: "off"}
blocklists:
  - {id: phishing, purpose: security, category: phishing, title: {en: Phishing}, publisher: {name: Example}, format: domains, scope: subtree, review_every: 90d,
     source: {url: "http://lists.blocked.web-example:PORT/list.txt", refresh: 1s, private_addresses: [127.0.0.0/8]}}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

// resolving is an upstream that knows one host, and counts who asks for it.
func resolving(t *testing.T, host string, asked *atomic.Int64) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		address := net.IPv4(192, 0, 2, 7)
		if strings.EqualFold(query.Question[0].Name, host) {
			asked.Add(1)
			address = net.IPv4(127, 0, 0, 1)
		}
		if query.Question[0].Qtype == dns.TypeA {
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: address}}
		}
		_ = w.WriteMsg(reply)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return socket.LocalAddr().String()
}

// TestAListFromTheWeb: its host is resolved by the node itself, below policy, although
// the list blocks that very host; what changes is in force, and what was good once stays over a
// restart without the server.
func TestAListFromTheWeb(t *testing.T) {
	t.Parallel()
	var text atomic.Pointer[string]
	set := func(list string) { text.Store(&list) }
	set("phish.web-example\nblocked.web-example\n")
	var requests, unchanged, asked atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if !strings.HasPrefix(r.UserAgent(), "recourse/") {
			t.Errorf("asked by %q", r.UserAgent())
		}
		list := *text.Load()
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(len(list))))
		if r.Header.Get("If-None-Match") == w.Header().Get("ETag") {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, list)
	}))
	defer web.Close()
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	stub := resolving(t, "lists.blocked.web-example.", &asked)
	directory := write(t, map[string]string{"recourse.yaml": strings.NewReplacer("UPSTREAM", stub, "PORT", port).Replace(webConfiguration)})
	config, _, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	run := func() *node {
		n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := run()
	awaitOutcome(t, n, "www.phish.web-example", "nxdomain")
	awaitOutcome(t, n, "lists.blocked.web-example", "nxdomain")
	// What the start had still to do is done at some time. From then on nothing is compiled for what did not change.
	generation := func() uint64 { return n.importer.current.Load().Bundle.Generation() }
	for settled, deadline := false, time.Now().Add(30*time.Second); !settled; {
		if time.Now().After(deadline) {
			t.Fatalf("what did not change is compiled again and again: generation %d", generation())
		}
		since, before := generation(), unchanged.Load()
		for unchanged.Load() < before+2 {
			tickOrFail(t)
		}
		settled = generation() == since
	}
	set("other.web-example\n")
	awaitOutcome(t, n, "other.web-example", "nxdomain")
	awaitOutcome(t, n, "www.phish.web-example", "pass")
	if asked.Load() == 0 {
		t.Error("the node did not resolve the host itself")
	}
	if metrics := fetchText(t, "http://"+n.metrics[0].String()+"/metrics"); !strings.Contains(metrics, `recourse_list_confirmed_timestamp_seconds{list="phishing",purpose="security"}`) ||
		!strings.Contains(metrics, `recourse_list_fetches_total{list="phishing",outcome="unchanged"}`) || !strings.Contains(metrics, `recourse_list_source_trouble{list="phishing",purpose="security"} 0`) {
		t.Error("the metrics do not tell of the source")
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	web.Close()
	n = run() // with what is on the disk, at once
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got := outcomeAt(n.do53[0], "other.web-example"); got != "nxdomain" || !n.importer.ready() {
		t.Errorf("after a restart without the server: %s, ready %t", got, n.importer.ready())
	}
}

func fetchText(t *testing.T, address string) string {
	t.Helper()
	reply, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func tickOrFail(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(20 * time.Millisecond):
	case <-t.Context().Done():
		t.Fatal("the test was ended")
	}
}

func awaitOutcome(t *testing.T, n *node, name, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); tickOrFail(t) {
		if got = outcomeAt(n.do53[0], name); got == want {
			return
		}
	}
	t.Fatalf("%s: %s, want %s", name, got, want)
}
