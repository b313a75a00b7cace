package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go/http3"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/recurse"
	"github.com/recourse-dns/recourse/transports/doh"
	"github.com/recourse-dns/recourse/transports/doq"
	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

// exchanging is a client of a server.
type exchanging interface {
	recurse.Exchanger
	io.Closer
}

// overQUIC is a server over QUIC and HTTP/3, and who trusts it.
type overQUIC struct {
	*encrypted
	quic, https netip.AddrPort
	roots       *x509.CertPool
}

func startOverQUIC(t *testing.T) *overQUIC {
	t.Helper()
	settings := strings.Replace(overHTTPS, "listen: {", `listen: {doq: ["127.0.0.1:0"], `, 1)
	directory := write(t, map[string]string{"recourse.yaml": settings, "list.txt": "www.phish.example\n"})
	ca := tlsconftest.New(t)
	ca.Issue(t, tlsconftest.Year(), "dns.isp.example", "127.0.0.1").Write(t, filepath.Join(directory, "tls"))
	trusted := filepath.Join(directory, "ca.pem")
	if err := os.WriteFile(trusted, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &overQUIC{encrypted: &encrypted{start(t, directory, "--lab", "--config", "recourse.yaml"), "", trusted}, roots: x509.NewCertPool()}
	o.roots.AppendCertsFromPEM(ca.PEM())
	o.quic = o.printedAddress(t, `DNS +(\S+) \(QUIC\)`)
	o.https = o.printedAddress(t, `DNS +https://(\S+)/dns-query \(HTTP/2 and HTTP/3\)`)
	return o
}

func (o *overQUIC) printedAddress(t *testing.T, pattern string) netip.AddrPort {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(o.printed)
	if found == nil {
		t.Fatalf("nothing is like %s:\n%s", pattern, o.printed)
	}
	return netip.MustParseAddrPort(found[1])
}

func TestProgramsAskOverQUIC(t *testing.T) {
	t.Parallel()
	o := startOverQUIC(t)
	args := []string{"@127.0.0.1", "-p", portOf(t, o.quic.String()), "+tls-ca=" + o.trusted, "+tls-hostname=dns.isp.example", "+quic", "+dnssec", "www.signed.example", "A"}
	if said, ok := o.run(t, "kdig", args...); ok && (!strings.Contains(said, "status: NOERROR") || !strings.Contains(said, "RRSIG") || !strings.Contains(said, "QUICv1")) {
		t.Errorf("kdig: %s", said)
	}
	question := new(dns.Msg).SetQuestion("www.phish.example.", dns.TypeTXT)
	question.SetEdns0(1232, false)
	packet, err := question.Pack()
	if err != nil {
		t.Fatal(err)
	}
	overStreams, overHTTP := doq.NewClient(doq.ClientConfig{Roots: o.roots}), doh.NewClient(doh.ClientConfig{Roots: o.roots})
	for server, client := range map[resolver.Server]exchanging{
		{Addr: o.quic, Transport: resolver.OverQUIC, Name: "dns.isp.example"}:                   overStreams,
		{Addr: o.https, Transport: resolver.OverHTTP3, Name: "dns.isp.example", Path: doh.Path}: overHTTP,
	} {
		reply, err := client.Exchange(t.Context(), server, packet, func([]byte) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		message := new(dns.Msg)
		if err := message.Unpack(reply); err != nil {
			t.Fatal(err)
		}
		if message.Id != question.Id || !isExplained(message, resolver.Blocked) || server.Transport == resolver.OverQUIC && len(reply)%468 != 0 {
			t.Errorf("%s: %d octets, %v", server, len(reply), message)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, series := range []string{`recourse_queries_total{door="doq",outcome="blocked"}`, `recourse_queries_total{door="doh3",outcome="blocked"}`} {
		if figure := o.counted(t, series); figure != 1 {
			t.Errorf("%s is %v", series, figure)
		}
	}
	o.stop()
}

func isExplained(message *dns.Msg, code uint16) bool {
	options := message.IsEdns0()
	if options == nil {
		return false
	}
	for _, option := range options.Option {
		if explained, is := option.(*dns.EDNS0_EDE); is && explained.InfoCode == code {
			return true
		}
	}
	return false
}

// TestHTTP2TellsOfHTTP3, which is where it says.
func TestHTTP2TellsOfHTTP3(t *testing.T) {
	t.Parallel()
	o := startOverQUIC(t)
	packet, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	target := "https://" + o.https.String() + doh.Path + "?dns=" + base64.RawURLEncoding.EncodeToString(packet)
	second := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: o.roots}, ForceAttemptHTTP2: true}}
	incoming, err := second.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	incoming.Body.Close()
	second.CloseIdleConnections()
	if want := `h3=":` + portOf(t, o.https.String()) + `"; ma=86400`; incoming.ProtoMajor != 2 || incoming.Header.Get("Alt-Svc") != want {
		t.Errorf("HTTP/%d says %q, want %q", incoming.ProtoMajor, incoming.Header.Get("Alt-Svc"), want)
	}
	transport := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: o.roots}}
	defer transport.Close()
	third := &http.Client{Transport: transport}
	for path, want := range map[string]int{target: http.StatusOK, "https://" + o.https.String() + "/": http.StatusNotFound} {
		incoming, err := third.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, incoming.Body); err != nil {
			t.Error(err)
		}
		if incoming.StatusCode != want || incoming.ProtoMajor != 3 {
			t.Errorf("%s: %s %s", path, incoming.Proto, incoming.Status)
		}
	}
	o.stop()
}
