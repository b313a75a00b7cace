package overquic

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// openSocket is one on loopback, and what it logs.
func openSocket(t *testing.T, address string) (*socket, *bytes.Buffer) {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Skipf("no such address here: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	log := new(bytes.Buffer)
	s, err := newSocket(conn, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

// room is for so many datagrams.
func room(count int) []ipv4.Message {
	messages := make([]ipv4.Message, count)
	for i := range messages {
		messages[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 1500)}, OOB: make([]byte, 128)}
	}
	return messages
}

// Datagrams go and come whole and with their addresses, of both families, several at once.
func TestSocket(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			here, _ := openSocket(t, address)
			there, _ := openSocket(t, address)
			for _, data := range []string{"a", "bc", strings.Repeat("d", 1400)} {
				if n, _, err := there.WriteMsgUDP([]byte(data), nil, here.LocalAddr().(*net.UDPAddr)); err != nil || n != len(data) {
					t.Fatal(n, err)
				}
			}
			var sizes []int
			for len(sizes) < 3 {
				messages := room(maxBatch + 2)
				n, err := here.ReadBatch(messages, 0)
				if err != nil || n > maxBatch {
					t.Fatal(n, err)
				}
				for _, message := range messages[:n] {
					sizes = append(sizes, message.N)
					if message.Addr.String() != there.LocalAddr().String() {
						t.Errorf("from %s, want %s", message.Addr, there.LocalAddr())
					}
				}
			}
			if sizes[0] != 1 || sizes[1] != 2 || sizes[2] != 1400 {
				t.Errorf("datagrams of %v octets", sizes)
			}
		})
	}
}

// An error of the network is told once and waited for to pass; the next one is told again.
func TestSocketRecovers(t *testing.T) {
	here, log := openSocket(t, "127.0.0.1:0")
	for round := 1; round <= 2; round++ {
		fails := 2
		here.receive = func(descriptor uintptr) bool {
			if fails > 0 {
				fails--
				here.failed = os.NewSyscallError("recvmmsg", unix.ENETDOWN)
				return true
			}
			return here.tryReceive(descriptor)
		}
		if _, _, err := here.WriteMsgUDP([]byte("x"), nil, here.LocalAddr().(*net.UDPAddr)); err != nil {
			t.Fatal(err)
		}
		if n, err := here.ReadBatch(room(maxBatch), 0); n != 1 || err != nil {
			t.Errorf("round %d: %d datagrams, %v", round, n, err)
		}
		if told := strings.Count(log.String(), "network is down"); told != round {
			t.Errorf("round %d: told %d times", round, told)
		}
	}
}

// Addresses are made once for clients that go on, and never taken for another's.
func TestAddressesAreKept(t *testing.T) {
	here, _ := openSocket(t, "127.0.0.1:0")
	place := new(places)
	four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&place.name))
	seen := make(map[string]bool)
	for i := range 1000 {
		four.Family, four.Addr = unix.AF_INET, [4]byte{192, 0, byte(i >> 8), byte(i)}
		port := (*[2]byte)(unsafe.Pointer(&four.Port))
		port[0], port[1] = 0x12, byte(i)
		first, second := here.address(place), here.address(place)
		if first != second {
			t.Fatal("the address of one client was made twice")
		}
		want := netip.AddrPortFrom(netip.AddrFrom4(four.Addr), 0x1200|uint16(byte(i)))
		if first.AddrPort() != want || seen[first.String()] {
			t.Fatalf("%s is taken for %s", want, first)
		}
		seen[first.String()] = true
	}
	link, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	place.name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: netip.MustParseAddr("fe80::1").As16(), Scope_id: uint32(link.Index)}
	if got := here.address(place); got.Zone != "lo" {
		t.Errorf("the zone of %s is %q", got, got.Zone)
	}
	one := newSender()
	if !one.address(&net.UDPAddr{IP: net.ParseIP("fe80::1"), Zone: "lo"}) || one.name.Scope_id != uint32(link.Index) {
		t.Error("the zone is not sent to")
	}
	if one.address(&net.UDPAddr{IP: net.ParseIP("fe80::1"), Zone: "none"}) {
		t.Error("a zone that is no interface is sent to")
	}
}
