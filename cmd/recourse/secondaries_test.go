package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
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

const (
	policyZone  = "policy.rpz.isp.test."
	transferKey = "F/YwWvbhkOeeE7IcA0O29enNhyWyrl42dpomeYaX2gs="
)

// compared is how many names all three resolvers are asked.
func compared() int {
	if full() {
		return 10_000
	}
	return 2500
}

// TestSecondariesEnforceTheSame publishes a policy, has a real BIND and a real Unbound
// transfer it, and asks all three the same names. Then the policy changes, and both must
// have the change by NOTIFY and differences, long before their timers.
func TestSecondariesEnforceTheSame(t *testing.T) {
	t.Parallel()
	named, unbound := installed(t, "named", "bind9"), installed(t, "unbound", "unbound")
	random := testRandom()
	world := newPolicyWorld(random)
	ports := [3]netip.AddrPort{freePort(t), freePort(t), freePort(t)}
	directory := write(t, world.files(ports))
	stub := upstream(t)
	configuration := filepath.Join(directory, "recourse.yaml")
	replaceIn(t, configuration, "UPSTREAM", stub)
	config, _, err := LoadConfig(configuration)
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	startSecondary(t, directory, "bind", named, "-g", "-c", bindConfiguration(t, directory, ports, stub))
	startSecondary(t, directory, "unbound", unbound, "-d", "-c", unboundConfiguration(t, directory, ports, stub))

	names := world.questions(random)
	serial := awaitZone(t, ports, names[0], 0)
	compareVerdicts(t, ports, names)

	// One name more and one less: the file is watched, the secondaries are told.
	world.security = append(world.security[1:], "fresh.fresh-example")
	if err := os.WriteFile(filepath.Join(directory, "security.txt"), []byte(strings.Join(world.security, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitZone(t, ports, "fresh.fresh-example.", serial)
	compareVerdicts(t, ports, names[:500])
	assertIncremental(t, filepath.Join(directory, "bind.log"))
}

// installed finds a Debian package's program, or says what is left out.
func installed(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Skipf("%s is not installed (Debian package %s): the transfer of our policy into it is not tested", name, pkg)
	return ""
}

// freePort is one for datagrams and streams that nobody has, and that the kernel gives to
// nobody who asks for any: it is used a while after this.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 100 {
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(10_000+rand.IntN(20_000)))
		listener, err := net.Listen("tcp4", address.String())
		if err != nil {
			continue
		}
		packets, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		listener.Close()
		if err == nil {
			packets.Close()
			return address
		}
	}
	t.Fatal("no port is free for UDP and TCP")
	return netip.AddrPort{}
}

// policyWorld is lists that overlap in every way that matters: subtrees in subtrees, names
// above and beside entries, a law list over a security list.
type policyWorld struct{ law, security, wild []string }

func newPolicyWorld(random *rand.Rand) *policyWorld {
	w := new(policyWorld)
	label := func() string { return fmt.Sprintf("l%d", random.IntN(40)) }
	for range 400 {
		w.law = append(w.law, fmt.Sprintf("%s.%s.law-example", label(), label()))
	}
	for range 1500 {
		depth := 1 + random.IntN(3)
		name := "bad-example"
		for range depth {
			name = label() + "." + name
		}
		w.security = append(w.security, name)
		w.wild = append(w.wild, fmt.Sprintf("*.%s.%s.wild-example", label(), label()))
	}
	for range 200 { // names of the law list that security has too
		w.security = append(w.security, w.law[random.IntN(len(w.law))])
	}
	return w
}

