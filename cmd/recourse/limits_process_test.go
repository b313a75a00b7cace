package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/cookie"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

const limitsConfiguration = `
operator: {name: Limits, contact: "mailto:test@example.net"}
listen:
  do53: ["127.0.0.1:0"]
  metrics: ["127.0.0.1:0"]
  nsid: ams1.dns.example.net
  slip: 1
  KEYS
state: ./state
clients:
  - match: {networks: ["127.0.0.0/25"]}
  - {match: {networks: ["127.0.1.0/24"]}, shared: true}
`

// limitsServer runs with further keys of listen; what files have as the configuration is
// added at its end.
func limitsServer(t *testing.T, keys string, files map[string]string) *server {
	if files == nil {
		files = map[string]string{}
	}
	files["recourse.yaml"] = strings.Replace(limitsConfiguration, "KEYS", keys, 1) + files["recourse.yaml"]
	return start(t, write(t, files), "--lab", "--config", "recourse.yaml")
}

// door is the address of a door as the welcome tells it.
func (s *server) door(mark string) string {
	s.t.Helper()
	for line := range strings.Lines(s.printed) {
		if strings.Contains(line, mark) {
			return strings.Fields(line)[1]
		}
	}
	s.t.Fatalf("no door is %s:\n%s", mark, s.printed)
	return ""
}

// withCookie is a question with a cookie of these octets.
func withCookie(octets string) *dns.Msg {
	message := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	message.SetEdns0(1232, false)
	message.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString([]byte(octets))}}
	return message
}

// cookieOf is the cookie of a reply, "" for none.
func cookieOf(t *testing.T, reply *dns.Msg) string {
	t.Helper()
	for _, option := range reply.IsEdns0().Option {
		if given, ok := option.(*dns.EDNS0_COOKIE); ok {
			octets, err := hex.DecodeString(given.Cookie)
			if err != nil {
				t.Fatal(err)
			}
			return string(octets)
		}
	}
	return ""
}

// outcomes asks so many times and counts how it went.
func (s *server) outcomes(from, network string, message *dns.Msg, queries int) map[string]int {
	s.t.Helper()
	client := dns.Client{Net: network, Timeout: 10 * time.Second, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}}
	if network == "tcp" {
		client.Dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := client.Dial(s.dns)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	seen := map[string]int{}
	for range queries {
		reply, _, err := client.ExchangeWithConn(message, conn)
		switch {
		case err != nil:
			s.t.Fatal(err)
		case reply.Truncated:
			seen["TC"]++
		default:
			seen[dns.RcodeToString[reply.Rcode]]++
		}
	}
	return seen
}

// TestRateLimitThroughTheBinary: over the limit UDP is sent to TCP or given a cookie; who
// has proved its address is told why; an address of many homes may do more.
func TestRateLimitThroughTheBinary(t *testing.T) {
	s := limitsServer(t, "rate_limit: {per_client: 1, burst: 30}", nil)
	plain := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	plain.SetEdns0(1232, false)
	about := func(got map[string]int, answered int, other string) bool { // a second may pass meanwhile, on a busy machine some
		return got["NOERROR"] >= answered && got["NOERROR"] < answered+60 && got["NOERROR"]+got[other] == 200
	}
	if got := s.outcomes("127.0.0.1", "udp", plain, 200); !about(got, 30, "TC") {
		t.Errorf("over UDP: %v", got)
	}
	if got := s.outcomes("127.0.0.1", "udp", withCookie("clientAB"), 200); got["BADCOOKIE"] < 140 {
		t.Errorf("with a client's cookie: %v", got)
	}
	reply, err := s.exchange("127.0.0.1", withCookie("clientAB"))
	if err != nil {
		t.Fatal(err)
	}
	whole := cookieOf(t, reply)
	if got := s.outcomes("127.0.0.1", "udp", withCookie(whole), 200); !about(got, 30, "REFUSED") {
		t.Errorf("with a whole cookie: %v", got)
	}
	if got := s.outcomes("127.0.0.2", "tcp", plain, 200); !about(got, 30, "REFUSED") {
		t.Errorf("over TCP: %v", got)
	}
	if got := s.outcomes("127.0.1.1", "udp", plain, 200); got["NOERROR"] != 200 {
		t.Errorf("an address of many homes: %v", got)
	}
	if _, text := s.page(s.metrics); !strings.Contains(text, `recourse_queries_total{door="udp",outcome="limited"}`) || !strings.Contains(text, `recourse_connections_refused_total{reason="per_client"} 0`) {
		t.Error("the metrics do not tell")
	}
}

