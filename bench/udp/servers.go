package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/bench/peer"
)

// server is one that is measured.
type server struct {
	name    string
	address netip.AddrPort
	command *exec.Cmd
	costs   []float64 // microseconds of processor time an answer, by round
	rates   []float64 // answers a second
}

// lists has the three lists: one a purpose, of names that nobody asks for here but one.
const lists = `  - {id: law, purpose: law, category: copyright, title: {en: Law}, authority: {name: Court, kind: court, country: IT}, legal_basis: [{act: Act, article: "1"}],
     order_ref: 1/2026, jurisdiction: [IT], redress: {venues: [{kind: court, name: Court, url: "https://court.example/", for: merits}], deadline: 30d, deadline_from: notification,
     languages: [en], cost: free}, at_enforce_by: hold, source: {file: law.txt}, format: domains, scope: subtree, review_every: 180d}
  - {id: security, purpose: security, category: phishing, title: {en: Security}, publisher: {name: CERT}, source: {file: security.txt}, format: domains, scope: subtree, review_every: 90d}
  - {id: user, purpose: user, category: gambling, title: {en: User}, publisher: {name: Lists}, source: {file: user.txt}, format: domains, scope: subtree, review_every: 365d}
`

func recourse(dir, binary, upstream string, at netip.AddrPort) ([]string, error) {
	web, err := peer.FreePort()
	if err != nil {
		return nil, err
	}
	metrics, err := peer.FreePort()
	if err != nil {
		return nil, err
	}
	for _, list := range []string{"law", "security", "user"} {
		var names strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&names, "%s-%d.blocked.example\n", list, i)
		}
		if err := os.WriteFile(filepath.Join(dir, list+".txt"), []byte(names.String()), 0o600); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf(`operator: {name: Bench, contact: "mailto:bench@example.net", portal: "http://%[2]s"}
listen: {do53: ["%[1]s"], web: ["%[2]s"], metrics: ["%[3]s"]}
state: ./state
resolver: {mode: forward, forward: ["udp://%[4]s"], dnssec: off, cache: 64MiB, query_localhost: true}
clients: [{match: {networks: ["127.0.0.0/8"]}, jurisdiction: IT, profile: home}]
profiles: [{id: home, categories: [gambling], requested: {by: bench, at: 2026-11-01}}]
blocklists:
`, at, web, metrics, upstream) + lists
	file := filepath.Join(dir, "recourse.yaml")
	return []string{binary, "serve", "--config", file}, os.WriteFile(file, []byte(text), 0o600)
}

func unbound(dir, upstream string, at netip.AddrPort) ([]string, error) {
	text := fmt.Sprintf(`server:
  interface: 127.0.0.1@%d
  port: %d
  do-daemonize: no
  username: ""
  chroot: ""
  directory: %q
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  msg-cache-size: 64m
  rrset-cache-size: 64m
  so-rcvbuf: 4m
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s
`, at.Port(), at.Port(), dir, strings.Replace(upstream, ":", "@", 1))
	file := filepath.Join(dir, "unbound.conf")
	return []string{"/usr/sbin/unbound", "-d", "-p", "-c", file}, os.WriteFile(file, []byte(text), 0o600)
}

// start runs a server on its processor and waits until it gives something back.
func start(name string, core int, at netip.AddrPort, line []string) (*server, error) {
	s := &server{name: name, address: at}
	s.command = exec.Command("taskset", append([]string{"-c", strconv.Itoa(core)}, line...)...) //nolint:gosec // what is measured
	s.command.Env = append(os.Environ(), "GOMAXPROCS=1")
	s.command.Stderr = os.Stderr
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	query, err := new(dns.Msg).SetQuestion("www1.example.", dns.TypeA).Pack()
	if err != nil {
		return nil, err
	}
	for range 200 {
		if answers(at, query) {
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", name)
}

func answers(at netip.AddrPort, query []byte) bool {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return false
	}
	defer conn.Close()
	if _, err := conn.Write(query); err != nil || conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)) != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 512))
	return err == nil
}

func (s *server) stop() {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = s.command.Wait()                          // ended by a signal
}

const ticks = 100 // USER_HZ

// busy is the processor time so far, by the program and for it in the kernel.
func (s *server) busy() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	const user, system = 11, 12
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) <= system {
		return 0, errors.New("processor time cannot be read")
	}
	total := time.Duration(0)
	for _, field := range fields[user : system+1] {
		count, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(count) * time.Second / ticks
	}
	return total, nil
}
