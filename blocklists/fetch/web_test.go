package fetch_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/fetch"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// webPlace is a place whose list lies on a web server.
type webPlace struct {
	*place
	server *httptest.Server
	web    *fetch.Web
	log    strings.Builder
}

func newWebPlace(t *testing.T, handler http.HandlerFunc) *webPlace {
	p := &webPlace{place: &place{t: t, state: filepath.Join(t.TempDir(), "lists")}, server: httptest.NewServer(handler)}
	t.Cleanup(p.server.Close)
	p.web = fetch.NewHurriedWeb(fetch.WebConfig{Agent: "recourse/test"}, 20*time.Second, 1<<16, nil)
	p.manifest = &blocklists.Manifest{ID: "ads", Purpose: blocklists.User, Format: "domains",
		Source: blocklists.Source{URL: p.server.URL + "/ads.txt", PrivateAddresses: loopback}}
	p.restart()
	return p
}

func (p *webPlace) restart() {
	p.store = fetch.New(p.state, nil, slog.New(slog.NewTextHandler(&p.log, nil)), p.web)
}

func (p *webPlace) fails(why string) {
	p.t.Helper()
	status, err := p.store.Fetch(context.Background(), p.manifest)
	if err == nil || !strings.Contains(err.Error(), why) || status.Changed {
		p.t.Errorf("error %v, status %+v; want %q", err, status, why)
	}
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestAnUnchangedListIsNotSentAgain(t *testing.T) {
	sent, asked := 0, 0
	etag := `"one"`
	p := newWebPlace(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.UserAgent() != "recourse/test" {
			t.Errorf("asked by %q", r.UserAgent())
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("Last-Modified", "Thu, 01 Oct 2026 00:00:00 GMT")
		if r.Header.Get("If-None-Match") == etag && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		_, _ = io.WriteString(w, etag)
	})
	if status := p.want(fetch.OK, `"one"`); !status.Changed {
		t.Errorf("first: %+v", status)
	}
	p.restart()
	status, err := p.store.Fetch(context.Background(), p.manifest)
	if err != nil || status.Changed || asked != 2 || sent != 1 {
		t.Errorf("again: %+v, %v; asked %d, sent %d", status, err, asked, sent)
	}
	etag = `"two"`
	if status := p.want(fetch.OK, `"two"`); !status.Changed || sent != 2 {
		t.Errorf("changed: %+v, sent %d", status, sent)
	}
	p.manifest.Source.URL += "?other" // another address: what was said at the first does not count
	p.want(fetch.OK, `"two"`)
	if sent != 3 {
		t.Errorf("another address was asked with the old validators; sent %d", sent)
	}
}

func TestServersThatFail(t *testing.T) {
	gzipped := func(w http.ResponseWriter, text string, cut int) {
		var packed strings.Builder
		writer := gzip.NewWriter(&packed)
		_, _ = io.WriteString(writer, text)
		_ = writer.Close()
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, packed.String()[:packed.Len()-cut])
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		why     string
	}{
		"500":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "answered 500"},
		"404":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "answered 404"},
		"unasked 304": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "answered 304"},
		"page by type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			say("a.example")(w, nil)
		}, "web page"},
		"page by look": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			say("\n <!DOCTYPE html><p>")(w, nil)
		}, "web page"},
		"truncated gzip": {func(w http.ResponseWriter, _ *http.Request) { gzipped(w, strings.Repeat("a.example\n", 999), 9) }, "ended before its end"},
		"gzip bomb":      {func(w http.ResponseWriter, _ *http.Request) { gzipped(w, strings.Repeat("a", 1<<17), 0) }, "more than 65536 octets"},
		"not gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			say("a.example")(w, nil)
		}, "not the gzip"},
		"other encoding": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			say("a.example")(w, nil)
		}, "not offered"},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			say("a.example")(w, nil)
		}, "ended before its end"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				say("a.example\n")(w, nil)
			}
		}, "more than 65536 octets"},
		"silent": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout"},
		"slow loris": {func(w http.ResponseWriter, r *http.Request) {
			say("a")(w, nil)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "sent nothing for"},
		"redirect circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "redirections"},
		"redirect to file": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		}, "no address of the web"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bad := false
			p := newWebPlace(t, func(w http.ResponseWriter, r *http.Request) {
				if bad {
					test.handler(w, r)
					return
				}
				say("good.example")(w, r)
			})
			p.want(fetch.OK, "good.example")
			bad = true
			if name == "silent" || name == "slow loris" {
				p.web = fetch.NewHurriedWeb(fetch.WebConfig{}, 100*time.Millisecond, 1<<16, nil)
			}
			p.restart() // and so the last good copy survives it
			p.fails(test.why)
			p.want(fetch.Kept, "good.example")
		})
	}
}

func TestFromHTTPSToHTTPIsRefused(t *testing.T) {
	plain := httptest.NewServer(say("forged.example"))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	if err := fetch.CheckRedirect(mustRequest(t, plain.URL), []*http.Request{mustRequest(t, secure.URL)}); err == nil {
		t.Error("the redirection was taken")
	}
	if err := fetch.CheckRedirect(mustRequest(t, secure.URL), []*http.Request{mustRequest(t, plain.URL)}); err != nil {
		t.Errorf("to https: %v", err)
	}
}

func mustRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// names is a resolver whose answers a test can change.
type names struct {
	mu    sync.Mutex
	addrs []string
	err   error
	asked int
}

func (n *names) Lookup(context.Context, string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	var addrs []netip.Addr
	for _, addr := range n.addrs {
		addrs = append(addrs, netip.MustParseAddr(addr))
	}
	return addrs, n.err
}

