package tlsconftest

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Pebble is an ACME authority for tests, in a process of its own.
type Pebble struct {
	Directory string
	Roots     *x509.CertPool // of its own certificate, not of those that it signs
	RootsPEM  []byte
}

// StartPebble runs one until the test ends. It asks the resolver for names, comes to the
// port for challenges, and is configured by more. Where it is not installed the test is skipped.
func StartPebble(t *testing.T, resolver netip.AddrPort, port int, more map[string]any) Pebble {
	t.Helper()
	program, err := exec.LookPath("pebble")
	if err != nil {
		t.Skip("pebble is not installed (Debian package pebble): certificates are not ordered")
	}
	ca, dir := New(t), t.TempDir()
	own := ca.Issue(t, Year(), "127.0.0.1").Write(t, dir)
	address := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	settings := map[string]any{"listenAddress": address, "certificate": own.Certificate, "privateKey": own.Key, "httpPort": 1, "tlsPort": port}
	for key, value := range more {
		settings[key] = value
	}
	text, err := json.Marshal(map[string]any{"pebble": settings})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-config", config, "-dnsserver", resolver.String()) //nolint:gosec // a program of the machine, found by name
	command.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	await(t, command, "directory available")
	return Pebble{Directory: "https://" + address + "/dir", Roots: ca.Pool, RootsPEM: ca.PEM()}
}

// await starts a program and returns when it says the text.
func await(t *testing.T, command *exec.Cmd, text string) {
	t.Helper()
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines, said := bufio.NewScanner(output), make(chan struct{})
	found := false
	for !found && lines.Scan() {
		found = strings.Contains(lines.Text(), text)
	}
	go func() {
		defer close(said)
		for lines.Scan() { // so that it never waits for a reader
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-said
		_ = command.Wait()
	})
	if !found {
		t.Fatalf("%s ended before it said %q", command.Path, text)
	}
}

// FreePort is one that nothing listens on, and that the kernel gives to nobody who asks for
// any: it is used a while after this.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
