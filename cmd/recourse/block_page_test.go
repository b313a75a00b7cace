package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/recourse-dns/recourse/transports/doq"
)

// TestNoCertificateAtTheBlockPage: a listener of all addresses resets whoever comes to one of the
// block page, before any certificate is shown, and serves everybody else.
func TestNoCertificateAtTheBlockPage(t *testing.T) {
	report := newReport("f")
	config := parseConfig([]byte(smallest), report)
	config.Listen.DoT = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:853")}
	config.BlockPage.IPv4 = []netip.Addr{netip.MustParseAddr("127.0.0.80")}
	n := &node{config: config, certificates: selfSigned(t, config)}
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server := n.encrypted("h2")
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = tls.Server(conn, server).HandshakeContext(t.Context()); conn.Close() }() // how it went is the client's to say
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	shown := func(address string) (int, error) {
		count := 0
		conn, err := tls.Dial("tcp4", net.JoinHostPort(address, port), &tls.Config{
			ServerName: "bank.example", InsecureSkipVerify: true, NextProtos: []string{"h2"},
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error { count = len(raw); return nil },
		})
		if err == nil {
			conn.Close()
		}
		return count, err
	}
	if count, err := shown("127.0.0.1"); count == 0 || err != nil {
		t.Errorf("at another address: %d certificates, %v", count, err)
	}
	if count, err := shown("127.0.0.80"); count != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("at the block page: %d certificates, %v", count, err)
	}
}

// TestNoCertificateByQUICAtTheBlockPage: QUIC doors of all addresses show nobody a certificate who comes to one of the block
// page, over either protocol.
func TestNoCertificateByQUICAtTheBlockPage(t *testing.T) {
	files := exampleFiles(upstream(t))
	const everywhere = `["0.0.0.0:0"]`
	files["recourse.yaml"] = replaced(t, files["recourse.yaml"], "listen: {", "listen: {doq: "+everywhere+", doh: "+everywhere+", ") + "block_page: {ipv4: [127.0.0.80]}\n"
	config, _, err := LoadConfig(filepath.Join(write(t, files), "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	for protocol, door := range map[string]netip.AddrPort{doq.Protocol: n.doq[0], "h3": n.doh[0]} {
		for address, want := range map[string]bool{"127.0.0.1": true, "127.0.0.80": false} {
			count, err := certificatesByQUIC(t, netip.AddrPortFrom(netip.MustParseAddr(address), door.Port()), protocol)
			if (count > 0) != want || (err == nil) != want {
				t.Errorf("%s at %s: %d certificates, %v", protocol, address, count, err)
			}
		}
	}
}

// certificatesByQUIC counts what somebody is shown who asks for another's site.
func certificatesByQUIC(t *testing.T, to netip.AddrPort, protocol string) (count int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := quic.DialAddr(ctx, to.String(), &tls.Config{
		ServerName: "bank.example", InsecureSkipVerify: true, NextProtos: []string{protocol},
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error { count = len(raw); return nil },
	}, nil)
	if err == nil {
		err = conn.CloseWithError(0, "")
	}
	return count, err
}

// complaints are what is wrong with a configuration, a line each.
func complaints(t *testing.T, text string) []string {
	t.Helper()
	report := newReport("f")
	report.dir = t.TempDir()
	parseConfig([]byte(text), report)
	if err := report.err(); err != nil {
		return strings.Split(err.Error(), "\n")
	}
	return nil
}

func TestBlockPageConfiguration(t *testing.T) {
	const whole = `operator: {name: Example Net, contact: "mailto:a@example.net", portal: "https://dns.example.net"}
state: state
resolver: {mode: forward, forward: ["udp://127.0.0.1:9"]}
`
	for text, want := range map[string]string{
		"listen: {do53: [\"127.0.0.1:0\"]}\nblock_page: {listen: [\"192.0.2.80:443\"], ipv4: [192.0.2.80]}":                                                    "block_page.listen[0]: port 443",
		"listen: {do53: [\"127.0.0.1:0\"], doh: [\"192.0.2.80:443\"]}\nblock_page: {ipv4: [192.0.2.80]}":                                                       "listen.doh[0]: 192.0.2.80 is an address of block_page",
		"listen: {do53: [\"127.0.0.1:0\"], web_tls: [\"[2001:db8::80]:443\"]}\nblock_page: {ipv6: [\"2001:db8::80\"]}":                                         "listen.web_tls[0]: 2001:db8::80 is an address of block_page",
		"listen: {do53: [\"127.0.0.1:0\"]}\nblock_page: {ipv4: [\"::1\"]}":                                                                                     "block_page.ipv4[0]: ::1 is not an IPv4 address",
		"listen: {do53: [\"127.0.0.1:0\"], web: [\"127.0.0.1:0\"]}\nblock_page: {listen: [\"192.0.2.80:80\"], ipv4: [192.0.2.80]}":                             "",
		"listen: {do53: [\"127.0.0.1:0\"], doh: [\"0.0.0.0:443\"]}\nblock_page: {listen: [\"192.0.2.80:80\"], ipv4: [192.0.2.80]}":                             "",
		"listen: {do53: [\"127.0.0.1:0\"]}\nblocklists: [{id: a, purpose: user, answer: page, title: {en: A}, source: {file: builtin:user}, format: domains}]": "blocklists[0].answer: page needs an address",
	} {
		found := strings.Join(complaints(t, whole+text), "\n")
		if want == "" && strings.Contains(found, "block_page") || !strings.Contains(found, want) {
			t.Errorf("%s\nsays %q, want %q", text, found, want)
		}
	}
}

func TestPlainPortalConfiguration(t *testing.T) {
	for portal, test := range map[string]struct {
		web string
		bad bool
	}{
		"http://127.0.0.1:8080": {"127.0.0.1:0", false}, "http://192.168.1.1": {"192.168.1.1:80", false}, "http://dns.home.arpa": {"0.0.0.0:80", false},
		"http://[fd00::1]:80": {"[fd00::1]:80", false}, "http://100.64.1.1": {"127.0.0.1:0", false}, "https://192.0.2.1": {"192.0.2.1:80", false},
		"http://192.0.2.1": {"127.0.0.1:0", true}, "http://[2001:db8::1]": {"127.0.0.1:0", true}, "http://dns.example.net": {"192.0.2.1:80", true},
	} {
		text := "operator: {name: Example Net, contact: \"mailto:a@example.net\", portal: \"" + portal + "\"}\nstate: state\nresolver: {mode: forward, forward: [\"udp://127.0.0.1:9\"]}\n" +
			"listen: {do53: [\"127.0.0.1:0\"], web: [\"" + test.web + "\"]}\n"
		found := strings.Join(complaints(t, text), "\n")
		if strings.Contains(found, "in the clear") != test.bad {
			t.Errorf("%s at %s: %q", portal, test.web, found)
		}
	}
}

// replaced is a text with each of the pairs replaced, all of which have to be in it.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("the example has no %q", pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}
