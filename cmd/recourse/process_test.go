package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// server is the program running in a process of its own.
type server struct {
	t        testing.TB
	process  *exec.Cmd
	dns      string // address of the first DNS door
	web      string // address of the web, with scheme
	metrics  string
	nsupdate string // the command line that its miniature Internet printed
	stderr   *lockedBuffer
	printed  string
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(octets []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(octets)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// full says whether tests are to run in the sizes that prove the most and take minutes.
func full() bool { return os.Getenv("FULL") != "" }

// program is this test binary, run as the program itself.
func program(t testing.TB, directory string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path)
	command.Args = append([]string{"recourse"}, args...)
	command.Dir = directory
	return command
}

// start runs `recourse serve` with the arguments and waits until it is ready.
func start(t testing.TB, directory string, args ...string) *server {
	t.Helper()
	s := &server{t: t, process: program(t, directory, append([]string{"serve"}, args...)...), stderr: new(lockedBuffer)}
	s.run()
	return s
}

// run starts the process and waits until it is ready.
func (s *server) run() {
	s.t.Helper()
	s.process.Stderr = s.stderr
	output, err := s.process.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.process.ProcessState == nil {
			s.kill()
		}
	})
	s.readWelcome(output)
}

// readWelcome reads what listens where. It ends with an empty line and three things to try.
func (s *server) readWelcome(output io.Reader) {
	s.t.Helper()
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := lines.Text()
		s.printed += line + "\n"
		fields := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "DNS ") && s.dns == "":
			s.dns = fields[1]
		case strings.HasPrefix(line, "web ") && s.web == "":
			s.web = fields[1]
		case strings.HasPrefix(line, "metrics "):
			s.metrics = fields[1]
		case strings.Contains(line, "nsupdate -y"):
			s.nsupdate = fields[2]
		case strings.HasPrefix(line, "Ready"):
			go io.Copy(io.Discard, output)
			return
		}
	}
	s.t.Fatalf("the server did not get ready:\n%s\n%s", s.printed, s.stderr)
}

// stop ends the server as a service manager does and wants a clean end.
func (s *server) stop() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		s.t.Errorf("the server ended with %v:\n%s", err, s.stderr)
	}
}

// kill ends it as a power cut does.
func (s *server) kill() {
	s.process.Process.Kill()
	s.process.Wait()
}

// ask asks one question from the local address, with EDNS.
func (s *server) ask(from, name string, qtype uint16) *dns.Msg {
	s.t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	message.SetEdns0(1232, true)
	reply, err := s.exchange(from, message)
	if err != nil {
		s.t.Fatalf("%s from %s: %v\n%s", name, from, err, s.stderr)
	}
	return reply
}

func (s *server) exchange(from string, message *dns.Msg) (*dns.Msg, error) {
	client := dns.Client{Timeout: 10 * time.Second, Dialer: &net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}}
	reply, _, err := client.Exchange(message, s.dns)
	return reply, err
}

// extended are the Extended DNS Errors of a reply.
func extended(reply *dns.Msg) []*dns.EDNS0_EDE {
	var errors []*dns.EDNS0_EDE
	if opt := reply.IsEdns0(); opt != nil {
		for _, option := range opt.Option {
			if one, ok := option.(*dns.EDNS0_EDE); ok {
				errors = append(errors, one)
			}
		}
	}
	return errors
}

// call asks the API and gives status and document.
func (s *server) call(method, path, token string, body any) (int, map[string]any) {
	s.t.Helper()
	var octets []byte
	if body != nil {
		octets, _ = json.Marshal(body)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.web+path, bytes.NewReader(octets))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	octets, err = io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	document := map[string]any{}
	if err := json.Unmarshal(octets, &document); err != nil {
		s.t.Fatalf("%s %s: %d %q", method, path, reply.StatusCode, octets)
	}
	return reply.StatusCode, document
}

// page gets a page as a browser without scripts does.
func (s *server) page(address string) (int, string) {
	s.t.Helper()
	reply, err := http.Get(address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	octets, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.StatusCode, string(octets)
}

// write puts files into a new directory, paths relative to it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for name, text := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}
