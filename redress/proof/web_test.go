package proof_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/outbound"
	"github.com/recourse-dns/recourse/redress/proof"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// addresses gives every name the same.
type addresses []netip.Addr

func (a addresses) Lookup(context.Context, string) ([]netip.Addr, error) { return a, nil }

// site is a shop on port 80 of an address of this machine's own that the test alone uses.
func site(t *testing.T, handler http.HandlerFunc) *outbound.Dialer {
	t.Helper()
	addr := netip.MustParseAddr("127.42.80.1")
	listener, err := net.Listen("tcp", netip.AddrPortFrom(addr, 80).String())
	if err != nil {
		t.Skipf("port 80 cannot be listened on here: %v", err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return outbound.NewDialer(addresses{addr}, func(found netip.Addr) bool { return found == addr })
}

func TestFile(t *testing.T) {
	wanted := redress.ChallengeFor(wire.MustName("shop.example"), challenge)
	path := strings.TrimPrefix(wanted.URL, "http://shop.example")
	if !strings.HasPrefix(path, "/.well-known/redress-challenge/") || strings.Contains(challenge, path[len("/.well-known/redress-challenge/"):]) {
		t.Fatalf("the file is at %s, and its name tells the value", path)
	}
	for name, c := range map[string]struct {
		status   int
		body     string
		header   [2]string
		verified bool
		flaw     redress.Flaw
	}{
		"right":              {200, challenge, [2]string{}, true, ""},
		"with a line's end":  {200, challenge + "\r\n", [2]string{}, true, ""},
		"with more":          {200, "x" + challenge, [2]string{}, false, redress.FlawDecorated},
		"other":              {200, "redress=other", [2]string{}, false, redress.FlawOther},
		"repeats the path":   {200, path, [2]string{}, false, redress.FlawOther},
		"empty":              {200, "", [2]string{}, false, redress.FlawAbsent},
		"missing":            {404, challenge, [2]string{}, false, redress.FlawAbsent},
		"an error":           {500, challenge, [2]string{}, false, redress.FlawStatus},
		"elsewhere":          {302, challenge, [2]string{"Location", "http://other.example/x"}, false, redress.FlawElsewhere},
		"to ourselves":       {302, challenge, [2]string{"Location", "http://127.0.0.1/x"}, false, redress.FlawElsewhere},
		"large":              {200, strings.Repeat("x", 65<<10), [2]string{}, false, redress.FlawTooLarge},
		"compressed":         {200, challenge, [2]string{"Content-Encoding", "gzip"}, false, redress.FlawEncoded},
		"to itself for ever": {302, "", [2]string{"Location", path}, false, redress.FlawElsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			dialer := site(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != path || r.Host != "shop.example" || r.Header.Get("Cookie")+r.Header.Get("Authorization") != "" {
					t.Errorf("asked for %s of %s", r.URL, r.Host)
				}
				if c.header[0] != "" {
					w.Header().Set(c.header[0], c.header[1])
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			found, err := proof.NewFile("recourse/test", dialer).Prove(t.Context(), redress.Claim{Name: wire.MustName("shop.example"), Challenge: wanted})
			if err != nil || found.Verified != c.verified || found.Flaw != c.flaw || found.Detail == "" || found.At != wanted.URL {
				t.Errorf("got %+v, %v", found, err)
			}
		})
	}
}

// TestFileOfPrivateAddress: a name that points at us proves nothing, and nothing is called.
func TestFileOfPrivateAddress(t *testing.T) {
	dialer := outbound.NewDialer(addresses{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:169.254.169.254")}, nil)
	for _, prover := range []redress.Prover{proof.NewFile("t", dialer), proof.NewPage("t", dialer)} {
		if found, err := prover.Prove(t.Context(), claim("shop.example")); err != nil || found.Flaw != redress.FlawNotPublic {
			t.Errorf("got %+v, %v", found, err)
		}
	}
}

func TestPage(t *testing.T) {
	dialer := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = io.WriteString(w, "<!doctype html><title>Shop</title><p>Code: "+challenge+"</p>"+strings.Repeat("<p>goods</p>", 100_000))
	})
	if found, err := proof.NewPage("recourse/test", dialer).Prove(t.Context(), claim("shop.example")); err != nil || !found.Verified {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestShows(t *testing.T) {
	for page, want := range map[string]bool{
		"<p>" + challenge + "</p>": true, "text " + challenge + ".": true, "<b>" + challenge: true,
		`<meta name="redress-challenge" content="` + challenge + `">`:     true,
		`<META CONTENT=" ` + challenge + ` " NAME="Redress-Challenge" />`: true,
		`<meta name="description" content="` + challenge + `">`:           false,
		`<meta name="redress-challenge" content="x` + challenge + `">`:    false,
		"<script>" + challenge + "</script>":                              false,
		"<script>'</b>'</script><p>" + challenge:                          true,
		"<style>" + challenge + "</style>":                                false,
		"<!-- " + challenge + " -->":                                      false,
		"<textarea>" + challenge + "</textarea>":                          false,
		"<textarea>x</textarea><i>" + challenge:                           true,
		`<a href="/?q=` + challenge + `">x</a>`:                           false,
		`<input value="` + challenge + `">`:                               false,
		"<template><p>" + challenge + "</p></template>":                   false,
		"<p>redress=<b>" + strings.TrimPrefix(challenge, "redress="):      false,
		"": false,
	} {
		if got := proof.Shows([]byte(page), challenge); got != want {
			t.Errorf("%s: %v", page, got)
		}
	}
	if proof.Shows([]byte(strings.Repeat("<div>", 200_000)+"<textarea>"+strings.Repeat("x", 1<<20)+challenge), challenge) {
		t.Error("found where it is not")
	}
}

func FuzzShows(f *testing.F) {
	for _, seed := range []string{"<p>x</p>", "<script>a</script", "<meta name=redress-challenge content=x>", "<!--", "<template><script></template>", "\x00<\xff", "<plaintext><p>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		if proof.Shows(page, challenge) && !strings.Contains(strings.ToLower(string(page)), "redress") && !strings.Contains(string(page), "&") {
			t.Error("shows what is not there")
		}
		proof.Shows(append(page, []byte("<p>"+challenge)...), challenge)
	})
}

// FuzzExplain: whatever a record says, the explanation does not repeat it.
func FuzzExplain(f *testing.F) {
	for _, seed := range []string{"v=spf1 -all", "redress=other", "\"" + challenge + "\"", challenge[:20], "\u201e" + challenge, "\xff\x00", strings.Repeat("x", 5000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		flaw, detail := proof.Explain(wire.MustName("_redress-challenge.example.org"), []string{value}, challenge)
		if flaw == "" || detail == "" || len(detail) > 300 {
			t.Errorf("%q: %s, %s", value, flaw, detail)
		}
		if len(value) > 12 && !strings.Contains(detail, "redress=") && strings.Contains(detail, value) {
			t.Errorf("repeats %q", value)
		}
	})
}
