package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
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
