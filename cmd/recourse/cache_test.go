package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// counting is an upstream that counts what it is asked.
func counting(t *testing.T) (string, *atomic.Int64) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := new(atomic.Int64)
	server := &dns.Server{PacketConn: socket, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		asked.Add(1)
		reply := new(dns.Msg).SetReply(query)
		reply.RecursionAvailable = true
		reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 7)}}
		if err := w.WriteMsg(reply); err != nil {
			t.Error(err)
		}
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return socket.LocalAddr().String(), asked
}

// command runs the program to its end; what it printed, and whether it said yes.
func command(t *testing.T, directory, input string, args ...string) (stdout, stderr string, done bool) {
	t.Helper()
	process := program(t, directory, append(args, "--config", "recourse.yaml")...)
	process.Stdin = strings.NewReader(input)
	var out, diagnostics lockedBuffer
	process.Stdout, process.Stderr = &out, &diagnostics
	err := process.Run()
	return out.String(), diagnostics.String(), err == nil
}

func TestTheCacheFromOutside(t *testing.T) {
	t.Parallel()
	address, asked := counting(t)
	directory := write(t, exampleFiles(address))
	kept := filepath.Join(directory, "state", cacheFile)

	if _, said, done := command(t, directory, "", "cache", "flush", "www.shop.example"); done || !strings.Contains(said, "no cache to flush") {
		t.Errorf("without a server: %q", said)
	}
	s := start(t, directory, "--config", "recourse.yaml")
	for range 2 {
		s.ask("127.0.0.1", "www.shop.example", dns.TypeA)
		s.ask("127.0.0.1", "shop.example", dns.TypeA)
	}
	if asked.Load() != 2 {
		t.Fatalf("asked %d times", asked.Load())
	}
	text, said, done := command(t, directory, "", "cache", "dump")
	if !done || strings.Count(text, "\n") != 4 || !strings.Contains(text, "\nwww.shop.example. ") {
		t.Fatalf("dumped %q, %q", text, said)
	}
	if said, _, done := command(t, directory, "", "cache", "flush", "--subtree", "shop.example"); !done || said != "dropped 2 answers at and below shop.example\n" {
		t.Errorf("flushed: %q", said)
	}
	if said, _, done := command(t, directory, text, "cache", "load"); !done || said != "loaded 2 answers\n" {
		t.Errorf("loaded: %q", said)
	}
	if _, said, done := command(t, directory, strings.Replace(text, "shop", "shot", 1), "cache", "load"); done || !strings.Contains(said, "not a dump") {
		t.Errorf("a damaged dump: %q", said)
	}
	s.ask("127.0.0.1", "www.shop.example", dns.TypeA)
	s.stop()

	// A clean end leaves the cache for the next start, which takes it away.
	info, err := os.Stat(kept)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("after a clean end: %v, %v", info, err)
	}
	s = start(t, directory, "--config", "recourse.yaml")
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	s.ask("127.0.0.1", "www.shop.example", dns.TypeA)
	s.ask("127.0.0.1", "shop.example", dns.TypeA)
	if asked.Load() != 2 {
		t.Errorf("asked %d times after the restart", asked.Load())
	}
	if status, _ := s.page(s.web + "/control/v1/cache/dump"); status != http.StatusNotFound {
		t.Errorf("the web listener answers the control socket's calls: %d", status)
	}
	s.stop()

	// A damaged file is left out.
	if err := os.WriteFile(kept, []byte("recourse-cache 1 damaged\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, directory, "--config", "recourse.yaml")
	s.ask("127.0.0.1", "www.shop.example", dns.TypeA)
	if asked.Load() != 3 || !strings.Contains(s.stderr.String(), "the cache of the last run is not used") {
		t.Errorf("asked %d times with a damaged file:\n%s", asked.Load(), s.stderr)
	}
	s.stop()
}

// TestNoNameTouchesTheDisk where the configuration says so, not even by an older one.
func TestNoNameTouchesTheDisk(t *testing.T) {
	t.Parallel()
	address, asked := counting(t)
	files := exampleFiles(address)
	private := strings.Replace(files["recourse.yaml"], "resolver: {", "resolver: {persist_cache: false, ", 1)
	if private == files["recourse.yaml"] {
		t.Fatal("the example has no resolver section to write into")
	}
	directory := write(t, files)
	kept := filepath.Join(directory, "state", cacheFile)
	s := start(t, directory, "--config", "recourse.yaml")
	s.ask("127.0.0.1", "www.shop.example", dns.TypeA)
	s.stop()
	if err := os.WriteFile(filepath.Join(directory, "recourse.yaml"), []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, directory, "--config", "recourse.yaml")
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the older configuration left is still there: %v", err)
	}
	if s.ask("127.0.0.1", "www.shop.example", dns.TypeA); asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
	s.stop()
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after a clean end: %v", err)
	}
}

func TestStaleTimersThatNobodyMeant(t *testing.T) {
	for text, warned := range map[string]bool{
		"{after: 1800ms, up_to: 24h, ttl: 30s}": false, "{after: 1800ms}": true, "{after: 20s, up_to: 24h}": true,
		"{up_to: 300h}": true, "{up_to: 24h, ttl: 2h}": true,
	} {
		_, warnings, err := LoadConfig(filepath.Join(write(t, map[string]string{"c.yaml": "operator: {name: A, contact: \"mailto:a@example.net\"}\nlisten: {do53: [\"127.0.0.1:0\"]}\nstate: ./state\nresolver: {serve_stale: " + text + "}\n"}), "c.yaml"))
		found := false
		for _, warning := range warnings {
			found = found || strings.Contains(warning.String(), "serve_stale")
		}
		if err != nil || found != warned {
			t.Errorf("%s: warned is %t, %v", text, found, err)
		}
	}
}
