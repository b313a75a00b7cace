package do53_test

import (
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// answered is how many queries over UDP have ended, in whatever way.
func packed(t *testing.T, name string, id int) []byte {
	t.Helper()
	message := new(dns.Msg).SetQuestion(name, dns.TypeA)
	message.Id = uint16(id)
	packet, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// A socket that has all addresses answers from the one that was asked, at once and later:
// a connected socket hears no other.
func TestEveryReplyLeavesFromTheAddressThatWasAsked(t *testing.T) {
	for listen, addresses := range map[string][]string{"0.0.0.0:0": {"127.0.0.1", "127.0.0.2", "127.200.0.9"}, "[::]:0": {"::1"}} {
		server, w, _ := serve(t, listen, 10)
		close(w.Release)
		for _, address := range addresses {
			for _, name := range []string{"www", "slow", "fail"} {
				at := netip.AddrPortFrom(netip.MustParseAddr(address), server.Addr().Port())
				if reply, err := exchange(t, "udp", at.String(), name); err != nil || !reply.Response {
					t.Errorf("%s asked on %s: %v, %v", address, listen, reply, err)
				}
			}
		}
	}
}

// Thousands of queries in one go, from several clients, for what is at hand and for what is not:
// each is answered or counted as shed, or the kernel says that it had no room for it.
func TestEveryQueryOfABurstIsAnsweredOrCounted(t *testing.T) {
	const clients, each = 6, 2000
	server, w, seen := serve(t, "127.0.0.1:0", 200)
	var replies atomic.Int64
	var sending, receiving sync.WaitGroup
	var sockets []net.Conn
	for range clients {
		conn, err := net.Dial("udp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, conn)
		receiving.Go(func() {
			for buffer := make([]byte, 512); ; replies.Add(1) {
				if _, err := conn.Read(buffer); err != nil {
					return // closed
				}
			}
		})
		sending.Go(func() {
			for id := range each {
				name := "www."
				switch id % 10 {
				case 3:
					name = "slow."
				case 7:
					name = "drop."
				}
				if _, err := conn.Write(packed(t, name, id)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	close(w.Release)
	for limit := time.Now().Add(10 * time.Second); seen.All()+server.Overflows() < clients*each; runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatalf("of %d queries %d were answered or counted, and %d lost", clients*each, seen.All(), server.Overflows())
		}
	}
	for _, conn := range sockets {
		conn.Close()
	}
	receiving.Wait()
	if total := seen.All() + server.Overflows(); total != clients*each {
		t.Errorf("%d of %d are accounted for", total, clients*each)
	}
	if replies.Load() == 0 || seen.At(resolver.UDP, transports.FromNetwork) == 0 || seen.At(resolver.UDP, transports.NoReply) == 0 {
		t.Errorf("%d replies, %d after a wait, %d dropped", replies.Load(), seen.At(resolver.UDP, transports.FromNetwork), seen.At(resolver.UDP, transports.NoReply))
	}
	if runtime.GOOS == "linux" && seen.At(resolver.UDP, transports.Shed)+server.Overflows() == 0 {
		t.Error("nothing of what has to wait was shed, with 200 places for 1,200")
	}
}

// What is longer than any query may be is refused whole, whatever it begins with.
func TestALongDatagramIsMalformed(t *testing.T) {
	server, _, seen := serve(t, "127.0.0.1:0", 10)
	conn, err := net.Dial("udp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, size := range []int{4096, 4097, 60000} {
		packet := make([]byte, size)
		copy(packet, packed(t, "www.", i))
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		reply := make([]byte, 512)
		length, err := conn.Read(reply)
		if err != nil {
			t.Fatal(err)
		}
		malformed := size > 4096
		if int(reply[1]) != i || (reply[3]&0xf == dns.RcodeFormatError) != malformed || malformed && length != 12 {
			t.Errorf("%d octets are answered with %x", size, reply[:length])
		}
	}
	if got := seen.At(resolver.UDP, transports.Malformed); got != 2 {
		t.Errorf("%d were counted as malformed", got)
	}
}

// A server that closes under load ends, and no packet that it has read stays without an end.
func TestCloseUnderLoad(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	w, seen := transportstest.NewWorld(), new(transportstest.Counts)
	close(w.Release)
	server, err := do53.Listen(do53.Config{Address: netip.MustParseAddrPort("127.0.0.1:0")}, transports.NewService(w, transports.NewGate(transports.Limits{}), seen, logger), logger)
	if err != nil {
		t.Fatal(err)
	}
	var load sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		conn, err := net.Dial("udp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		load.Go(func() {
			defer conn.Close()
			for id := 0; ; id++ {
				select {
				case <-stop:
					return
				default:
					_, _ = conn.Write(packed(t, "www.", id)) // refused once the server is gone
				}
			}
		})
	}
	for seen.All() < 1000 {
		runtime.Gosched()
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	after := seen.All()
	close(stop)
	load.Wait()
	if seen.All() != after {
		t.Error("a closed server answers")
	}
}
