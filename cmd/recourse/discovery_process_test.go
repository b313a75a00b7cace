package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/dot"
	"github.com/recourse-dns/recourse/transports/tlsconf"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

func selfSigned(t *testing.T, config *Config) *tlsconf.Certificates {
	t.Helper()
	settings, err := config.certificates(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := tlsconf.New(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const discoveryConfiguration = `
operator: {name: Example, contact: "mailto:a@example.net", portal: "https://dns.isp.example"}
listen:
  do53: ["127.0.0.1:0"]
  dot: ["127.0.0.1:DOT", "[::1]:DOT"]
  doh: ["127.0.0.1:DOH"]
  doq: ["127.0.0.1:DOT"]
  web_tls: ["127.0.0.1:0"]
  metrics: ["127.0.0.1:0"]
tls: {certificate: tls/cert.pem, key: tls/key.pem}
state: ./state
resolver: {mode: recurse}
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

// discoverable is a server whose certificate is for the name of its doors and their address.
func discoverable(t *testing.T) (*server, *tlsconftest.Authority, *strings.Replacer) {
	t.Helper()
	ports := strings.NewReplacer("DOT", fmt.Sprint(freePort(t).Port()), "DOH", fmt.Sprint(freePort(t).Port()))
	directory := write(t, map[string]string{"recourse.yaml": ports.Replace(discoveryConfiguration)})
	ca := tlsconftest.New(t)
	ca.Issue(t, tlsconftest.Year(), "dns.isp.example", "127.0.0.1").Write(t, filepath.Join(directory, "tls"))
	return start(t, directory, "--lab", "--config", "recourse.yaml"), ca, ports
}

// TestDiscoveryThroughTheBinary: each field of what clients are told, over the wire.
func TestDiscoveryThroughTheBinary(t *testing.T) {
	t.Parallel()
	s, _, ports := discoverable(t)
	doors := ports.Replace(`SVCB 1 dns.isp.example. alpn="dot" port="DOT" ipv4hint="127.0.0.1" ipv6hint="::1"; ` +
		`SVCB 2 dns.isp.example. alpn="h2,h3" port="DOH" ipv4hint="127.0.0.1" dohpath="/dns-query{?dns}"; ` +
		`SVCB 3 dns.isp.example. alpn="doq" port="DOT" ipv4hint="127.0.0.1"; `)
	const information = `RESINFO "qnamemin" "exterr=0-2,5-18,20-23,25-27,29-30" "infourl=https://dns.isp.example/"; `
	for _, test := range []struct {
		name          string
		kind          uint16
		answer, extra string
	}{
		{"_dns.resolver.arpa.", dns.TypeSVCB, doors, "A 127.0.0.1; AAAA ::1; "},
		{"_dns.dns.isp.example.", dns.TypeSVCB, doors, "A 127.0.0.1; AAAA ::1; "},
		{"resolver.arpa.", dns.TypeRESINFO, information, ""},
		{"dns.isp.example.", dns.TypeRESINFO, information, ""},
		{"resolver.arpa.", dns.TypeA, "", ""},
		{"_dns.resolver.arpa.", dns.TypeHTTPS, "", ""},
		{"other.resolver.arpa.", dns.TypeTXT, "", ""},
	} {
		for _, desired := range []bool{true, false} {
			message := new(dns.Msg).SetQuestion(test.name, test.kind)
			message.RecursionDesired = desired
			reply, err := s.exchange("127.0.0.1", message)
			if err != nil {
				t.Fatal(err)
			}
			if reply.Rcode != dns.RcodeSuccess || reply.Authoritative != (test.answer != "") || reply.AuthenticatedData || recordData(reply.Answer) != test.answer || recordData(reply.Extra) != test.extra {
				t.Errorf("%s %s, RD %t: %v", test.name, dns.Type(test.kind), desired, reply)
			}
		}
	}
	kdigReads(t, s)
	s.stop()
}

// kdigReads: another implementation understands the records.
func kdigReads(t *testing.T, s *server) {
	t.Helper()
	if _, err := exec.LookPath("kdig"); err != nil {
		t.Log("kdig is not installed: what it makes of the records was left out")
		return
	}
	host, port, _ := net.SplitHostPort(s.dns)
	for _, test := range []struct{ kind, name, want string }{
		{"TYPE64", "_dns.resolver.arpa", `(?m)^_dns\.resolver\.arpa\.\s+300\s+IN\s+SVCB\s+1 dns\.isp\.example\. alpn=dot port=\d+ ipv4hint=127\.0\.0\.1 ipv6hint=::1$`},
		{"TYPE64", "_dns.resolver.arpa", `(?m)^_dns\.resolver\.arpa\.\s+300\s+IN\s+SVCB\s+2 dns\.isp\.example\. alpn=h2,h3 port=\d+ ipv4hint=127\.0\.0\.1 (dohpath|key7)="?/dns-query\{\?dns\}"?$`},
		{"TYPE261", "resolver.arpa", `(?m)^resolver\.arpa\.\s+300\s+IN\s+(TYPE261|RESINFO)\s+`},
		{"TYPE261", "resolver.arpa", `;; Flags: qr aa ra;`},
	} {
		output, err := exec.CommandContext(t.Context(), "kdig", "@"+host, "-p", port, "+norec", test.kind, test.name).CombinedOutput()
		if err != nil || !regexp.MustCompile(test.want).Match(output) {
			t.Errorf("kdig %s %s does not show %s: %v\n%s", test.kind, test.name, test.want, err, output)
		}
	}
}

// TestPagesOverTLS: the web by the certificate from files, also after they were replaced.
func TestPagesOverTLS(t *testing.T) {
	t.Parallel()
	s, ca, _ := discoverable(t)
	web := regexp.MustCompile(`(?m)^web +https://(\S+)$`).FindStringSubmatch(s.printed)
	if web == nil {
		t.Fatalf("no page over TLS: %s", s.printed)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: ca.Pool, ServerName: "dns.isp.example", MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
	get := func(path string) *http.Response {
		t.Helper()
		reply, err := client.Get("https://" + web[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		if _, err := io.Copy(io.Discard, reply.Body); err != nil {
			t.Fatal(err)
		}
		return reply
	}
	reply := get("/readyz")
	if reply.StatusCode != http.StatusOK || reply.ProtoMajor != 2 {
		t.Errorf("%s %s", reply.Proto, reply.Status)
	}
	if conn, err := tls.Dial("tcp", web[1], &tls.Config{RootCAs: ca.Pool, ServerName: "other.example"}); err == nil {
		conn.Close()
		t.Error("a certificate for another name was accepted")
	}
	first := reply.TLS.PeerCertificates[0]
	expiry := regexp.MustCompile(`(?m)^recourse_certificate_expires_seconds\{key="ECDSA",name="dns\.isp\.example",source="files"\} 3\.15\d*e\+07$`)
	if _, text := s.page(s.metrics); !expiry.MatchString(text) {
		t.Errorf("the metrics have no line %s", expiry)
	}
	ca.Issue(t, tlsconftest.Year(), "dns.isp.example", "127.0.0.1").Write(t, filepath.Join(s.process.Dir, "tls"))
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); get("/readyz").TLS.PeerCertificates[0].Equal(first); tickOrFail(t) {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not presented")
		}
	}
	s.stop()
	if strings.Contains(s.stderr.String(), "handshake") {
		t.Errorf("a stranger's handshake is in the log: %s", s.stderr)
	}
}

// TestAClientFindsTheDoors does what RFC 9462 has a client do: it asks the plain resolver,
// takes a door, verifies the plain resolver's address in its certificate, and asks there.
func TestAClientFindsTheDoors(t *testing.T) {
	t.Parallel()
	s, ca, _ := discoverable(t)
	plain, _, _ := net.SplitHostPort(s.dns)
	reply, err := s.exchange("127.0.0.1", new(dns.Msg).SetQuestion("_dns.resolver.arpa.", dns.TypeSVCB))
	if err != nil {
		t.Fatal(err)
	}
	question, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]exchanging{
		"dot": dot.NewClient(dot.ClientConfig{Roots: ca.Pool}), "doq": doq.NewClient(doq.ClientConfig{Roots: ca.Pool}),
		"h2": doh.NewClient(doh.ClientConfig{Roots: ca.Pool}),
	}
	clients["h3"] = clients["h2"]
	over := map[string]resolver.Transport{"dot": resolver.OverTLS, "doq": resolver.OverQUIC, "h2": resolver.OverHTTPS, "h3": resolver.OverHTTP3}
	used := 0
	for _, record := range reply.Answer {
		door := doorOf(record.(*dns.SVCB))
		if door.protocols[0] != "doq" {
			checkCertified(t, door, ca, plain)
		}
		for _, protocol := range door.protocols {
			server := resolver.Server{Addr: netip.MustParseAddrPort(door.address), Transport: over[protocol], Name: door.name, Path: strings.TrimSuffix(door.path, "{?dns}")}
			octets, err := clients[protocol].Exchange(t.Context(), server, question, func([]byte) bool { return true })
			answer := new(dns.Msg)
			if err == nil {
				err = answer.Unpack(octets)
			}
			if err != nil || answer.Rcode != dns.RcodeSuccess || len(answer.Answer) == 0 {
				t.Errorf("%s: %v, %v", server, answer, err)
			}
			used++
		}
	}
	if used != len(over) {
		t.Errorf("%d ways in were used", used)
	}
	for _, protocol := range []string{"dot", "doq", "h2"} {
		if err := clients[protocol].Close(); err != nil {
			t.Error(err)
		}
	}
	s.stop()
}

// checkCertified: the door's certificate is good for its name, and for the address of the
// plain resolver that told of it.
func checkCertified(t *testing.T, door foundDoor, ca *tlsconftest.Authority, plain string) {
	t.Helper()
	conn, err := tls.Dial("tcp", door.address, &tls.Config{ServerName: door.name, NextProtos: door.protocols, RootCAs: ca.Pool})
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	if err := conn.ConnectionState().PeerCertificates[0].VerifyHostname(plain); err != nil {
		t.Error(err)
	}
}

// foundDoor is a door as a record tells of it.
type foundDoor struct {
	name, address, path string
	protocols           []string
}

func doorOf(record *dns.SVCB) foundDoor {
	found := foundDoor{name: strings.TrimSuffix(record.Target, ".")}
	var host, port string
	for _, value := range record.Value {
		switch value := value.(type) {
		case *dns.SVCBAlpn:
			found.protocols = value.Alpn
		case *dns.SVCBPort:
			port = value.String()
		case *dns.SVCBIPv4Hint:
			host = value.Hint[0].String()
		case *dns.SVCBDoHPath:
			found.path = value.Template
		}
	}
	found.address = net.JoinHostPort(host, port)
	return found
}
