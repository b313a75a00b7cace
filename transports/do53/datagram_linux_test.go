package do53_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/do53"
)

// A process that has no descriptor left is told so, and asks again once it has.
// It is a process of its own, since the limit is everybody's in it.
func TestClientWithoutDescriptors(t *testing.T) {
	const marker = "RECOURSE_TEST_NO_DESCRIPTORS"
	if os.Getenv(marker) == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestClientWithoutDescriptors$", "-test.v")
		command.Env = append(os.Environ(), marker+"=1")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return
	}
	server := udpServer(t, "127.0.0.1:0", func([]byte) [][]byte { return [][]byte{[]byte("good")} })
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 40
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, do53.ClientConfig{})
	ask := func() error {
		_, err := client.Exchange(t.Context(), server, []byte("q"), is("good"))
		return err
	}
	var held []net.PacketConn
	for {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			break
		}
		held = append(held, socket)
	}
	for left := range 3 { // none for the socket; then none for what watches it
		if err := ask(); !errors.Is(err, syscall.EMFILE) && left < 2 {
			t.Errorf("%d left: error %v", left, err)
		}
		held[left].Close()
	}
	if err := ask(); err != nil {
		t.Errorf("with descriptors again: %v", err)
	}
}

// A socket is on one interface where the address says so.
func TestClientZones(t *testing.T) {
	server := resolver.Server{Addr: netip.MustParseAddrPort("[fe80::1%recourse-none]:53")}
	if _, err := newClient(t, do53.ClientConfig{}).Exchange(t.Context(), server, []byte("q"), is("good")); err == nil {
		t.Error("an interface that is not there was used")
	}
}
