package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/resolver"
)

// names gives each host its addresses, a next answer at every question where there are several.
type names map[string][][]netip.Addr

var asked atomic.Int32

func (n names) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	answers := n[strings.ToLower(host)]
	if len(answers) == 0 {
		return nil, errors.New("no such name")
	}
	return answers[min(int(asked.Add(1))-1, len(answers)-1)], nil
}

func addrs(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// loopback is the test's own machine.
func loopback(addr netip.Addr) bool { return addr == netip.MustParseAddr("127.0.0.1") }

func client(config outbound.Config, allow func(netip.Addr) bool, lookup names) *outbound.Client {
	asked.Store(0)
	return outbound.New(config, outbound.NewDialer(lookup, allow))
}

func at(t testing.TB, text string) *url.URL {
	t.Helper()
	address, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func portOf(server *httptest.Server) string {
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	return port
}

// TestPrivateAddressesAreNotDialled: whatever a name's owner puts into the DNS.
func TestPrivateAddressesAreNotDialled(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.1", "198.18.0.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "192.88.99.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1",
		"fec0::1", "ff02::1", "ff05::2", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "2001:db8::1", "100::1", "3fff::1", "5f00::1",
	} {
		lookup := names{"site.example": {{netip.MustParseAddr(text)}}}
		for _, address := range []string{"http://site.example/", "http://[" + strings.ReplaceAll(text, "%", "%25") + "]/"} {
			if !strings.Contains(text, ":") && strings.Contains(address, "[") {
				address = "http://" + text + "/"
			}
			_, err := client(outbound.Config{}, nil, lookup).Get(t.Context(), at(t, address), nil)
			if outbound.ProblemOf(err) != outbound.NotPublic {
				t.Errorf("%s of %s: %v", address, text, err)
			}
		}
	}
}

// TestRebinding: the address that was judged is the one that is dialled. A second look-up
// would give one of our own.
func TestRebinding(t *testing.T) {
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	// 127.42.9.9 is let pass as if public; nobody is there.
	allow := func(addr netip.Addr) bool { return addr == netip.MustParseAddr("127.42.9.9") }
	lookup := names{"site.example": {addrs("127.42.9.9"), addrs("127.0.0.1")}}
	under := client(outbound.Config{Patience: 200 * time.Millisecond}, allow, lookup)
	if _, err := under.Get(t.Context(), at(t, "http://site.example:"+portOf(server)+"/"), nil); outbound.ProblemOf(err) == "" {
		t.Errorf("got through: %v", err)
	}
	if _, err := under.Get(t.Context(), at(t, "http://site.example:"+portOf(server)+"/"), nil); outbound.ProblemOf(err) != outbound.NotPublic {
		t.Errorf("the second time: %v", err)
	}
	if reached {
		t.Error("our own machine was reached")
	}
}

// TestOneOfManyAddresses: what is refused does not spoil what is not.
func TestOneOfManyAddresses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	defer server.Close()
	lookup := names{"site.example": {addrs("10.0.0.1", "169.254.169.254", "127.0.0.1")}}
	reply, err := client(outbound.Config{}, loopback, lookup).Get(t.Context(), at(t, "http://site.example:"+portOf(server)+"/"), nil)
	if err != nil || string(reply.Body) != "here" {
		t.Errorf("%v, %v", reply, err)
	}
}

func TestAddressesThatAreNotCalled(t *testing.T) {
	under := client(outbound.Config{Ports: []string{"80", "443"}}, loopback, names{"site.example": {addrs("127.0.0.1")}})
	for _, text := range []string{
		"ftp://site.example/", "file:///etc/passwd", "gopher://site.example/", "http://user:secret@site.example/", "http://site.example:22/", "https://site.example:6379/", "http:///", "http:opaque",
	} {
		if _, err := under.Get(t.Context(), at(t, text), nil); outbound.ProblemOf(err) != outbound.Refused {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRedirections(t *testing.T) {
	for to, want := range map[string]outbound.Problem{
		"/there": "", "//site.example:PORT/there": "", "//SITE.example:PORT/there": "",
		"http://other.example:PORT/there": outbound.Elsewhere, "http://127.0.0.1:PORT/there": outbound.Elsewhere, "http://site.example:22/there": outbound.Elsewhere,
		"http://site.example/there": outbound.Elsewhere, "file:///etc/passwd": outbound.Elsewhere, "http://u:p@site.example:PORT/there": outbound.Refused,
		"http://site.example.:PORT/there": outbound.Elsewhere, "/": outbound.Circling,
	} {
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/there" {
				if r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
					t.Errorf("%s: sent %v", to, r.Header)
				}
				_, _ = io.WriteString(w, "there")
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			w.Header().Set("Location", strings.ReplaceAll(to, "PORT", portOf(server)))
			w.WriteHeader(http.StatusFound)
		}))
		lookup := names{"site.example": {addrs("127.0.0.1")}, "other.example": {addrs("127.0.0.1")}}
		reply, err := client(outbound.Config{Redirections: 3}, loopback, lookup).Get(t.Context(), at(t, "http://site.example:"+portOf(server)+"/"), nil)
		if outbound.ProblemOf(err) != want || want == "" && (err != nil || string(reply.Body) != "there") {
			t.Errorf("%s: %v, %v", to, reply, err)
		}
		server.Close()
	}
}

