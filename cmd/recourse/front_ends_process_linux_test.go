package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// frontEnd is the example of a program in docs/front-ends.md, as it stands there.
func frontEnd(t *testing.T, name string) string {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "front-ends.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(document), "\n## "+name+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var example strings.Builder
	for line := range strings.Lines(section) {
		if code, is := strings.CutPrefix(line, "    "); is {
			example.WriteString(code)
		}
	}
	if !found || !strings.Contains(example.String(), "X-Forwarded-For") {
		t.Fatalf("docs/front-ends.md has no example of %s", name)
	}
	return example.String()
}

// keyPair writes a certificate with its key as a front end reads them, and gives the one file of both.
func keyPair(t *testing.T, folder string) string {
	t.Helper()
	server := httptest.NewTLSServer(nil) // whose certificate is made for tests
	defer server.Close()
	var both bytes.Buffer
	pair := server.TLS.Certificates[0]
	for _, raw := range pair.Certificate {
		both.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	both.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	path := filepath.Join(folder, "both.pem")
	if err := os.WriteFile(path, both.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// watched stands between a front end and a server, and takes down what the front end says of who asks.
type watched struct {
	mu   sync.Mutex
	said []string
}

// before gives the address where requests for a server are watched.
func (w *watched) before(t *testing.T, server string) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		w.mu.Lock()
		w.said = append(w.said, fmt.Sprintf("%s %q %q", r.In.Host, r.In.Header.Values("X-Forwarded-For"), r.In.Header.Values("Forwarded")))
		w.mu.Unlock()
		r.SetURL(&url.URL{Scheme: "http", Host: server})
		r.Out.Host, r.Out.Header["X-Forwarded-For"] = r.In.Host, r.In.Header["X-Forwarded-For"]
	}}
	made := httptest.NewServer(proxy)
	t.Cleanup(made.Close)
	return strings.TrimPrefix(made.URL, "http://")
}

// check holds the front end to the client's own address, whatever the client says, and to the host that was asked for.
func (w *watched) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, host := range []string{"dns.isp.example", "blocked-by-law.example", "phish.example"} {
		if !slices.Contains(w.said, host+` ["127.0.0.1"] []`) {
			t.Errorf("of %s the front end said %q", host, w.said)
		}
	}
	for _, said := range w.said {
		if strings.Contains(said, "203.0.113.9") {
			t.Errorf("a forged address went through: %s", said)
		}
	}
}

// behind is a server for front ends: portal and block page, each on an address of its own, and both trust loopback.
func behind(t *testing.T) (s *server, w *watched, portal, block string) {
	t.Helper()
	w = new(watched)
	block = freePort(t).String()
	files := exampleFiles(upstream(t))
	files["recourse.yaml"] = replaced(t, files["recourse.yaml"], "listen: {", "listen: {web_trusted_proxies: [127.0.0.1/32], ") +
		"block_page: {listen: [\"" + block + "\"], ipv4: [192.0.2.80]}\n"
	s = start(t, write(t, files), "--config", "recourse.yaml")
	return s, w, w.before(t, strings.TrimPrefix(s.web, "http://")), w.before(t, block)
}

// TestFrontEndNginx: nginx takes the example as it stands in the document, and through it the portal is reached, the page of
// the very host that was blocked is shown, and nothing of it is logged.
func TestFrontEndNginx(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx", "nginx")
	s, w, portal, block := behind(t)
	folder, secured, plain := t.TempDir(), freePort(t).String(), freePort(t).String()
	both := keyPair(t, folder)
	example := replaced(t, frontEnd(t, "nginx"),
		"listen 443 ssl http2;", "listen "+secured+" ssl http2;", "    listen [::]:443 ssl http2;\n", "", "listen 192.0.2.80:80 ", "listen "+plain+" ", "    listen [2001:db8::80]:80 default_server;\n", "",
		"/etc/ssl/dns.isp.example/fullchain.pem", both, "/etc/ssl/dns.isp.example/privkey.pem", both, "127.0.0.1:8080", portal, "127.0.0.1:8081", block)
	owner := ""
	if os.Getuid() == 0 {
		owner = "user root;\n"
	}
	config := owner + fmt.Sprintf("daemon off;\nworker_processes 1;\npid %[1]s/pid;\nerror_log %[1]s/error.log;\nevents {}\nhttp {\naccess_log %[1]s/access.log;\n", folder)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, folder, kind)
	}
	path := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(path, []byte(config+example+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(nginx, "-t", "-e", filepath.Join(folder, "error.log"), "-p", folder, "-c", path).CombinedOutput(); err != nil {
		t.Fatalf("nginx -t: %v\n%s", err, output)
	}
	server := exec.Command(nginx, "-e", filepath.Join(folder, "error.log"), "-p", folder, "-c", path)
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Signal(syscall.SIGQUIT); _ = server.Wait() })
	s.throughFrontEnd(t, secured, plain)
	w.check(t)
	if logged, err := os.ReadFile(filepath.Join(folder, "access.log")); err == nil && len(logged) > 0 {
		t.Errorf("nginx logged:\n%s", logged)
	}
	if logged, err := os.ReadFile(filepath.Join(folder, "error.log")); err != nil || strings.Contains(string(logged), "example") {
		t.Errorf("nginx complained of a name: %v\n%s", err, logged)
	}
	s.stop()
}