// TestStrangersThroughTheBinary: who is not admitted is told so, over UDP and TCP.
func TestStrangersThroughTheBinary(t *testing.T) {
	s := limitsServer(t, "rate_limit: {}", nil)
	plain := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	plain.SetEdns0(1232, false)
	for _, network := range []string{"udp", "tcp"} {
		if got := s.outcomes("127.0.0.200", network, plain, 3); got["REFUSED"] != 3 {
			t.Errorf("over %s: %v", network, got)
		}
	}
	if reply := s.ask("127.0.0.200", "www.signed.example", dns.TypeA); len(extended(reply)) != 1 || extended(reply)[0].InfoCode != dns.ExtendedErrorCodeProhibited {
		t.Errorf("%v", reply)
	}
}

// TestCookiesOfAFleet: servers with one secret take each other's cookies, also while the
// secret is changed; a server on its own keeps its secret over a restart.
func TestCookiesOfAFleet(t *testing.T) {
	t.Parallel()
	const first, second = "00112233445566778899aabbccddeeff\n", "ffeeddccbbaa99887766554433221100\n"
	s := limitsServer(t, "cookie_secret_file: fleet.secret", map[string]string{"fleet.secret": first})
	made := func(secret string) string {
		secrets, err := cookie.ParseSecrets([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return string(cookie.NewKeys(secrets).Append(nil, []byte("clientAB"), netip.MustParseAddr("127.0.0.1"), time.Now()))
	}
	kept := func(brought string) bool {
		reply, err := s.exchange("127.0.0.1", withCookie(brought))
		if err != nil {
			t.Fatal(err)
		}
		return cookieOf(t, reply) == brought
	}
	if !kept(made(first)) || kept(made(second)) {
		t.Error("another server's cookie is not taken, or anybody's is")
	}
	secret := filepath.Join(s.process.Dir, "fleet.secret")
	if err := os.WriteFile(secret, []byte("# next\n"+second+first), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !kept(made(second)); {
		if time.Now().After(deadline) {
			t.Fatalf("the new secret is not in force:\n%s", s.stderr)
		}
	}
	if kept(made(first)) { // it still proves the address, and is renewed
		t.Error("the old secret still makes cookies")
	}
	if err := os.WriteFile(secret, []byte("spoilt\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.stderr.String(), "the old one keeps running"); {
		if time.Now().After(deadline) {
			t.Fatalf("nobody says that the secret is spoilt:\n%s", s.stderr)
		}
		if !kept(made(second)) {
			t.Fatal("a spoilt file took the secret away")
		}
	}
	s.stop()
}

func TestCookieSecretOutlivesARestart(t *testing.T) {
	t.Parallel()
	s := limitsServer(t, "rate_limit: {}", nil)
	reply, err := s.exchange("127.0.0.1", withCookie("clientAB"))
	if err != nil {
		t.Fatal(err)
	}
	brought := cookieOf(t, reply)
	s.stop()
	about, err := os.Stat(filepath.Join(s.process.Dir, "state", cookieFile))
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("the secret: %v, %v", about, err)
	}
	again := start(t, s.process.Dir, "--lab", "--config", "recourse.yaml")
	if reply, err = again.exchange("127.0.0.1", withCookie(brought)); err != nil || cookieOf(t, reply) != brought {
		t.Errorf("after a restart: %v, %v", reply, err)
	}
}

// TestOtherClientsUnderstandOptions asks with what people have.
func TestOtherClientsUnderstandOptions(t *testing.T) {
	s := limitsServer(t, "rate_limit: {}", nil)
	host, port, err := net.SplitHostPort(s.dns)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tool string
		args []string
		want []string
		not  string
	}{
		{"kdig", []string{"+nsid"}, []string{`"ams1.dns.example.net"`}, ""},
		{"kdig", []string{"+cookie=0011223344556677"}, []string{"COOKIE: 001122334455667701000000"}, ""},
		{"kdig", []string{"+padding"}, nil, "PADDING"}, // in clear text it hides nothing
		{"kdig", []string{"+edns=1"}, []string{"status: BADVERS"}, ""},
		{"kdig", []string{"+tcp", "+ednsopt=11"}, []string{"Option (11)"}, ""},
		{"dig", []string{"+nsid", "+norec"}, []string{`("ams1.dns.example.net")`}, ""},
		{"dig", []string{"+cookie"}, []string{"(good)"}, ""},
		{"dig", []string{"+cookie=00112233445566770100000000000000ffffffffffffffff"}, []string{"(good)", "status: NOERROR"}, ""},
		{"dig", []string{"+subnet=192.0.2.0/24"}, nil, "CLIENT-SUBNET"},
		{"dig", []string{"+opcode=update"}, []string{"status: NOTIMP"}, ""},
		{"dig", []string{"+keepalive", "+tcp"}, []string{"TCP KEEPALIVE: 10.0 secs"}, ""},
		{"dig", []string{"+noedns"}, nil, "EDNS: version"},
		{"dig", []string{"CH", "TXT", "version.bind"}, []string{"status: REFUSED"}, ""},
	} {
		path, err := exec.LookPath(test.tool)
		if err != nil {
			t.Skipf("%s is not installed: what it understands is not tried", test.tool)
		}
		output, err := exec.CommandContext(t.Context(), path, append([]string{"@" + host, "-p", port, "www.signed.example"}, test.args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%s %v: %v\n%s", test.tool, test.args, err, output)
		}
		for _, want := range test.want {
			if !strings.Contains(string(output), want) {
				t.Errorf("%s %v: no %q in\n%s", test.tool, test.args, want, output)
			}
		}
		if test.not != "" && strings.Contains(string(output), test.not) {
			t.Errorf("%s %v: %q in\n%s", test.tool, test.args, test.not, output)
		}
	}
}

// TestPaddingOverTLS: what is padded is padded back, to whole blocks, and only then.
func TestPaddingOverTLS(t *testing.T) {
	pair := tlsconftest.New(t).Issue(t, tlsconftest.Year(), "127.0.0.1").Write(t, t.TempDir())
	s := limitsServer(t, `dot: ["127.0.0.1:0"]`, map[string]string{"recourse.yaml": fmt.Sprintf("tls: {certificate: %s, key: %s}\n", pair.Certificate, pair.Key)})
	_, port, err := net.SplitHostPort(s.door("(TLS)"))
	if err != nil {
		t.Fatal(err)
	}
	kdig, err := exec.LookPath("kdig")
	if err != nil {
		t.Skip("kdig is not installed: padding is not tried")
	}
	for padding, want := range map[string][]string{"+padding": {"PADDING", "Received 468 B"}, "+nopadding": {"Received 63 B"}} {
		output, err := exec.CommandContext(t.Context(), kdig, "@127.0.0.1", "-p", port, "+tls", padding, "+edns", "www.signed.example").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		for _, want := range want {
			if !strings.Contains(string(output), want) {
				t.Errorf("%s: no %q in\n%s", padding, want, output)
			}
		}
	}
}
