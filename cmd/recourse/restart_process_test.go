package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/sockets"
)

// restarted says whether the process runs a program that was handed its sockets.
func (s *server) restarted() bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.process.Process.Pid))
	return err == nil && strings.Contains(string(environment), sockets.Variable+"=")
}

// askOnce asks over a new connection, once; what is lost stays lost.
func askOnce(network, address, name string) error {
	conn, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return err
	}
	client := &dns.Client{Net: network, Timeout: 5 * time.Second}
	reply, _, err := client.ExchangeWithConn(new(dns.Msg).SetQuestion(name, dns.TypeA), &dns.Conn{Conn: conn})
	if err != nil {
		return err
	}
	if len(reply.Answer) == 0 {
		return fmt.Errorf("%s: %v", name, reply)
	}
	return conn.Close()
}

func TestARestartLosesNoQuery(t *testing.T) {
	s := start(t, t.TempDir(), "--lab")
	var asked, lost atomic.Int64
	end := make(chan struct{})
	var work sync.WaitGroup
	for client := range 4 {
		work.Go(func() {
			for number := 0; ; number++ {
				select {
				case <-end:
					return
				default:
				}
				network, name := "udp", fmt.Sprintf("n%d-%d.wild.example.", client, number)
				if client == 0 {
					network, name = "tcp", "www.signed.example."
				}
				asked.Add(1)
				if err := askOnce(network, s.dns, name); err != nil {
					lost.Add(1)
					t.Errorf("%s: %v", network, err)
				}
			}
		})
	}
	s.until(t, func() bool { return asked.Load() > 200 })
	if err := s.process.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool { return s.restarted() || lost.Load() > 0 })
	before := asked.Load()
	s.until(t, func() bool { return asked.Load() > before+200 || lost.Load() > 0 })
	close(end)
	work.Wait()
	t.Logf("%d asked, %d lost", asked.Load(), lost.Load())
	s.stop()
}

// TestSilentConnectionsDelayNoEnd: whoever has connected and says nothing is waited for a
// moment, by all listeners at the same time.
func TestSilentConnectionsDelayNoEnd(t *testing.T) {
	s := start(t, t.TempDir(), "--lab")
	doors := doorsOf(t, s)
	https, _, _ := strings.Cut(strings.TrimPrefix(doors["HTTP/2"], "https://"), "/")
	for _, address := range []string{strings.TrimPrefix(s.web, "http://"), https, doors["TLS"], doors["UDP"]} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	s.stop()
}

func TestAWrongFileIsNotRestartedWith(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "recourse.yaml")
	config := `
operator: {name: Test, contact: "mailto:test@example.net", portal: "http://127.0.0.1:1"}
listen: {do53: ["127.0.0.1:0"]}
resolver: {private_names: [local.example], local_records: ["www.local.example. 300 A 192.0.2.1"]}
state: ./state
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config)
	s := start(t, directory, "--config", file)
	write(config + "unknown: true\n")
	if err := s.process.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	s.until(t, func() bool { return strings.Contains(s.stderr.String(), "this one keeps running") })
	if text := s.stderr.String(); !strings.Contains(text, "unknown") {
		t.Errorf("the log does not say what is wrong:\n%s", text)
	}
	if err := askOnce("udp", s.dns, "www.local.example."); err != nil || s.restarted() {
		t.Errorf("it stopped: %v", err)
	}
	s.stop()
}

func TestSocketsOfASystemdUnit(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().(*net.TCPAddr)
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: address.IP, Port: address.Port})
	if err != nil {
		t.Skip("another program has the port over UDP:", err)
	}
	defer packets.Close()
	streamFile, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	packetFile, err := packets.File()
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	file := filepath.Join(directory, "recourse.yaml")
	config := fmt.Sprintf(`
operator: {name: Test, contact: "mailto:test@example.net", portal: "http://127.0.0.1:1"}
listen: {do53: ["%s"]}
resolver: {private_names: [local.example], local_records: ["www.local.example. 300 A 192.0.2.1"]}
state: ./state
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`, address)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	// Asked before anybody runs: it waits in the socket, as under a unit that starts on demand.
	early := make(chan error, 1)
	go func() { early <- askOnce("udp", address.String(), "www.local.example.") }()
	s := activated(t, directory, []*os.File{streamFile, packetFile}, "--config", file)
	if err := <-early; err != nil {
		t.Errorf("what was asked before the start: %v", err)
	}
	for _, network := range []string{"udp", "tcp"} {
		if err := askOnce(network, address.String(), "www.local.example."); err != nil {
			t.Errorf("%s: %v", network, err)
		}
	}
	s.stop()
}

// activated starts the server as systemd does: descriptors from 3 on, and variables that
// name the process that they are for.
func activated(t *testing.T, directory string, files []*os.File, args ...string) *server {
	t.Helper()
	asked := program(t, directory, append([]string{"serve"}, args...)...)
	command := exec.Command("bash", append([]string{"-c", fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d exec -a recourse "$0" "$@"`, len(files)), asked.Path}, asked.Args[1:]...)...)
	command.Dir, command.ExtraFiles = directory, files
	s := &server{t: t, process: command, stderr: new(lockedBuffer)}
	s.run()
	return s
}