// TestHarmfulReplies: what a server may send to hold, fill or fool us.
func TestHarmfulReplies(t *testing.T) {
	hang := make(chan struct{})
	bomb := new(bytes.Buffer)
	packed := gzip.NewWriter(bomb)
	_, _ = packed.Write(make([]byte, 8<<20))
	_ = packed.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			_, _ = w.Write(make([]byte, 64<<10+1))
		case "/fits":
			_, _ = w.Write(make([]byte, 64<<10))
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		case "/headers":
			for range 5000 {
				w.Header().Add("X-Many", "x")
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/slow":
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			<-hang
		case "/silent":
			<-hang
		case "/broken":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "short")
		}
	}))
	defer server.Close()
	defer close(hang)
	under := client(outbound.Config{Patience: 300 * time.Millisecond}, loopback, names{"site.example": {addrs("127.0.0.1")}})
	for path, want := range map[string]outbound.Problem{
		"/large": outbound.TooLarge, "/fits": "", "/header": outbound.TooLarge, "/headers": outbound.TooLarge, "/bomb": outbound.Encoded,
		"/slow": outbound.Slow, "/silent": outbound.Slow, "/broken": outbound.Unreachable,
	} {
		if _, err := under.Get(t.Context(), at(t, "http://site.example:"+portOf(server)+path), nil); outbound.ProblemOf(err) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	cut := client(outbound.Config{MaxBody: 10, Cut: true}, loopback, names{"site.example": {addrs("127.0.0.1")}})
	if reply, err := cut.Get(t.Context(), at(t, "http://site.example:"+portOf(server)+"/large"), nil); err != nil || len(reply.Body) != 10 {
		t.Errorf("cut: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	lookup := names{"site.example": {addrs("127.0.0.1")}}
	address := at(t, "https://site.example:"+portOf(server)+"/")
	if _, err := client(outbound.Config{}, loopback, lookup).Get(t.Context(), address, nil); outbound.ProblemOf(err) != outbound.Unreachable {
		t.Errorf("a certificate of nobody was taken: %v", err)
	}
	if _, err := client(outbound.Config{AnyCertificate: true}, loopback, lookup).Get(t.Context(), address, nil); err != nil {
		t.Error(err)
	}
}

// FuzzGet: whatever the address, nothing is connected to but public addresses.
func FuzzGet(f *testing.F) {
	for _, seed := range []string{"http://127.0.0.1/", "http://[::1]:80/x", "http://0x7f.1/", "http://2130706433/", "http://site.example@10.0.0.1/", "https://[fe80::1%25lo]/", "http://site.example#@10.0.0.1", "//10.0.0.1", "http://\u0661/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := url.Parse(text)
		if err != nil {
			return
		}
		if addr, err := netip.ParseAddr(address.Hostname()); err == nil && resolver.IsPublic(addr.Unmap().WithZone("")) {
			t.Skip("a public address, to which a test does not connect")
		}
		under := outbound.New(outbound.Config{Patience: time.Second}, outbound.NewDialer(everywhere{}, nil))
		_, err = under.Get(t.Context(), address, nil)
		if problem := outbound.ProblemOf(err); problem != outbound.NotPublic && problem != outbound.Refused {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// everywhere gives every name addresses of our own.
type everywhere struct{}

func (everywhere) Lookup(context.Context, string) ([]netip.Addr, error) {
	return addrs("127.0.0.1", "::1", "169.254.169.254"), nil
}
