package do53_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/proxy"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, address string, waiting int) (*do53.Server, *transportstest.World, *transportstest.Counts) {
	t.Helper()
	w, seen := transportstest.NewWorld(), new(transportstest.Counts)
	logger := slog.New(slog.DiscardHandler)
	server, err := do53.Listen(do53.Config{Address: netip.MustParseAddrPort(address)}, transports.NewService(w, transports.NewGate(transports.Limits{Waiting: waiting, ConnectionsPerClient: 4}), seen, logger), logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, w, seen
}

func exchange(t *testing.T, network, address, name string) (*dns.Msg, error) {
	t.Helper()
	message := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	message.SetEdns0(1232, false)
	client := dns.Client{Net: network, Timeout: 5 * time.Second}
	reply, _, err := client.Exchange(message, address)
	return reply, err
}

func TestBothTransportsAnswer(t *testing.T) {
	server, w, _ := serve(t, "127.0.0.1:0", 10)
	close(w.Release)
	for _, network := range []string{"udp", "tcp"} {
		for name, rcode := range map[string]int{"www": dns.RcodeSuccess, "slow": dns.RcodeSuccess, "fail": dns.RcodeServerFailure, "panic": dns.RcodeServerFailure} {
			reply, err := exchange(t, network, server.Addr().String(), name)
			if err != nil || reply.Rcode != rcode {
				t.Errorf("%s over %s: %v, %v", name, network, reply, err)
			}
			if name == "fail" && (len(reply.IsEdns0().Option) != 1 || reply.IsEdns0().Option[0].(*dns.EDNS0_EDE).InfoCode != dns.ExtendedErrorCodeDNSBogus) {
				t.Errorf("a failure over %s does not say why: %v", network, reply)
			}
		}
	}
}

func TestRepliesLeaveFromTheAddressThatWasAsked(t *testing.T) {
	server, _, _ := serve(t, "0.0.0.0:0", 10)
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.7"), server.Addr().Port())
	// A connected socket takes replies only from the address it asked.
	if _, err := exchange(t, "udp", address.String(), "www"); err != nil {
		t.Error(err)
	}
}