func (w *policyWorld) files(ports [3]netip.AddrPort) map[string]string {
	return map[string]string{
		"law.txt": strings.Join(w.law, "\n"), "security.txt": strings.Join(w.security, "\n"), "wild.txt": strings.Join(w.wild, "\n"), "transfer.key": transferKey + "\n",
		"recourse.yaml": fmt.Sprintf(`operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
listen: {do53: ["%s"]}
state: ./state
resolver: {mode: forward, forward: ["UPSTREAM"], dnssec: "off"}
blocklists:
  - {id: court, purpose: law, category: court-other, title: {en: Court}, authority: {name: Court, kind: court, country: IT}, legal_basis: [{act: Act 1}], jurisdiction: [IT],
     redress: {venues: [{kind: court, name: Court}], deadline_from: knowledge}, at_enforce_by: enforce, source: {file: law.txt}, format: domains, scope: subtree, review_every: 90d, answer: nodata}
  - {id: phishing, purpose: security, category: phishing, title: {en: Phishing}, publisher: {name: Example}, source: {file: security.txt}, format: domains, scope: exact, review_every: 90d}
  - {id: malware, purpose: security, category: malware, title: {en: Malware}, publisher: {name: Example}, source: {file: wild.txt}, format: wildcard, review_every: 90d, answer: zero}
clients: [{match: {networks: ["127.0.0.0/8"]}, jurisdiction: IT}]
serve_rpz:
  zone: %s
  purposes: [law, security]
  notify: ["%s", "%s"]
  tsig: {name: fleet-key, algorithm: hmac-sha256, secret_file: transfer.key}
  allow_unsigned: [127.0.0.1/32]   # Unbound has no TSIG
`, ports[0], policyZone, strings.Replace(ports[1].String(), ":", "@", 1), strings.Replace(ports[2].String(), ":", "@", 1)),
	}
}

func replaceIn(t *testing.T, path, old, text string) {
	t.Helper()
	octets, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(octets), old, text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func bindConfiguration(t *testing.T, directory string, ports [3]netip.AddrPort, stub string) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(stub)
	path := filepath.Join(directory, "named.conf")
	text := fmt.Sprintf(`
key fleet-key { algorithm hmac-sha256; secret "%s"; };
options {
  directory "%s"; pid-file none; session-keyfile none; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };
  recursion yes; allow-query { any; }; forward only; forwarders { %s port %s; }; dnssec-validation no; empty-zones-enable no; notify no;
  response-policy { zone "%s"; } qname-wait-recurse no break-dnssec yes min-update-interval 0;
};
controls { };
zone "%s" { type secondary; primaries { 127.0.0.1 port %d key fleet-key; }; file "policy.db"; allow-notify { 127.0.0.1; }; };
`, transferKey, directory, ports[1].Port(), host, port, policyZone, policyZone, ports[0].Port())
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func unboundConfiguration(t *testing.T, directory string, ports [3]netip.AddrPort, stub string) string {
	t.Helper()
	path := filepath.Join(directory, "unbound.conf")
	text := fmt.Sprintf(`
server:
  directory: "%s"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  verbosity: 1
  interface: 127.0.0.1@%d
  do-not-query-localhost: no
  module-config: "respip iterator"
  do-ip6: no
  num-threads: 1
forward-zone:
  name: "."
  forward-addr: %s
rpz:
  name: "%s"
  primary: 127.0.0.1@%d
  allow-notify: 127.0.0.1
  zonefile: "unbound-policy.zone"
remote-control:
  control-enable: no
`, directory, ports[2].Port(), strings.Replace(stub, ":", "@", 1), policyZone, ports[0].Port())
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startSecondary runs a program until the test ends.
func startSecondary(t *testing.T, directory, name, path string, arguments ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(directory, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, arguments...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		log.Close()
		if t.Failed() {
			words, _ := os.ReadFile(log.Name())
			t.Logf("%s: %s", name, words[max(0, len(words)-4000):])
		}
	})
}

// awaitZone waits until all three block a name under a serial other than the one before.
func awaitZone(t *testing.T, ports [3]netip.AddrPort, name string, before uint32) uint32 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		blocked := 0
		for _, port := range ports {
			if verdict := outcomeAt(port, name); verdict != "pass" && !strings.HasPrefix(verdict, "error") {
				blocked++
			}
		}
		if serial := serialAt(ports[0]); blocked == len(ports) && serial != before && serial == serialAt(ports[1]) {
			return serial
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s is blocked by %d of %d; serials %d and, at BIND, %d", name, blocked, len(ports), serialAt(ports[0]), serialAt(ports[1]))
		}
	}
}

