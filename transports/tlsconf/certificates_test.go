package tlsconf_test

import (
	"crypto/tls"
	"crypto/x509"

	"log/slog"

	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/transports/tlsconf"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t testing.TB, config tlsconf.Config) *tlsconf.Certificates {
	t.Helper()
	if config.State == "" {
		config.State = t.TempDir()
	}
	made, err := tlsconf.New(config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// shake completes a handshake over a socket on loopback and gives the client's side of it.
func shake(t testing.TB, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		secure := tls.Server(conn, server)
		if secure.Handshake() == nil {
			secure.Write([]byte{1}) // TLS 1.3 clients read their tickets with the data
		}
	}()
	defer func() { <-done }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	secure := tls.Client(conn, client)
	if err := secure.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	if _, err := secure.Read(make([]byte, 1)); err != nil {
		return tls.ConnectionState{}, err
	}
	return secure.ConnectionState(), nil
}

// leafOf is the certificate that a client with this server name is shown.
func leafOf(t testing.TB, server *tls.Config, name string) *x509.Certificate {
	t.Helper()
	state, err := shake(t, server, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return state.PeerCertificates[0]
}

func TestTheServerNameChooses(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	var pairs []tlsconf.Pair
	for i, subjects := range [][]string{{"dns.example.net", "dns2.example.net"}, {"*.home.example"}, {"kids.home.example"}, {"by-address.example", "127.0.0.1"}} {
		pairs = append(pairs, ca.Issue(t, tlsconftest.Year(), subjects...).Write(t, filepath.Join(dir, string(rune('a'+i)))))
	}
	certificates := open(t, tlsconf.Config{Pairs: pairs})
	server := certificates.Server("dot")
	for name, want := range map[string]string{
		"dns.example.net":    "dns.example.net",
		"DNS2.example.net":   "dns.example.net",
		"kids.home.example":  "kids.home.example",
		"guest.home.example": "*.home.example",
		"a.b.home.example":   "dns.example.net", // a wildcard is one label
		"home.example":       "dns.example.net",
		"unknown.example":    "dns.example.net",
		"":                   "by-address.example", // the address that the client came to
	} {
		if got := leafOf(t, server, name).DNSNames[0]; got != want {
			t.Errorf("a client that wants %q got %q, want %q", name, got, want)
		}
	}
	if got, want := strings.Join(certificates.Names(), " "), "dns.example.net dns2.example.net *.home.example kids.home.example by-address.example"; got != want {
		t.Errorf("names are %s", got)
	}
}

func TestTheKindOfKeyFollowsTheClient(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	server := open(t, tlsconf.Config{Pairs: []tlsconf.Pair{
		ca.Issue(t, tlsconftest.Year(), "dns.example.net").Write(t, filepath.Join(dir, "ecdsa")),
		ca.IssueRSA(t, "dns.example.net").Write(t, filepath.Join(dir, "rsa")),
	}}).Server("dot")
	for suite, want := range map[uint16]x509.PublicKeyAlgorithm{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:   x509.RSA,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: x509.ECDSA,
	} {
		state, err := shake(t, server, &tls.Config{ServerName: "dns.example.net", RootCAs: ca.Pool, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
		if err != nil {
			t.Fatal(err)
		}
		if got := state.PeerCertificates[0].PublicKeyAlgorithm; got != want {
			t.Errorf("%s: the key is %s", tls.CipherSuiteName(suite), got)
		}
	}
}

func TestVersionsAndSuites(t *testing.T) {
	ca := tlsconftest.New(t)
	server := open(t, tlsconf.Config{Pairs: []tlsconf.Pair{ca.IssueRSA(t, "dns.example.net").Write(t, t.TempDir())}}).Server("dot")
	client := func(change func(*tls.Config)) *tls.Config {
		config := &tls.Config{ServerName: "dns.example.net", RootCAs: ca.Pool, NextProtos: []string{"dot"}}
		change(config)
		return config
	}
	state, err := shake(t, server, client(func(*tls.Config) {}))
	if err != nil || state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "dot" {
		t.Errorf("by default: %+v, %v", state.Version, err)
	}
	if state, err = shake(t, server, client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })); err != nil || state.Version != tls.VersionTLS12 {
		t.Errorf("TLS 1.2: %v", err)
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"CBC": func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}
		},
		"no forward secrecy": func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		},
		"another door's client": func(c *tls.Config) { c.NextProtos = []string{"h2"} },
	} {
		if _, err := shake(t, server, client(change)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestSelfSigned(t *testing.T) {
	config := tlsconf.Config{State: t.TempDir(), Names: []string{"dns.home.arpa", "localhost"}, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}}
	first := leafOf(t, open(t, config).Server("dot"), "")
	for _, subject := range []string{"dns.home.arpa", "localhost", "127.0.0.1", "::1"} {
		if err := first.VerifyHostname(subject); err != nil {
			t.Error(err)
		}
	}
	if left := time.Until(first.NotAfter); left < 364*24*time.Hour || left > 366*24*time.Hour || first.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("it holds for %s, with %s", left, first.PublicKeyAlgorithm)
	}
	if about, err := os.Stat(filepath.Join(config.State, tlsconf.SelfSignedFile)); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", about, err)
	}
	if again := leafOf(t, open(t, config).Server("dot"), ""); !again.Equal(first) {
		t.Error("a restart made another certificate")
	}
	config.Names = append(config.Names, "dns.example.net")
	more := leafOf(t, open(t, config).Server("dot"), "")
	if err := more.VerifyHostname("dns.example.net"); err != nil {
		t.Error(err)
	}
	if tlsconf.Pin(more) != tlsconf.Pin(first) {
		t.Error("another name made another key")
	}
	pool := x509.NewCertPool()
	pool.AddCert(more)
	if _, err := shake(t, open(t, config).Server("dot"), &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}); err != nil {
		t.Errorf("a client that trusts it: %v", err)
	}
}

