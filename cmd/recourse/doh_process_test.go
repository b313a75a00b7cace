package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/transports/tlsconf/tlsconftest"
)

// overHTTPS is a configuration without any plain door. The name of its list is answered with
// the address of the pages.
const overHTTPS = `
operator: {name: Example, contact: "mailto:a@example.net", portal: "http://127.0.0.1:8080"}
listen: {doh: ["127.0.0.1:0"], web: ["127.0.0.1:0"], metrics: ["127.0.0.1:0"]}
tls: {certificate: tls/cert.pem, key: tls/key.pem}
state: ./state
resolver:
  mode: recurse
  zones: [{zone: www.phish.example, records: ["www.phish.example. A 127.0.0.1"], list: phishing}]
blocklists:
  - id: phishing
    purpose: security
    category: phishing
    title: {en: Phishing}
    publisher: {name: Example CERT, contact: "mailto:fp@cert.example"}
    source: {file: list.txt}
    format: domains
    scope: exact
    review_every: 90d
clients: [{match: {networks: ["127.0.0.0/8"]}}]
`

// encrypted is a server over HTTPS alone, and who trusts it.
type encrypted struct {
	*server
	address string
	trusted string // file
}

func startOverHTTPS(t *testing.T) *encrypted {
	t.Helper()
	directory := write(t, map[string]string{"recourse.yaml": overHTTPS, "list.txt": "www.phish.example\n"})
	ca := tlsconftest.New(t)
	ca.Issue(t, tlsconftest.Year(), "dns.isp.example", "127.0.0.1").Write(t, filepath.Join(directory, "tls"))
	trusted := filepath.Join(directory, "ca.pem")
	if err := os.WriteFile(trusted, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, directory, "--lab", "--config", "recourse.yaml")
	address, found := strings.CutPrefix(s.dns, "https://")
	if !found {
		t.Fatalf("the door is %q:\n%s", s.dns, s.printed)
	}
	address, _, _ = strings.Cut(address, "/")
	return &encrypted{s, address, trusted}
}

// run runs a client program, if it is there, and gives what it said.
func (e *encrypted) run(t *testing.T, name string, args ...string) (string, bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Logf("%s is not installed: what it makes of the door was left out", name)
		return "", false
	}
	said, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, said, e.stderr)
	}
	return string(said), true
}

// TestProgramsAskOverHTTPS: each in its own way.
func TestProgramsAskOverHTTPS(t *testing.T) {
	t.Parallel()
	e := startOverHTTPS(t)
	packet, err := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	target := "https://" + e.address + "/dns-query?dns=" + base64.RawURLEncoding.EncodeToString(packet)
	for _, version := range []string{"--http1.1", "--http2"} {
		if said, ok := e.run(t, "curl", "-sS", version, "--cacert", e.trusted, "-o", os.DevNull, "-w", "%{http_code} %{content_type} %{http_version}", target); ok {
			want := "200 application/dns-message " + map[string]string{"--http1.1": "1.1", "--http2": "2"}[version]
			if said != want {
				t.Errorf("curl %s: %q, want %q", version, said, want)
			}
		}
	}
	page := "http://www.phish.example:" + portOf(t, e.web) + "/"
	if said, ok := e.run(t, "curl", "-sS", "--doh-url", "https://"+e.address+"/dns-query", "--cacert", e.trusted, page); ok && !strings.Contains(said, "this site may be dangerous") {
		t.Errorf("curl --doh-url: %s", said)
	}
	host, port, _ := net.SplitHostPort(e.address)
	for _, method := range []string{"+https", "+https-get"} {
		args := []string{"@" + host, "-p", port, "+https=dns.isp.example/dns-query", method, "+tls-ca=" + e.trusted, "+tls-hostname=dns.isp.example", "+dnssec", "www.signed.example", "A"}
		if method == "+https" {
			args = append(args[:4], args[5:]...)
		}
		if said, ok := e.run(t, "kdig", args...); ok && (!strings.Contains(said, "status: NOERROR") || !strings.Contains(said, "RRSIG") || !strings.Contains(said, " ad")) {
			t.Errorf("kdig %s: %s", method, said)
		}
	}
	questions := filepath.Join(t.TempDir(), "questions")
	if err := os.WriteFile(questions, []byte(strings.Repeat("www.signed.example A\nwww.phish.example A\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "POST"} {
		said, ok := e.run(t, "dnsperf", "-m", "doh", "-s", host, "-p", port, "-d", questions, "-n", "1", "-c", "4", "-q", "100", "-O", "doh-uri=https://"+e.address+"/dns-query", "-O", "doh-method="+method)
		if ok && !strings.Contains(said, "Queries completed:    1000 (100.00%)") {
			t.Errorf("dnsperf %s: %s", method, said)
		}
	}
	if figure := e.counted(t, `recourse_queries_total{door="doh",outcome="blocked"}`); figure < 1000 {
		t.Errorf("%v blocked answers were counted", figure)
	}
	e.stop()
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// counted reads one figure of the metrics.
func (e *encrypted) counted(t *testing.T, name string) float64 {
	t.Helper()
	_, text := e.page(e.metrics)
	for line := range strings.Lines(text) {
		var figure float64
		if rest, found := strings.CutPrefix(line, name+" "); found {
			if _, err := fmt.Sscan(rest, &figure); err == nil {
				return figure
			}
		}
	}
	t.Fatalf("%s is not counted", name)
	return 0
}

// prepareBrowser makes a home in which the test's authority is trusted and secure DNS is set.
func prepareBrowser(t *testing.T, e *encrypted, certutil string) string {
	t.Helper()
	home := t.TempDir()
	store := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-n", "test", "-t", "C,,", "-i", e.trusted}} {
		if said, err := exec.Command(certutil, append([]string{"-d", "sql:" + store}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %v: %v\n%s", args, err, said)
		}
	}
	wanted, err := json.Marshal(map[string]any{"dns_over_https": map[string]string{"mode": "secure", "templates": "https://" + e.address + "/dns-query{?dns}"}})
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(home, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "Local State"), wanted, 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// TestChromiumAsksOverHTTPS: a browser with nothing but secure DNS finds a page by its name.
func TestChromiumAsksOverHTTPS(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium (Debian package chromium)")
	}
	certutil, err := exec.LookPath("certutil")
	if err != nil {
		t.Skip("needs certutil (Debian package libnss3-tools)")
	}
	e := startOverHTTPS(t)
	home := prepareBrowser(t, e, certutil)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(filepath.Join(home, "data")), chromedp.Env("HOME="+home),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	browser, cancel := chromedp.NewContext(allocator)
	defer cancel()
	browser, cancel = context.WithTimeout(browser, time.Minute)
	defer cancel()
	if err := chromedp.Do(browser, chromedp.Navigate("http://www.phish.example:"+portOf(t, e.web)+"/"), chromedp.WaitVisible("main")); err != nil {
		t.Fatalf("%v\n%s", err, e.stderr)
	}
	shown, err := chromedp.Run(browser, chromedp.Text("body"))
	if err != nil || !strings.Contains(shown, "this site may be dangerous") {
		t.Errorf("the browser shows %q, %v", shown, err)
	}
	if e.counted(t, `recourse_queries_total{door="doh",outcome="blocked"}`) == 0 {
		t.Error("the browser has asked nothing")
	}
	e.stop()
}