func TestTheAddressThatIsDialledIsTheOneThatWasChecked(t *testing.T) {
	p := newWebPlace(t, say("a.example"))
	resolver := &names{addrs: []string{"192.168.1.1", "::ffff:10.0.0.1", "fd00::1", "64:ff9b::a00:1", "169.254.169.254"}}
	var dialled []netip.AddrPort
	p.web = fetch.NewHurriedWeb(fetch.WebConfig{Lookup: resolver}, time.Second, 1<<16, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		dialled = append(dialled, to)
		return new(net.Dialer).DialContext(ctx, "tcp", p.server.Listener.Addr().String())
	})
	p.restart()
	p.manifest.Source.URL, p.manifest.Source.PrivateAddresses = "http://lists.example/ads.txt", nil
	p.fails("not public")
	if len(dialled) > 0 {
		t.Fatalf("dialled %v", dialled)
	}
	resolver.addrs = []string{"10.1.1.1", "198.41.0.4"}
	p.want(fetch.OK, "a.example")
	if fmt.Sprint(dialled) != "[198.41.0.4:80]" || resolver.asked != 2 {
		t.Errorf("dialled %v after %d look-ups: one each, and its very address", dialled, resolver.asked)
	}
	p.manifest.Source.PrivateAddresses = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	p.want(fetch.OK, "a.example")
	if got := dialled[len(dialled)-1].String(); got != "10.1.1.1:80" {
		t.Errorf("the configured network was not used: %s", got)
	}
}

func TestBootstrapIsForWhenTheResolverIsNot(t *testing.T) {
	p := newWebPlace(t, say("a.example"))
	resolver := &names{err: errors.New("not up yet")}
	p.web = fetch.NewHurriedWeb(fetch.WebConfig{Lookup: resolver}, time.Second, 1<<16, nil)
	p.restart()
	port := p.server.Listener.Addr().(*net.TCPAddr).Port
	p.manifest.Source.URL = fmt.Sprintf("http://lists.example:%d/ads.txt", port)
	p.fails("not up yet")
	p.manifest.Source.Bootstrap = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	p.want(fetch.OK, "a.example")
	resolver.addrs, resolver.err = []string{"127.0.0.2"}, nil // what it says goes before
	p.fails("connection refused")
}

func TestCredentialsAreSentAndNeverShown(t *testing.T) {
	p := newWebPlace(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "s3cret-user" || password != "s3cret" || r.URL.RawQuery != "token=s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		say("a.example")(w, r)
	})
	address := strings.Replace(p.manifest.Source.URL, "://", "://s3cret-user:s3cret@", 1) + "?token=s3cret"
	p.manifest.Source.URL = address
	status := p.want(fetch.OK, "a.example")
	p.server.Close()
	kept := p.want(fetch.Kept, "a.example")
	p.manifest.Source.URL = strings.Replace(address, "127.0.0.1", "nowhere.invalid", 1)
	again := p.want(fetch.Kept, "a.example")
	for _, text := range []string{p.log.String(), fmt.Sprint(status, kept, kept.Err, again.Err), p.manifest.Source.String()} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("a credential is shown: %s", text)
		}
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	p := newWebPlace(t, say("a.example"))
	p.want(fetch.OK, "a.example")
	proxied := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { proxied = r.URL.String(); say("b.example")(w, r) }))
	defer proxy.Close()
	p.manifest.Source.URL, p.manifest.Source.Proxy, p.manifest.Source.PrivateAddresses = "http://lists.example/ads.txt", proxy.URL, nil
	p.want(fetch.OK, "b.example")
	if proxied != "http://lists.example/ads.txt" {
		t.Errorf("the configured proxy was asked for %q", proxied)
	}
}

func TestRetryAfterAndCacheControlAreHonoured(t *testing.T) {
	for _, test := range []struct {
		status       int
		header, text string
		least, most  time.Duration
	}{
		{200, "Cache-Control", "public, max-age=1200", 20 * time.Minute, 20 * time.Minute},
		{200, "Cache-Control", "max-age=99999999", time.Hour, time.Hour},
		{200, "Cache-Control", "max-age=1", 4 * time.Minute, 5 * time.Minute},
		{200, "Cache-Control", "no-cache", 4 * time.Minute, 5 * time.Minute},
		{503, "Retry-After", "7200", 2 * time.Hour, 2 * time.Hour},
		{429, "Retry-After", "9999999", 24 * time.Hour, 24 * time.Hour},
		{500, "Retry-After", "7200", 15 * time.Second, 30 * time.Second},
	} {
		p := newWebPlace(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(test.header, test.text)
			w.WriteHeader(test.status)
			say("a.example")(w, r)
		})
		p.manifest.Source.Refresh = 5 * time.Minute
		began := time.Now().Truncate(time.Second)
		_, _ = p.store.Fetch(context.Background(), p.manifest)
		wait := p.store.Due(p.manifest).Sub(began)
		if wait < test.least || wait > test.most+5*time.Second {
			t.Errorf("%d with %s: %s: asked again after %s", test.status, test.header, test.text, wait)
		}
	}
}

func TestASourceNotAskedYetIsNoTrouble(t *testing.T) {
	p := newWebPlace(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	status, err := p.store.Stored().Load(t.Context(), p.manifest, func(io.Reader) error { return nil })
	if err == nil || status.State != fetch.Unasked || status.Err != nil {
		t.Errorf("loaded: %+v, error %v", status, err)
	}
	if status := p.store.Status(p.manifest); status.State != fetch.Unasked || status.Err != nil {
		t.Errorf("as it stands: %+v", status)
	}
	p.fails("404")
	if status := p.store.Status(p.manifest); status.State != fetch.Missing || status.Err == nil || status.Since.IsZero() {
		t.Errorf("after it failed: %+v", status)
	}
}
