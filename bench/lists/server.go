package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/bench/peer"
)

// server is the binary, running, on one processor.
type server struct {
	dns, web netip.AddrPort
	config   string
	command  *exec.Cmd
	ended    chan struct{}
	said     *transcript
}

// transcript is what a process says on standard error.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(octets []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(octets)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// configuration is what the server runs with: everything as it is by default, the
// safeguards among it, and so many of the lists.
func configuration(s settings, at, web netip.AddrPort, forward string, lists int) string {
	var text strings.Builder
	fmt.Fprintf(&text, `operator: {name: Bench, contact: "mailto:bench@example.net", portal: "http://%s"}
listen: {do53: ["%s"], web: ["%s"], response_rate_limit: {per_network: 10000000}}
state: ./state
resolver: {mode: forward, forward: ["udp://%s"], dnssec: off, cache: 64MiB, query_localhost: true}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
blocklists:
`, web, at, web, forward)
	for i := range lists {
		fmt.Fprintf(&text, "  - {id: list-%02d, purpose: security, category: phishing, title: {en: List}, publisher: {name: Bench}, "+
			"source: {file: %q}, format: domains, scope: subtree, review_every: 90d}\n", i, filepath.Join(s.dir, listFile(i)))
	}
	return text.String()
}

// startServer starts it on a state of its own in a folder, and waits until it is ready,
// which took as long as it says.
func startServer(ctx context.Context, s settings, folder, forward string, lists int) (*server, time.Duration, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, 0, err
	}
	made := &server{config: filepath.Join(folder, "recourse.yaml"), ended: make(chan struct{}), said: new(transcript)}
	var err error
	if made.dns, err = peer.FreePort(); err != nil {
		return nil, 0, err
	}
	if made.web, err = peer.FreePort(); err != nil {
		return nil, 0, err
	}
	if err := os.WriteFile(made.config, []byte(configuration(s, made.dns, made.web, forward, lists)), 0o600); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	line := []string{s.program, "serve", "--config", made.config}
	if s.serverCore >= 0 {
		line = append([]string{"taskset", "-c", strconv.Itoa(s.serverCore)}, line...)
	}
	made.command = exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // the binary that is measured
	made.command.Stderr = made.said
	made.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := made.command.Start(); err != nil {
		return nil, 0, err
	}
	go func() {
		_ = made.command.Wait() // how it ended is in what it said
		close(made.ended)
	}()
	if err := made.await(ctx); err != nil {
		made.stop()
		return nil, 0, err
	}
	return made, time.Since(began), nil
}

// startTime bounds a start with a compile of ten million names on a busy machine.
const startTime = 10 * time.Minute

func (s *server) await(ctx context.Context) error {
	for limit := time.Now().Add(startTime); time.Now().Before(limit); {
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended: %s", s.said)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
		reply, err := http.Get("http://" + s.web.String() + "/readyz") //nolint:noctx // loopback, and bounded by the loop
		if err != nil {
			continue
		}
		reply.Body.Close()
		if reply.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("the server is not ready after " + startTime.String())
}

// stop ends it as an operator would.
func (s *server) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended already
	<-s.ended
}

// pid is the server's process, which taskset has become.
func (s *server) pid() int { return s.command.Process.Pid }

// busy is the processor time of the threads that live, to the nanosecond.
func (s *server) busy() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.pid()))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no threads of the server to be seen: %w", errors.Join(err, os.ErrNotExist))
	}
	total := time.Duration(0)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		busy, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(busy, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		total += time.Duration(nanoseconds)
	}
	return total, nil
}

// resident is the anonymous and file memory of the server in octets.
func (s *server) resident() (float64, error) { return peer.Resident(s.pid()) }

// childTime is the processor time of the children that have ended.
func (s *server) childTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid()))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const user, system, ticks = 13, 14, 100
	if len(fields) <= system {
		return 0, fmt.Errorf("processor time cannot be read from %q", text)
	}
	total := time.Duration(0)
	for _, field := range []string{fields[user], fields[system]} {
		count, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(count) * time.Second / ticks
	}
	return total, nil
}

// took is how long the newest import took, as the server says, and how many there were.
func (s *server) took() (imports int, last time.Duration) {
	for line := range strings.Lines(s.said.String()) {
		var said struct{ Msg, Took string }
		if json.Unmarshal([]byte(line), &said) != nil || !strings.HasPrefix(said.Msg, "lists are in force") {
			continue
		}
		imports++
		last, _ = time.ParseDuration(said.Took)
	}
	return imports, last
}