func serialAt(server netip.AddrPort) uint32 {
	client := dns.Client{Timeout: time.Second}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(policyZone, dns.TypeSOA), server.String())
	if err != nil || len(reply.Answer) == 0 {
		return 0
	}
	return reply.Answer[0].(*dns.SOA).Serial
}

// outcomeAt is what a resolver makes of a name.
func outcomeAt(server netip.AddrPort, name string) string {
	client := dns.Client{Timeout: 5 * time.Second}
	reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), server.String())
	switch {
	case err != nil:
		return "error: " + err.Error()
	case reply.Rcode == dns.RcodeNameError:
		return "nxdomain"
	case reply.Rcode != dns.RcodeSuccess:
		return "error: " + dns.RcodeToString[reply.Rcode]
	case len(reply.Answer) == 0:
		return "nodata"
	}
	for _, record := range reply.Answer {
		if a, is := record.(*dns.A); is && a.A.IsUnspecified() {
			return "zero"
		}
	}
	return "pass"
}

// questions are entries, what lies below, above and beside them, and names of nobody.
func (w *policyWorld) questions(random *rand.Rand) []string {
	all := append(append(append([]string(nil), w.law...), w.security...), w.wild...)
	names := []string{dns.Fqdn(w.law[0])}
	for wanted := compared(); len(names) < wanted; {
		name := strings.TrimPrefix(all[random.IntN(len(all))], "*.")
		switch random.IntN(5) {
		case 0:
			name = fmt.Sprintf("l%d.%s", random.IntN(40), name)
		case 1:
			_, name, _ = strings.Cut(name, ".")
		case 2:
			_, above, _ := strings.Cut(name, ".")
			name = fmt.Sprintf("l%d.%s", random.IntN(60), above)
		case 3:
			name = fmt.Sprintf("a.b.%s", name)
		}
		names = append(names, dns.Fqdn(name))
	}
	return names
}

func compareVerdicts(t *testing.T, ports [3]netip.AddrPort, names []string) {
	t.Helper()
	var mu sync.Mutex
	counts, different := map[string]int{}, 0
	var group sync.WaitGroup
	work := make(chan string)
	for range 8 {
		group.Go(func() {
			for name := range work {
				ours, bind, unbound := outcomeAt(ports[0], name), outcomeAt(ports[1], name), outcomeAt(ports[2], name)
				mu.Lock()
				counts[ours]++
				if bind != ours || unbound != ours {
					if different++; different <= 10 {
						t.Errorf("%s: %s here, %s by BIND, %s by Unbound", name, ours, bind, unbound)
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	group.Wait()
	if different > 0 {
		t.Errorf("%d of %d names differ", different, len(names))
	}
	for _, verdict := range []string{"pass", "nxdomain", "nodata", "zero"} {
		if counts[verdict] == 0 {
			t.Errorf("no name has the verdict %s: %v", verdict, counts)
		}
	}
	t.Logf("measured: %d names, the same verdict here, by BIND and by Unbound: %v", len(names), counts)
}

// assertIncremental: BIND says by which kind of transfer it has the zone.
func assertIncremental(t *testing.T, log string) {
	t.Helper()
	words, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(words), "TSIG 'fleet-key'") && !strings.Contains(string(words), "TSIG fleet-key") {
		t.Error("BIND says nothing of the key in its log")
	}
	if !strings.Contains(string(words), "received notify for zone") {
		t.Error("BIND heard no NOTIFY")
	}
}

// testRandom is the same numbers at every run.
func testRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
