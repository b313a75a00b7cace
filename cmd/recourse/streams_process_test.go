package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

const streamsConfiguration = `
operator: {name: Example Net, contact: "mailto:redress@example.net", portal: "http://127.0.0.1:8080", languages: [en]}
listen: {do53: ["127.0.0.1:0"], dot: ["127.0.0.1:0"], metrics: ["127.0.0.1:0"]}
tls: {certificate: fullchain.pem, key: privkey.pem}
state: ./state
resolver: {mode: recurse, dnssec: validate}
clients: [{match: {networks: ["127.0.0.0/8"]}, jurisdiction: IT}]
blocklists:
  - {id: one, purpose: security, category: phishing, title: {en: One}, publisher: {name: P}, source: {file: one.txt}, format: domains, scope: subtree, review_every: 90d}
  - {id: two, purpose: security, category: malware, title: {en: Two}, publisher: {name: P}, source: {file: one.txt}, format: domains, scope: subtree, review_every: 90d}
  - {id: three, purpose: security, category: scam, title: {en: Three}, publisher: {name: P}, source: {file: one.txt}, format: domains, scope: subtree, review_every: 90d}
`

// streams is a server with both doors of connections.
type streams struct {
	*server
	directory string
	tls       string
	authority *tlsconftest.Authority
}

func startStreams(t *testing.T) *streams {
	t.Helper()
	directory := write(t, map[string]string{"recourse.yaml": streamsConfiguration, "one.txt": "blocked.example\n"})
	s := &streams{directory: directory, authority: tlsconftest.New(t)}
	s.present(t)
	s.server = start(t, directory, "--config", "recourse.yaml", "--lab")
	found := regexp.MustCompile(`DNS +(\S+) \(TLS\)`).FindStringSubmatch(s.printed)
	if found == nil {
		t.Fatalf("no word of the door of TLS:\n%s", s.printed)
	}
	s.tls = found[1]
	return s
}

// present puts a new certificate in place, as those who renew them do.
func (s *streams) present(t *testing.T) {
	t.Helper()
	made := t.TempDir()
	pair := s.authority.Issue(t, tlsconftest.Year(), "dns.example.net", "127.0.0.1").Write(t, made)
	for from, to := range map[string]string{pair.Certificate: "fullchain.pem", pair.Key: "privkey.pem"} {
		if err := os.Rename(from, filepath.Join(s.directory, to)); err != nil {
			t.Fatal(err)
		}
	}
}