func TestSelfSignedSaysWhatIsWrong(t *testing.T) {
	config := tlsconf.Config{State: t.TempDir()}
	if err := os.WriteFile(filepath.Join(config.State, tlsconf.SelfSignedFile), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tlsconf.New(config, quiet()); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("a damaged file: %v", err)
	}
	config.State = filepath.Join(config.State, "absent")
	if _, err := tlsconf.New(config, quiet()); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("no state directory: %v", err)
	}
}

// TestTicketsAreGoodAtEveryDoor: a client comes back by another listener of ours.
func TestTicketsAreGoodAtEveryDoor(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		certificates := open(t, tlsconf.Config{Names: []string{"localhost"}})
		client := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1), MaxVersion: version}
		var resumed []bool
		for _, protocol := range []string{"dot", "h2"} {
			state, err := shake(t, certificates.Server(protocol).Clone(), client)
			if err != nil {
				t.Fatal(err)
			}
			resumed = append(resumed, state.DidResume)
		}
		if !slices.Equal(resumed, []bool{false, true}) {
			t.Errorf("%s: resumed %v", tls.VersionName(version), resumed)
		}
		state, err := shake(t, open(t, tlsconf.Config{Names: []string{"localhost"}}).Server("dot"), client)
		if err != nil || state.DidResume {
			t.Errorf("%s: another server's ticket: resumed %t, %v", tls.VersionName(version), state.DidResume, err)
		}
	}
}

// TestChoosingAllocatesNothing, and so takes nothing from whoever is under load.
func TestChoosingAllocatesNothing(t *testing.T) {
	ca, dir := tlsconftest.New(t), t.TempDir()
	choose := open(t, tlsconf.Config{Pairs: []tlsconf.Pair{
		ca.Issue(t, tlsconftest.Year(), "dns.example.net", "127.0.0.1").Write(t, filepath.Join(dir, "a")),
		ca.Issue(t, tlsconftest.Year(), "*.home.example").Write(t, filepath.Join(dir, "b")),
	}}).Server("dot").GetCertificate
	for _, name := range []string{"dns.example.net", "kids.home.example", "unknown.example", ""} {
		hello := &tls.ClientHelloInfo{ServerName: name}
		if allocs := testing.AllocsPerRun(100, func() {
			if _, err := choose(hello); err != nil {
				t.Fatal(err)
			}
		}); allocs != 0 {
			t.Errorf("%q: %v allocations", name, allocs)
		}
	}
}
