package neighbours

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace runs commands of ip in a network namespace of this thread's own.
func inNamespace(t *testing.T) func(arguments string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip is missing")
	}
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	return func(arguments string) {
		t.Helper()
		if output, err := exec.Command("ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v, %s", arguments, err, output)
		}
	}
}

// await looks until the table says so.
func await(t *testing.T, table *Table, addr string, want [6]byte) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		mac, _ := table.Hardware(netip.MustParseAddr(addr))
		if mac == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is at %x, want %x", addr, mac, want)
		}
		runtime.Gosched()
	}
}

// The kernel's own entries: those that are there at the start, of both families, and what
// changes.
func TestWatch(t *testing.T) {
	ip := inNamespace(t)
	ip("link add home0 type veth peer name home1")
	ip("addr add 192.0.2.53/24 dev home0")
	ip("-6 addr add 2001:db8::53/64 dev home0 nodad")
	ip("link set home0 up")
	ip("link set home1 up")
	ip("neigh add 192.0.2.7 lladdr 02:00:5e:10:00:01 dev home0 nud permanent")
	ip("-6 neigh add 2001:db8::7 lladdr 02:00:5e:10:00:01 dev home0 nud reachable")
	var logs bytes.Buffer
	watcher, err := Watch(slog.New(slog.NewTextHandler(&logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, watcher.Table, "192.0.2.7", one)
	expect(t, watcher.Table, "2001:db8::7", one)
	expect(t, watcher.Table, "192.0.2.8", [6]byte{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); watcher.Run(ctx) }()
	ip("neigh add 192.0.2.8 lladdr 02:00:5e:10:00:02 dev home0 nud stale")
	await(t, watcher.Table, "192.0.2.8", other)
	ip("neigh change 192.0.2.7 lladdr 02:00:5e:10:00:02 dev home0 nud permanent")
	await(t, watcher.Table, "192.0.2.7", other)
	ip("neigh del 192.0.2.8 dev home0")
	ip("neigh add 192.0.2.9 lladdr 02:00:5e:10:00:01 dev home0 nud permanent")
	await(t, watcher.Table, "192.0.2.9", one)
	await(t, watcher.Table, "192.0.2.8", other) // remembered
	if devices := watcher.Devices(); len(devices) != 2 {
		t.Errorf("devices %+v", devices)
	}
	cancel()
	<-done
	if logs.Len() > 0 {
		t.Errorf("said: %s", &logs)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x4c\x00\x00\x00\x1c\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x80\x00\x00\x01\x08\x00\x01\x00\xc0\x00\x02\x07\x0a\x00\x02\x00\x02\x00\x5e\x10\x00\x01\x00\x00\x08\x00\x04\x00\x00\x00\x00\x00\x14\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x14\x00\x00\x00\x03\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		changes, _, _ := parse(data)
		for _, one := range changes {
			if !one.addr.IsValid() || !one.gone && one.mac[0]&1 != 0 {
				t.Errorf("%+v", one)
			}
		}
	})
}
