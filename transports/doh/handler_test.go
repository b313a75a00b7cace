package doh

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// handled is what the handler says to a request.
func handled(h *handler, method, target, contentType string, body io.Reader) *http.Response {
	incoming := httptest.NewRequest(method, target, body)
	if contentType != "" {
		incoming.Header.Set("Content-Type", contentType)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, incoming)
	return recorder.Result()
}

func TestHandlerAnswers(t *testing.T) {
	service, w, _ := newService(4)
	close(w.Release)
	h := newHandler(service, resolver.HTTPS, `h3=":443"; ma=86400`)
	for name, want := range map[string]struct {
		rcode   int
		control string
	}{
		"www":  {dns.RcodeSuccess, "private, max-age=60"},
		"slow": {dns.RcodeSuccess, "private, max-age=60"},
		"fail": {dns.RcodeServerFailure, "no-store"},
	} {
		packet := question(t, name, dns.TypeA)
		for method, reply := range map[string]*http.Response{
			"GET":                    handled(h, "GET", "https://dns.example"+Path+"?dns="+base64.RawURLEncoding.EncodeToString(packet), "", nil),
			"POST":                   handled(h, "POST", "https://dns.example"+Path, MediaType, bytes.NewReader(packet)),
			"POST of unknown length": handled(h, "POST", "https://dns.example"+Path, MediaType, io.MultiReader(bytes.NewReader(packet))),
		} {
			body, err := io.ReadAll(reply.Body)
			if err != nil || reply.StatusCode != 200 {
				t.Fatalf("%s of %s: %d, %v", method, name, reply.StatusCode, err)
			}
			if message := unpacked(t, body); message.Rcode != want.rcode || message.Id != 0 || !message.Response {
				t.Errorf("%s of %s: %v", method, name, message)
			}
			header := reply.Header
			if header.Get("Content-Type") != MediaType || header.Get("Cache-Control") != want.control || header.Get("Alt-Svc") == "" || reply.ContentLength != int64(len(body)) {
				t.Errorf("%s of %s: %v", method, name, header)
			}
		}
	}
}

func TestHandlerRefuses(t *testing.T) {
	service, _, _ := newService(1)
	h := newHandler(service, resolver.HTTPS, "")
	response := question(t, "www", dns.TypeA)
	response[2] |= 0x80
	post := func(body []byte) *http.Response { return handled(h, "POST", Path, MediaType, bytes.NewReader(body)) }
	endless := io.MultiReader(bytes.NewReader(make([]byte, 65536))) // its length is not said
	if !service.Admit(resolver.Client{}) {
		t.Fatal("no place")
	}
	for _, test := range []struct {
		name  string
		reply *http.Response
		want  int
	}{
		{"another path", handled(h, "GET", "/", "", nil), 404},
		{"PUT", handled(h, "PUT", Path, MediaType, strings.NewReader("x")), 405},
		{"another type", handled(h, "POST", Path, "text/plain", strings.NewReader("x")), 415},
		{"too long", post(make([]byte, 65536)), 413},
		{"too long, as it turns out", handled(h, "POST", Path, MediaType, endless), 413},
		{"no message", handled(h, "GET", Path, "", nil), 400},
		{"eleven octets", post(make([]byte, 11)), 400},
		{"a response", post(response), 400},
		{"dropped", post(question(t, "drop", dns.TypeA)), 403},
		{"nowhere to wait", post(question(t, "slow", dns.TypeA)), 503},
	} {
		header := test.reply.Header
		if test.reply.StatusCode != test.want || header.Get("Cache-Control") != "no-store" || header.Get("Alt-Svc") != "" {
			t.Errorf("%s: %d %v, want %d", test.name, test.reply.StatusCode, header, test.want)
		}
		if (header.Get("Allow") != "") != (test.want == 405) || (header.Get("Retry-After") != "") != (test.want == 503) {
			t.Errorf("%s: %v", test.name, header)
		}
	}
	// What is wrong in DNS is said in DNS.
	reply := post(make([]byte, 12))
	if body, err := io.ReadAll(reply.Body); err != nil || reply.StatusCode != 200 || unpacked(t, body).Rcode != dns.RcodeFormatError {
		t.Errorf("a header alone: %d, %x, %v", reply.StatusCode, body, err)
	}
}

func TestHandlerKnowsItsClient(t *testing.T) {
	service, w, _ := newService(1)
	h := newHandler(service, resolver.HTTP3, "")
	incoming := httptest.NewRequest("POST", "https://Kids.example:8443"+Path+"/tablet", bytes.NewReader(question(t, "www", dns.TypeA)))
	incoming.Header.Set("Content-Type", MediaType)
	incoming.RemoteAddr, incoming.TLS = "[::ffff:192.0.2.7]:1234", &tls.ConnectionState{ServerName: "dns.example"}
	h.ServeHTTP(httptest.NewRecorder(), incoming)
	client := w.Client()
	if client.Addr.String() != "192.0.2.7" || client.Door != resolver.HTTP3 || client.Name != "kids.example" || client.Path != "tablet" || client.Port != 1234 {
		t.Errorf("the client is %+v", client)
	}
}
