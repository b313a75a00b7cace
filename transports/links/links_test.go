package links

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func machine(calls *int) *Machine {
	network := netip.MustParsePrefix
	return &Machine{
		interfaces: func() ([]Interface, error) {
			*calls++
			if *calls > 2 {
				return nil, errors.New("no more")
			}
			return []Interface{
				{Networks: []netip.Prefix{network("127.0.0.1/8"), network("::1/128")}},
				{Networks: []netip.Prefix{network("192.168.1.2/24"), network("fe80::2/64"), network("fd00:1::2/64"), network("2001:db8:1::2/64")}},
				{Networks: []netip.Prefix{network("10.0.0.1/8"), network("2001:db8:2::1/64")}},
			}, nil
		},
		source: func(client netip.Addr) netip.Addr {
			switch {
			case client.Is6():
				return netip.MustParseAddr("2001:db8:2::1")
			case client == netip.MustParseAddr("198.51.100.9"):
				return netip.Addr{}
			}
			return netip.MustParseAddr("192.168.1.2")
		},
	}
}

func TestToward(t *testing.T) {
	for client, want := range map[string]string{
		"192.168.1.77":        "[192.168.1.2 fd00:1::2]",
		"fd00:1::77":          "[192.168.1.2 fd00:1::2]",
		"2001:db8:1::77":      "[192.168.1.2 fd00:1::2]",
		"::ffff:192.168.1.77": "[192.168.1.2 fd00:1::2]",
		"10.9.9.9":            "[10.0.0.1 2001:db8:2::1]",
		"203.0.113.1":         "[192.168.1.2 fd00:1::2]", // behind a router on that link
		"2001:db8:99::1":      "[10.0.0.1 2001:db8:2::1]",
		"fe80::77%eth0":       "[10.0.0.1 2001:db8:2::1]", // every link has that network
		"198.51.100.9":        "[]",
		"127.0.0.9":           "[127.0.0.1 ::1]",
		"::1":                 "[127.0.0.1 ::1]",
	} {
		calls := 0
		if got := fmt.Sprint(machine(&calls).Toward(netip.MustParseAddr(client))); got != want {
			t.Errorf("%s: %s, not %s", client, got, want)
		}
	}
	calls := 0
	if got := machine(&calls).Toward(netip.Addr{}); got != nil {
		t.Errorf("nobody: %v", got)
	}
}

// The interfaces are listed once in a while, and stay as they were where that fails.
func TestInterfacesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, client := 0, netip.MustParseAddr("192.168.1.77")
		m := machine(&calls)
		for range 100 {
			m.Toward(client)
		}
		if calls != 1 {
			t.Errorf("listed %d times at once", calls)
		}
		for range 3 {
			time.Sleep(lasting)
			if got := m.Toward(client); len(got) != 2 {
				t.Errorf("after %d lists: %v", calls, got)
			}
		}
		if calls != 4 {
			t.Errorf("listed %d times in all", calls)
		}
	})
}

// On this machine, whatever it has: who is here is told of here.
func TestThisMachine(t *testing.T) {
	if got := New().Toward(netip.MustParseAddr("127.0.0.1")); len(got) != 2 {
		t.Errorf("%v", got)
	}
	if _, err := system(); err != nil {
		t.Error(err)
	}
	if got := route(netip.MustParseAddr("127.0.0.1")); !got.IsLoopback() {
		t.Errorf("the way to here is from %v", got)
	}
}
