package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const absentSettings = `
operator: {name: Example, contact: "mailto:a@example.net", portal: "http://127.0.0.1:8080"}
listen:
  do53: ["198.51.100.1:53", "192.0.2.1:53", "203.0.113.1:53", "[2001:db8::1]:53"]
  dot: ["192.0.2.1:853"]
  doh: ["192.0.2.1:443"]
  doq: ["192.0.2.1:853"]
  metrics: ["127.0.0.1:9153"]
  freebind: true
state: ./state
resolver: {mode: recurse}
clients: [{match: {networks: ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/64"]}}]
`

// twoNetworks are a server's and a client's, with two cables between them.
type twoNetworks struct {
	*testing.T
	server, client int
}

// newTwoNetworks makes them for the thread of the test, which ends with it.
func newTwoNetworks(t *testing.T) *twoNetworks {
	t.Helper()
	runtime.LockOSThread()
	n := &twoNetworks{T: t}
	for _, one := range []*int{&n.server, &n.client} {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Skip("a network namespace is for root: ", err)
		}
		descriptor, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(descriptor) })
		*one = descriptor
	}
	n.in(n.server)
	if output, err := exec.Command("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1").CombinedOutput(); err != nil {
		t.Skipf("no network: %v: %s", err, output)
	}
	there := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.client)
	n.ip("link add w0 type veth peer name w1", "link set v1 netns "+there, "link set w1 netns "+there,
		"link set lo up", "link set v0 up", "link set w0 up", "addr add 192.0.2.1/24 dev v0", "addr add 198.51.100.1/24 dev w0", "addr add 2001:db8::1/64 dev v0 nodad")
	n.in(n.client)
	n.ip("link set lo up", "link set v1 up", "link set w1 up", "addr add 192.0.2.2/24 dev v1", "addr add 198.51.100.2/24 dev w1", "addr add 203.0.113.2/24 dev w1", "addr add 2001:db8::2/64 dev v1 nodad")
	return n
}

// in goes to one of the networks.
func (n *twoNetworks) in(network int) {
	n.Helper()
	if err := unix.Setns(network, unix.CLONE_NEWNET); err != nil {
		n.Fatal(err)
	}
}

func (n *twoNetworks) ip(commands ...string) {
	n.Helper()
	for _, command := range commands {
		if output, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			n.Fatalf("ip %s: %v: %s", command, err, output)
		}
	}
}

// atServer changes the server's network.
func (n *twoNetworks) atServer(commands ...string) {
	n.Helper()
	n.in(n.server)
	n.ip(commands...)
	n.in(n.client)
}

// await waits until the server has told of an address so often.
func (n *twoNetworks) await(s *server, addr, what string, times int) {
	n.Helper()
	for deadline := time.Now().Add(30 * time.Second); told(s, addr, what) < times; tickOrFail(n.T) {
		if time.Now().After(deadline) {
			n.Fatalf("nothing is said of %s that %s:\n%s", addr, what, s.stderr)
		}
	}
}

// told is how often the server has told of an address.
func told(s *server, addr, what string) int {
	count := 0
	for line := range strings.Lines(s.stderr.String()) {
		if strings.Contains(line, `"address":"`+addr+`"`) && strings.Contains(line, what) {
			count++
		}
	}
	return count
}

// answered asks from the client's network until there is an answer: a network that comes up
// takes a moment.
func (n *twoNetworks) answered(s *server, urls ...string) {
	n.Helper()
	for _, url := range urls {
		said, err := n.query(url)
		for deadline := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(deadline); {
			said, err = n.query(url)
		}
		if err != nil {
			n.Fatalf("%s: %v: %s\n%s", url, err, said, s.stderr)
		}
	}
}

func (n *twoNetworks) query(url string) (string, error) {
	args := []string{"query", "@" + url, "www.signed.example"}
	if !strings.HasPrefix(url, "udp") && !strings.HasPrefix(url, "tcp") {
		args = append(args, "--insecure")
	}
	said, err := program(n.T, n.TempDir(), args...).CombinedOutput()
	return string(said), err
}

// A server outlives its interfaces and addresses: it answers on the others meanwhile, at once
// again when they are back, also where they came after its start; and says so once.
func TestAddressesGoAndCome(t *testing.T) {
	n := newTwoNetworks(t)
	n.in(n.server)
	s := start(t, write(t, map[string]string{"recourse.yaml": absentSettings}), "--lab", "--config", "recourse.yaml")
	n.in(n.client)
	all := []string{"udp://192.0.2.1", "tcp://192.0.2.1", "tls://192.0.2.1", "https://192.0.2.1/dns-query", "h3://192.0.2.1/dns-query", "quic://192.0.2.1", "udp://[2001:db8::1]", "tcp://[2001:db8::1]"}
	others := []string{"udp://198.51.100.1", "tcp://198.51.100.1"}
	late := []string{"udp://203.0.113.1", "tcp://203.0.113.1"}
	n.answered(s, all...)
	n.await(s, "203.0.113.1", "is gone", 1)

	n.atServer("link set v0 down") // which takes addresses of IPv6 away
	n.await(s, "192.0.2.1", "is gone", 1)
	n.await(s, "2001:db8::1", "is gone", 1)
	n.answered(s, others...)
	n.atServer("link set v0 up", "addr add 2001:db8::1/64 dev v0 nodad")
	n.answered(s, all...)
	n.await(s, "192.0.2.1", "is back", 1)
	n.await(s, "2001:db8::1", "is back", 1)

	n.atServer("addr del 192.0.2.1/24 dev v0")
	n.await(s, "192.0.2.1", "is gone", 2)
	n.answered(s, others...)
	n.atServer("addr add 192.0.2.1/24 dev v0", "addr add 203.0.113.1/24 dev w0")
	n.answered(s, append(all, late...)...)
	n.await(s, "192.0.2.1", "is back", 2)
	n.await(s, "203.0.113.1", "is back", 1)

	n.atServer("link del v0") // the cable is pulled out for good
	n.await(s, "192.0.2.1", "is gone", 3)
	n.answered(s, append(others, late...)...)
	for addr, times := range map[string]int{"192.0.2.1": 3, "203.0.113.1": 1, "198.51.100.1": 0} {
		if got := told(s, addr, "is gone"); got != times {
			t.Errorf("%s is said to be gone %d times, want %d:\n%s", addr, got, times, s.stderr)
		}
	}
	s.stop()
}

// Without the key an address that is not there ends the start, with a hint.
func TestAddressesMustBeThere(t *testing.T) {
	n := newTwoNetworks(t)
	n.in(n.server)
	settings := strings.Replace(absentSettings, "  freebind: true\n", "", 1)
	said, err := program(t, write(t, map[string]string{"recourse.yaml": settings}), "serve", "--lab", "--config", "recourse.yaml").CombinedOutput()
	if err == nil || !strings.Contains(string(said), "203.0.113.1:53") || !strings.Contains(string(said), "freebind") {
		t.Errorf("%v: %s", err, said)
	}
}