func outputOf(t *testing.T, name, pkg string, args ...string) string {
	t.Helper()
	out, err := exec.Command(installed(t, name, pkg), args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestStreamsServeRealClients: kdig, dig and dnsperf, over TCP and TLS, with what they have
// for connections.
func TestStreamsServeRealClients(t *testing.T) {
	s := startStreams(t)
	host, plain, _ := net.SplitHostPort(s.dns)
	_, secure, _ := net.SplitHostPort(s.tls)
	ca := filepath.Join(s.directory, "ca.pem")
	if err := os.WriteFile(ca, s.authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, pkg string
		args      []string
		answers   int
	}{
		{"kdig", "knot-dnsutils", []string{"+tcp", "-p", plain}, 1},
		{"kdig", "knot-dnsutils", []string{"+tcp", "+keepopen", "-p", plain}, 3},
		{"kdig", "knot-dnsutils", []string{"+tls", "-p", secure}, 1},
		{"kdig", "knot-dnsutils", []string{"+tls", "+keepopen", "+padding", "-p", secure}, 3},
		{"kdig", "knot-dnsutils", []string{"+tls-ca=" + ca, "+tls-hostname=dns.example.net", "-p", secure}, 1},
		{"dig", "bind9-dnsutils", []string{"+tcp", "+keepalive", "-p", plain}, 1},
		{"dig", "bind9-dnsutils", []string{"+tcp", "+keepopen", "-p", plain}, 2},
		{"dig", "bind9-dnsutils", []string{"+tls", "-p", secure}, 1},
		{"dig", "bind9-dnsutils", []string{"+tls-ca=" + ca, "+tls-hostname=dns.example.net", "-p", secure}, 1},
	} {
		t.Run(test.name+" "+strings.Join(test.args, " "), func(t *testing.T) {
			out := outputOf(t, test.name, test.pkg, slices.Concat(test.args, []string{"@" + host}, slices.Repeat([]string{"www.signed.example"}, test.answers))...)
			if got := strings.Count(out, "192.0.2.10"); got != test.answers {
				t.Errorf("%d answers:\n%s", got, out)
			}
		})
	}
	questions := filepath.Join(s.directory, "questions")
	if err := os.WriteFile(questions, []byte("www.signed.example A\nblocked.example A\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, port := range map[string]string{"tcp": plain, "tls": secure} {
		t.Run("dnsperf "+mode, func(t *testing.T) {
			out := outputOf(t, "dnsperf", "dnsperf", "-m", mode, "-s", host, "-p", port, "-d", questions, "-n", "5000", "-c", "10", "-e", "-D")
			if !strings.Contains(out, "Queries completed:    10000 (100.00%)") || !strings.Contains(out, "NXDOMAIN 5000") {
				t.Error(out)
			}
		})
	}
	s.stop()
}

// TestRenegotiation: who wants another handshake within TLS 1.2 is told no, in order.
func TestRenegotiation(t *testing.T) {
	s := startStreams(t)
	client := exec.Command(installed(t, "openssl", "openssl"), "s_client", "-tls1_2", "-connect", s.tls)
	client.Stdin = strings.NewReader("R\n")
	out, _ := client.CombinedOutput() // it fails, and says why
	if !strings.Contains(string(out), "RENEGOTIATING") || !strings.Contains(string(out), "alert unexpected message") {
		t.Errorf("%s", out)
	}
	if err := s.connect(t, true, 1).ask(1); err != nil {
		t.Error(err)
	}
	s.stop()
}

// streamClient is one connection that asks one question over and over.
type streamClient struct {
	net.Conn
	queries []byte
	size    int // of all replies
}

// connect opens a connection and asks once; several questions will go together.
func (s *streams) connect(t *testing.T, secure bool, together int) *streamClient {
	t.Helper()
	conn, err := net.Dial("tcp", s.dns)
	if secure {
		conn, err = tls.Dial("tcp", s.tls, &tls.Config{RootCAs: s.authority.Pool, ServerName: "dns.example.net"})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	message := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	message.SetEdns0(1232, false)
	query, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	one := append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	if _, err := conn.Write(one); err != nil {
		t.Fatal(err)
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		t.Fatal(err)
	}
	size := int(binary.BigEndian.Uint16(length[:]))
	if _, err := io.CopyN(io.Discard, conn, int64(size)); err != nil {
		t.Fatal(err)
	}
	return &streamClient{conn, bytes.Repeat(one, together), (2 + size) * together}
}

func (c *streamClient) ask(times int) error {
	buffer := make([]byte, c.size)
	for range times {
		if _, err := c.Write(c.queries); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, buffer); err != nil {
			return err
		}
	}
	return nil
}

// TestCachedAnswersOverStreamsAllocateNothing: in the whole process, policy, lists and
// metrics included, as the process itself counts.
func TestCachedAnswersOverStreamsAllocateNothing(t *testing.T) {
	s := startStreams(t)
	for _, secure := range []bool{false, true} {
		for _, together := range []int{1, 50} {
			client := s.connect(t, secure, together)
			if err := client.ask(100); err != nil { // until buffers have their sizes
				t.Fatal(err)
			}
			const times = 10_000
			before := s.metric("go_memstats_mallocs_total")
			if err := client.ask(times); err != nil {
				t.Fatal(err)
			}
			// What the metrics cost, and what goes on beside, is some thousands in all.
			if each := (s.metric("go_memstats_mallocs_total") - before) / times; each >= 0.9 {
				t.Errorf("encrypted %t: %d queries together allocate %.2f times", secure, together, each)
			}
		}
	}
	s.stop()
}

// metric reads one number.
func (s *streams) metric(name string) float64 {
	s.t.Helper()
	reply, err := http.Get(s.metrics)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == name {
			value, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return value
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}

// TestCertificatesAreReplacedUnderLoad: connections that are open go on, new ones get the
// new certificate, and nobody sees an error.
func TestCertificatesAreReplacedUnderLoad(t *testing.T) {
	s := startStreams(t)
	serial := func() string {
		conn, err := tls.Dial("tcp", s.tls, &tls.Config{RootCAs: s.authority.Pool, ServerName: "dns.example.net"})
		if err != nil {
			t.Error(err)
			return ""
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	var group sync.WaitGroup
	var done atomic.Bool
	for range 3 {
		client := s.connect(t, true, 20)
		group.Go(func() {
			for !done.Load() {
				if err := client.ask(10); err != nil {
					t.Errorf("a connection from before: %v", err)
					return
				}
			}
		})
	}
	s.present(t)
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(30 * time.Second); serial() == first; {
		if time.Now().After(limit) {
			t.Fatal("the new certificate is not presented")
		}
	}
	done.Store(true)
	group.Wait()
	if failed := s.metric(`recourse_handshakes_total{door="dot",outcome="failed"}`); failed != 0 {
		t.Errorf("%v handshakes failed", failed)
	}
	s.stop()
}