// TestFrontEndHAProxy does the same with haproxy.
func TestFrontEndHAProxy(t *testing.T) {
	t.Parallel()
	haproxy := installed(t, "haproxy", "haproxy")
	s, w, portal, block := behind(t)
	folder, secured, plain := t.TempDir(), freePort(t).String(), freePort(t).String()
	example := replaced(t, frontEnd(t, "haproxy"),
		"bind :443 ", "bind "+secured+" ", "bind 192.0.2.80:80", "bind "+plain, "    bind [2001:db8::80]:80\n", "", "/etc/haproxy/dns.isp.example.pem", keyPair(t, folder), "127.0.0.1:8080", portal, "127.0.0.1:8081", block)
	path, printed := filepath.Join(folder, "haproxy.cfg"), new(lockedBuffer)
	if err := os.WriteFile(path, []byte("global\n    log stderr local0\ndefaults\n    log global\n    option httplog\n"+example), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(haproxy, "-c", "-f", path).CombinedOutput(); err != nil || bytes.Contains(output, []byte("[ALERT]")) {
		t.Fatalf("haproxy -c: %v\n%s", err, output)
	}
	server := exec.Command(haproxy, "-db", "-f", path)
	server.Stdout, server.Stderr, server.SysProcAttr = printed, printed, &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	s.throughFrontEnd(t, secured, plain)
	w.check(t)
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	_ = server.Wait() // a signal ends it
	if strings.Contains(printed.String(), "example") {
		t.Errorf("haproxy logged:\n%s", printed)
	}
	s.stop()
}

// throughFrontEnd asks for a page of the portal and for the page of a blocked host by way of a front end.
func (s *server) throughFrontEnd(t *testing.T, secured, plain string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ask := func(address, host string, header http.Header) (*http.Response, string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host, request.Header = host, header
		reply, err := client.Do(request)
		if err != nil {
			return nil, "", err
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		return reply, string(body), err
	}
	s.until(t, func() bool {
		_, _, err := ask("https://"+secured+"/", "dns.isp.example", http.Header{})
		return err == nil
	})
	forged := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}
	reply, body, err := ask("https://"+secured+"/?name=phish.example", "dns.isp.example", forged)
	if err != nil || reply.StatusCode != http.StatusOK || !strings.Contains(body, "phish.example") {
		t.Fatalf("the portal: %v %v\n%s", reply, err, body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000",
	} {
		if got := reply.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if len(reply.Cookies()) > 0 {
		t.Errorf("a look-up sets a cookie: %v", reply.Header)
	}
	reply, body, err = ask("http://"+plain+"/some/where", "blocked-by-law.example", forged)
	if err != nil || reply.StatusCode != http.StatusUnavailableForLegalReasons || !strings.Contains(body, "blocked-by-law.example") || strings.Contains(body, "phish.example") || !strings.Contains(reply.Header.Get("Link"), `rel="blocked-by"`) {
		t.Errorf("the page of a host that the law blocks: %v %v\n%s", reply, err, body)
	}
	if reply, body, err = ask("http://"+plain+"/", "phish.example", http.Header{}); err != nil || reply.StatusCode != http.StatusForbidden || !strings.Contains(body, "phish.example") {
		t.Errorf("the page of a host that is blocked for security: %v %v\n%s", reply, err, body)
	}
}
