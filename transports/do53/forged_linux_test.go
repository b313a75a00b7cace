package do53_test

import (
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/transports"
	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/do53"
	"github.com/recourse-dns/recourse/transports/rate"
	"github.com/recourse-dns/recourse/transports/transportstest"
)

// inNetworkOfItsOwn runs a test where 192.0.2.0/24 is this machine's: loopback is exempt from
// what is tried here. The thread, which is elsewhere then, ends with the test.
func inNetworkOfItsOwn(t *testing.T, test func()) {
	t.Helper()
	done := make(chan string, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- "a network namespace is for root: " + err.Error()
			return
		}
		for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", "192.0.2.1/24", "dev", "lo"}} {
			if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				done <- "no network: " + err.Error() + ": " + string(output)
				return
			}
		}
		test()
		done <- ""
	}()
	if why := <-done; why != "" {
		t.Skip(why)
	}
}

// What many clients of one network are denied over UDP, they are told to come for by TCP, and
// are told there; a cookie does as well.
func TestRepliesToForgedClients(t *testing.T) {
	inNetworkOfItsOwn(t, func() {
		w := transportstest.NewWorld()
		limits := transports.Limits{Replies: rate.Limit{PerSecond: 1, Burst: 10}, Slip: 1, Cookies: cookie.NewKeys([]cookie.Secret{cookie.NewSecret()})}
		logger := slog.New(slog.DiscardHandler)
		server, err := do53.Listen(do53.Config{Address: netip.MustParseAddrPort("192.0.2.1:0")}, transports.NewService(w, transports.NewGate(limits), new(transportstest.Counts), logger), logger)
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		ask := func(network string, from byte, message *dns.Msg) *dns.Msg {
			client := dns.Client{Net: network, Timeout: 5 * time.Second, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(192, 0, 2, from)}}}
			if network == "tcp" {
				client.Dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, from)}
			}
			reply, _, err := client.Exchange(message, server.Addr().String())
			if err != nil {
				t.Errorf("%s from .%d: %v", network, from, err)
				return new(dns.Msg)
			}
			return reply
		}
		denied := new(dns.Msg).SetQuestion("fail.", dns.TypeA)
		truncated := 0
		for i := range 60 {
			if ask("udp", byte(10+i), denied).Truncated {
				truncated++
			}
		}
		if truncated < 40 || truncated > 50 { // some seconds may pass on a busy machine
			t.Errorf("%d of 60 were told to come by TCP", truncated)
		}
		for range 20 {
			if reply := ask("tcp", 10, denied); reply.Truncated || reply.Rcode != dns.RcodeServerFailure {
				t.Errorf("over TCP: %v", reply)
			}
		}
		baked := new(dns.Msg).SetQuestion("fail.", dns.TypeA)
		baked.SetEdns0(1232, false)
		given := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
		baked.IsEdns0().Option = []dns.EDNS0{given}
		for !t.Failed() && !ask("udp", 10, denied).Truncated { // until nothing is left that a second has brought
		}
		first := ask("udp", 10, baked)
		if opt := first.IsEdns0(); first.Rcode != dns.RcodeBadCookie || opt == nil || len(opt.Option) != 1 {
			t.Errorf("with a client's cookie: %v", first)
			return
		}
		given.Cookie = first.IsEdns0().Option[0].(*dns.EDNS0_COOKIE).Cookie
		for range 20 {
			if reply := ask("udp", 10, baked); reply.Truncated || reply.Rcode != dns.RcodeServerFailure {
				t.Errorf("with a whole cookie: %v", reply)
			}
		}
	})
}
