package lab_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/lab"
)

func serve(t *testing.T, internet *lab.Internet) *lab.Servers {
	t.Helper()
	servers := must(internet.Serve(0))(t)
	t.Cleanup(func() { servers.Close() })
	return servers
}

// endpoint is a name server's address with the port that all listen on.
func endpoint(servers *lab.Servers, addr string) string {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), servers.Port()).String()
}

// TestServe asks every name server over real sockets.
func TestServe(t *testing.T) {
	internet := build(t, lab.Config{})
	servers := serve(t, internet)
	for _, transport := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: transport, Timeout: 10 * time.Second}
		for _, addr := range internet.Addresses() {
			if addr.String() == "127.42.3.4" || addr.String() == "127.42.3.5" {
				continue // silent ones
			}
			reply, _, err := client.Exchange(query("missing.victim.example.", dns.TypeA), endpoint(servers, addr.String()))
			if err != nil || !reply.Response {
				t.Errorf("%s %s: %v", transport, addr, err)
			}
		}
	}
}

// TestTCPConnection sends two queries at once, the answers to which come in order.
func TestTCPConnection(t *testing.T) {
	servers := serve(t, build(t, lab.Config{}))
	conn := must(net.Dial("tcp", endpoint(servers, "127.42.2.5")))(t)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	var both []byte
	for _, name := range []string{"big.example.", "missing.big.example."} {
		packet := must(query(name, dns.TypeTXT).Pack())(t)
		both = append(binary.BigEndian.AppendUint16(both, uint16(len(packet))), packet...)
	}
	must(conn.Write(both))(t)
	for _, want := range []int{dns.RcodeSuccess, dns.RcodeNameError} {
		reply := must((&dns.Conn{Conn: conn}).ReadMsg())(t)
		if reply.Rcode != want || reply.Truncated {
			t.Errorf("got %s, want %s", brief(reply), dns.RcodeToString[want])
		}
	}
}

func TestSilentServerOverTCP(t *testing.T) {
	servers := serve(t, build(t, lab.Config{}))
	conn := must(net.Dial("tcp", endpoint(servers, "127.42.3.4")))(t)
	defer conn.Close()
	packet := must(query("www.dead.example.", dns.TypeA).Pack())(t)
	must(conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)))(t)
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v, want a deadline", err)
	}
}

func TestClose(t *testing.T) {
	internet := build(t, lab.Config{})
	servers := must(internet.Serve(0))(t)
	conn := must(net.Dial("tcp", endpoint(servers, "127.42.0.1")))(t)
	defer conn.Close()
	if err := servers.Close(); err != nil {
		t.Error(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
		t.Errorf("a connection outlives Close: %v", err)
	}
	again := must(internet.Serve(servers.Port()))(t) // the port is free again
	if again.Port() != servers.Port() {
		t.Errorf("port %d, want %d", again.Port(), servers.Port())
	}
	if _, err := internet.Serve(servers.Port()); err == nil {
		t.Error("two at one port")
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestKdig looks with the tool that people use.
func TestKdig(t *testing.T) {
	kdig := tool(t, "kdig", "knot-dnsutils")
	servers := serve(t, build(t, lab.Config{}))
	output, err := exec.Command(kdig, "@127.42.2.3", "-p", strconv.Itoa(int(servers.Port())), "+dnssec", "WWW.signed.example", "A").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, want := range []string{"status: NOERROR", "Flags: qr aa rd", "192.0.2.10", "RRSIG"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("no %q in\n%s", want, output)
		}
	}
	output, err = exec.Command(kdig, "@127.42.2.5", "-p", strconv.Itoa(int(servers.Port())), "+dnssec", "+bufsize=1232", "big.example", "TXT").CombinedOutput()
	if err != nil || !strings.Contains(string(output), "(TCP)") || strings.Count(string(output), "a large answer, ") != 144 {
		t.Errorf("%v\n%s", err, output)
	}
}

var _ io.Closer = (*lab.Servers)(nil)