func TestMalformedPackets(t *testing.T) {
	server, _, seen := serve(t, "127.0.0.1:0", 10)
	conn, err := net.Dial("udp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	notify := new(dns.Msg)
	notify.SetNotify("example.")
	update, _ := notify.Pack()
	version := new(dns.Msg).SetQuestion("www.", dns.TypeA)
	version.SetEdns0(1232, false)
	version.IsEdns0().SetVersion(3)
	badVersion, _ := version.Pack()
	silent := [][]byte{nil, {1}, make([]byte, 11), append([]byte{0, 1, 0x80, 0}, make([]byte, 8)...)}
	loud := []struct {
		packet []byte
		rcode  int
	}{
		{append([]byte{0, 2, 1, 0, 0, 1}, make([]byte, 6)...), dns.RcodeFormatError},
		{make([]byte, 12), dns.RcodeFormatError},
		{update, dns.RcodeNotImplemented},
		{badVersion, dns.RcodeBadVers},
	}
	for _, packet := range silent {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	// What comes back first answers the first loud packet: the silent ones got nothing.
	for _, test := range loud {
		if _, err := conn.Write(test.packet); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 512)
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		size, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		reply := new(dns.Msg)
		if err := reply.Unpack(buffer[:size]); err != nil || reply.Rcode != test.rcode || reply.Id != binary.BigEndian.Uint16(test.packet) {
			t.Errorf("%x: %v, %v", test.packet, reply, err)
		}
	}
	if got := seen.At(resolver.UDP, transports.Malformed); got != int64(len(silent)+len(loud)) {
		t.Errorf("%d malformed packets counted", got)
	}
}

func TestTooManyWaitingAreShed(t *testing.T) {
	server, w, seen := serve(t, "127.0.0.1:0", 3)
	conn, err := net.Dial("udp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for id := range uint16(10) {
		message := new(dns.Msg).SetQuestion("slow.", dns.TypeA)
		message.Id = id
		packet, _ := message.Pack()
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	// A cached question is answered although all places are taken.
	if _, err := exchange(t, "udp", server.Addr().String(), "www"); err != nil {
		t.Fatal(err)
	}
	for seen.At(resolver.UDP, transports.Shed) < 7 {
		if t.Context().Err() != nil {
			t.Fatal("nothing was shed")
		}
		if _, err := exchange(t, "udp", server.Addr().String(), "www"); err != nil {
			t.Fatal(err)
		}
	}
	close(w.Release)
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := conn.Read(make([]byte, 512)); err != nil {
			t.Fatal(err)
		}
	}
}

// attending counts the goroutines that answer queries which have to wait, or rest.
func attending(t *testing.T) int {
	t.Helper()
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	return strings.Count(stacks.String(), "do53.(*Server).attend(")
}

// A goroutine that has waited for one answer waits for others; many at a time get
// one each, and no more than a bounded number of them is kept.
func TestWaitingGoroutinesAreKept(t *testing.T) {
	server, w, seen := serve(t, "127.0.0.1:0", 1000)
	const many = 300
	var group sync.WaitGroup
	for range many {
		group.Go(func() {
			if _, err := exchange(t, "udp", server.Addr().String(), "slow."); err != nil {
				t.Error(err)
			}
		})
	}
	for attending(t) < many {
		runtime.Gosched()
	}
	close(w.Release)
	group.Wait()
	for attending(t) > 128 {
		runtime.Gosched()
	}
	before := attending(t)
	for range 20 {
		if _, err := exchange(t, "udp", server.Addr().String(), "slow."); err != nil {
			t.Error(err)
		}
	}
	if after := attending(t); before < 100 || after > before {
		t.Errorf("%d goroutines rest, then %d", before, after)
	}
	if got := seen.At(resolver.UDP, transports.FromNetwork); got != many+20 {
		t.Errorf("%d answers", got)
	}
}

func TestStreamAnswersOutOfOrder(t *testing.T) {
	server, w, _ := serve(t, "127.0.0.1:0", 10)
	conn, err := dns.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for id, name := range []string{"slow.", "www."} {
		message := new(dns.Msg).SetQuestion(name, dns.TypeA)
		message.Id = uint16(id)
		if err := conn.WriteMsg(message); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []uint16{1, 0} {
		reply, err := conn.ReadMsg()
		if err != nil || reply.Id != want {
			t.Fatalf("got %v, %v; want id %d", reply, err, want)
		}
		if want == 1 {
			close(w.Release)
		}
	}
}

func TestStreamLimits(t *testing.T) {
	server, _, _ := serve(t, "127.0.0.1:0", 10)
	var open []net.Conn
	for range 4 {
		conn, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		open = append(open, conn)
	}
	for _, conn := range open { // all four are served…
		stream := &dns.Conn{Conn: conn}
		if err := stream.WriteMsg(new(dns.Msg).SetQuestion("www.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.ReadMsg(); err != nil {
			t.Fatal(err)
		}
	}
	fifth, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer fifth.Close()
	if _, err := fifth.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) { // …the fifth is not
		t.Errorf("the fifth connection: %v", err)
	}
	// A message shorter than a header ends the connection.
	if _, err := open[0].Write([]byte{0, 3, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := open[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("after a short message: %v", err)
	}
}

func isReset(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && !operation.Timeout()
}

func TestCloseEndsWhatWaits(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	w := transportstest.NewWorld()
	server, err := do53.Listen(do53.Config{Address: netip.MustParseAddrPort("127.0.0.1:0")}, transports.NewService(w, transports.NewGate(transports.Limits{Waiting: 10}), new(transportstest.Counts), logger), logger)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dns.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.WriteMsg(new(dns.Msg).SetQuestion("slow.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if err := conn.WriteMsg(new(dns.Msg).SetQuestion("www.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ReadMsg(); err != nil { // the slow one is waiting by now
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", server.Addr().String()); err == nil {
		t.Error("the port still answers")
	}
}

func TestListenSaysWhichAddress(t *testing.T) {
	server, _, _ := serve(t, "127.0.0.1:0", 1)
	logger := slog.New(slog.DiscardHandler)
	_, err := do53.Listen(do53.Config{Address: server.Addr()}, nil, logger)
	if err == nil || !strings.Contains(err.Error(), server.Addr().String()) {
		t.Errorf("a taken address gives %v", err)
	}
}

// TestTCPIsOpenedLast: with both ports taken the first one that is opened fails. Whoever
// gets a TCP connection must find UDP open as well.
func TestTCPIsOpenedLast(t *testing.T) {
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	address := stream.Addr().(*net.TCPAddr).AddrPort()
	socket, err := net.ListenPacket("udp", address.String())
	if err != nil {
		t.Skip("the UDP port is taken")
	}
	defer socket.Close()
	_, err = do53.Listen(do53.Config{Address: address}, nil, slog.New(slog.DiscardHandler))
	if failed := (*net.OpError)(nil); !errors.As(err, &failed) || failed.Net != "udp4" {
		t.Errorf("failed first: %v", err)
	}
}

func FuzzService(f *testing.F) {
	query, _ := new(dns.Msg).SetQuestion("www.", dns.TypeA).Pack()
	f.Add(query)
	f.Add([]byte{})
	f.Add(append(query, 0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0))
	logger := slog.New(slog.DiscardHandler)
	w := transportstest.NewWorld()
	close(w.Release)
	service := transports.NewService(w, transports.NewGate(transports.Limits{Waiting: 10}), new(transportstest.Counts), logger)
	f.Fuzz(func(t *testing.T, packet []byte) {
		query := &resolver.Query{Client: resolver.Client{Door: resolver.UDP}}
		reply, err := service.Answer(t.Context(), query, packet, nil, 0)
		if err != nil || len(reply) == 0 {
			return
		}
		if err := new(dns.Msg).Unpack(reply); err != nil {
			t.Fatalf("%x is answered with %x: %v", packet, reply, err)
		}
	})
}

// fromProxy is what a load balancer sends for a client.
func fromProxy(client string, packet []byte) []byte {
	addr := netip.MustParseAddr(client).As4()
	header := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x12\x00\x0c"), addr[:]...)
	return append(append(header, "\x7f\x00\x00\x01\x30\x39\x00\x35"...), packet...)
}

// TestClientsBehindALoadBalancer: who asks is whom it names, at once and where the answer has
// to be waited for; the reply goes to it. Nobody else is believed.
func TestClientsBehindALoadBalancer(t *testing.T) {
	var from sync.Map
	handler := resolver.HandlerFunc(func(_ context.Context, query *resolver.Query) (*resolver.Answer, error) {
		if query.Inline && query.Question.Name.String() == "slow.example" {
			return nil, resolver.ErrWouldBlock
		}
		from.Store(query.Question.Name.String(), query.Client.Addr.String())
		return resolver.NewAnswer(query.Message(), query.Now).Pack()
	})
	logger := slog.New(slog.DiscardHandler)
	service := transports.NewService(handler, transports.NewGate(transports.Limits{}), new(transportstest.Counts), logger)
	server, err := do53.Listen(do53.Config{Address: netip.MustParseAddrPort("127.0.0.1:0"), Proxies: proxy.Trusted{netip.MustParsePrefix("127.0.0.2/32")}}, service, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ask := func(local, name string, wrapped bool) error {
		t.Helper()
		conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(local)}, net.UDPAddrFromAddrPort(server.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		packet, err := new(dns.Msg).SetQuestion(name+".", dns.TypeA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		if wrapped {
			packet = fromProxy("192.0.2.7", packet)
		}
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err = (&dns.Conn{Conn: conn}).ReadMsg()
		return err
	}
	for _, name := range []string{"www.example", "slow.example"} {
		if err := ask("127.0.0.2", name, true); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if who, _ := from.Load(name); who != "192.0.2.7" {
			t.Errorf("%s was asked by %v", name, who)
		}
	}
	if err := ask("127.0.0.3", "plain.example", false); err != nil {
		t.Error(err)
	}
	if who, _ := from.Load("plain.example"); who != "127.0.0.3" {
		t.Errorf("a client of its own is %v", who)
	}
	if err := ask("127.0.0.3", "forged.example", true); err != nil {
		t.Error(err) // it is answered as the malformed query that it is
	}
	if _, asked := from.Load("forged.example"); asked {
		t.Error("somebody else was believed")
	}
}
