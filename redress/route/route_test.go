package route_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/recourse-dns/recourse/redress/route"
)

func TestMux(t *testing.T) {
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	mux := route.Guarded("default-src 'none'", route.Mux([]route.Route{
		{Method: http.MethodGet, Path: "/cases", Handler: says("list")},
		{Method: http.MethodPost, Path: "/cases", Handler: says("file")},
		{Method: http.MethodPost, Path: "/cases/{id}/verify", Handler: says("verify")},
	}, func(w http.ResponseWriter, allowed string) { http.Error(w, allowed, http.StatusMethodNotAllowed) }, says("missing")))
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/cases", "list", 200}, {"HEAD", "/cases", "list", 200}, {"POST", "/cases", "file", 200},
		{"DELETE", "/cases", "GET, HEAD, POST\n", 405}, {"GET", "/cases/1/verify", "POST\n", 405}, {"GET", "/else", "missing", 200},
	} {
		reply := httptest.NewRecorder()
		mux.ServeHTTP(reply, httptest.NewRequest(test.method, test.path, nil))
		if reply.Code != test.status || reply.Body.String() != test.body {
			t.Errorf("%s %s: %d %q", test.method, test.path, reply.Code, reply.Body)
		}
		if test.status == 405 && reply.Header().Get("Allow")+"\n" != test.body {
			t.Errorf("%s %s: Allow %q", test.method, test.path, reply.Header().Get("Allow"))
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Content-Security-Policy": "default-src 'none'"} {
			if got := reply.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q", test.method, test.path, name, got)
			}
		}
	}
}

func TestPeer(t *testing.T) {
	for remote, want := range map[string]netip.Addr{"192.0.2.1:5": netip.MustParseAddr("192.0.2.1"), "[::ffff:192.0.2.1]:5": netip.MustParseAddr("192.0.2.1"), "@": {}} {
		request := httptest.NewRequest("GET", "/", nil)
		request.RemoteAddr = remote
		if got := route.Peer(request); got != want {
			t.Errorf("%q: %v", remote, got)
		}
	}
}
