package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/redress/notify"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func hook(t testing.TB, server *httptest.Server, change func(*notify.WebhookConfig)) *notify.Webhook {
	t.Helper()
	secrets, err := notify.ParseSecrets(testSecret + "\nwhsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	config := notify.WebhookConfig{Secrets: secrets, Agent: "recourse/test", Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	if server.Certificate() != nil {
		config.Roots = x509.NewCertPool()
		config.Roots.AddCert(server.Certificate())
	}
	if change != nil {
		change(&config)
	}
	return notify.NewWebhook(config, loopback{})
}

// called is a notice for the server under a host name of its certificate.
func called(server *httptest.Server) *notify.Notice {
	n := notice()
	n.Address = strings.Replace(server.URL, "127.0.0.1", "example.com", 1) + "/hook?token=s3cret"
	n.Queued, n.Data = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), json.RawMessage(`{"ref":"RG 1"}`)
	return n
}

func TestWebhookIsSigned(t *testing.T) {
	var header http.Header
	var body []byte
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, body = r.Header, must(io.ReadAll(r.Body))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	if err := hook(t, server, nil).Send(t.Context(), called(server)); err != nil {
		t.Fatal(err)
	}
	// As a receiver does it, by the specification.
	key := must(base64.StdEncoding.DecodeString(strings.TrimPrefix(testSecret, "whsec_")))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), body)
	signatures := strings.Fields(header.Get("webhook-signature"))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); len(signatures) != 2 || signatures[0] != want || signatures[1] == want {
		t.Errorf("signed %q, want %q and one of the next secret", signatures, want)
	}
	if header.Get("webhook-id") != "msg_abc123" || header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", header)
	}
	want := `{"type":"order.echo","timestamp":"2026-11-26T08:00:00Z","data":{"subject":"Ordine n. 5 è in vigore","text":`
	if !strings.HasPrefix(string(body), want) || !strings.HasSuffix(string(body), `"details":{"ref":"RG 1"}}}`) {
		t.Errorf("body %.200s", body)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestWebhookSortsReplies(t *testing.T) {
	status, after := 0, ""
	followed := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		followed = followed || r.URL.Path != "/hook"
		w.Header().Set("Location", "/elsewhere")
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
	}))
	defer server.Close()
	for _, test := range []struct {
		status int
		after  string
		class  notify.FailureClass
		final  bool
		wait   time.Duration
	}{
		{302, "", notify.FailedDeferred, false, 0}, {307, "", notify.FailedDeferred, false, 0},
		{400, "", notify.FailedRefused, true, 0}, {413, "", notify.FailedRefused, true, 0}, {422, "", notify.FailedRefused, true, 0},
		{401, "", notify.FailedAuth, false, 0}, {403, "", notify.FailedAuth, false, 0},
		{404, "", notify.FailedDeferred, false, 0}, {410, "", notify.FailedDeferred, false, 0},
		{429, "90", notify.FailedDeferred, false, 90 * time.Second}, {503, "-1", notify.FailedDeferred, false, 0}, {500, "99999999999", notify.FailedDeferred, false, 0},
	} {
		status, after = test.status, test.after
		err := hook(t, server, nil).Send(t.Context(), called(server))
		wantFailure(t, err, test.class, test.final)
		if failure := new(notify.Failure); asFailure(err, &failure) && failure.After != test.wait {
			t.Errorf("%d: to wait %s", test.status, failure.After)
		}
	}
	if followed {
		t.Error("a redirection was followed")
	}
}

func asFailure(err error, into **notify.Failure) bool {
	failure, is := err.(*notify.Failure) //nolint:errorlint // what Send promises
	if is {
		*into = failure
	}
	return is
}

func TestWebhookGoesNowhereElse(t *testing.T) {
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer plain.Close()
	unnamed := func(c *notify.WebhookConfig) { c.Private = nil }

	// A name whose address is not public: nobody said that this is meant.
	wantFailure(t, hook(t, server, unnamed).Send(t.Context(), called(server)), notify.FailedAddress, false)
	// A certificate of somebody else, or of nobody whom we know.
	other := called(server)
	other.Address = strings.Replace(server.URL, "127.0.0.1", "other.example", 1)
	wantFailure(t, hook(t, server, nil).Send(t.Context(), other), notify.FailedConnect, false)
	wantFailure(t, hook(t, server, func(c *notify.WebhookConfig) { c.Roots = x509.NewCertPool() }).Send(t.Context(), called(server)), notify.FailedConnect, false)
	// In the clear, but for this machine.
	clear := called(plain)
	wantFailure(t, hook(t, plain, nil).Send(t.Context(), clear), notify.FailedAddress, false)
	if reached {
		t.Fatal("it was called all the same")
	}
	clear.Address = plain.URL + "/hook"
	if err := hook(t, plain, unnamed).Send(t.Context(), clear); err != nil || !reached {
		t.Errorf("the address that the operator named was not called: %v", err)
	}
}

func TestWebhookIsBrokenOffInTime(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := hook(t, server, nil).Send(ctx, called(server))
	wantFailure(t, err, notify.FailedTimeout, false)
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the failure shows the address: %s", err)
	}
}

func TestParseWebhook(t *testing.T) {
	for text, want := range map[string]bool{
		"https://noc.isp.example/hook": true, "https://noc.isp.example:8443/hook?x=1": true, "http://127.0.0.1:8080/": true, "http://[::1]/": true, "http://localhost/": true,
		"http://noc.isp.example/": false, "http://10.0.0.1/": false, "ftp://127.0.0.1/": false, "https://": false, "noc.isp.example": false,
		"https://user:password@noc.isp.example/": false, "https://noc.isp.example/#x": false, "http://localhost.evil.example/": false, "": false, "https://[::1": false,
	} {
		if _, err := notify.ParseWebhook(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	for content, want := range map[string]int{
		testSecret: 1, testSecret + "\n" + testSecret + "\n": 2, "": 0, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": 0, "whsec_c2hvcnQ=": 0, "whsec_%%": 0,
		strings.Repeat(testSecret+" ", 5): 0,
	} {
		if got, err := notify.ParseSecrets(content); len(got) != want && err == nil || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", content, len(got), err)
		}
	}
}
