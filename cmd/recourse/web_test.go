package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// TestNoLogNamesAClient: a fault of ours is told, whom it met is not.
func TestNoLogNamesAClient(t *testing.T) {
	said := new(lockedBuffer)
	before := log.Default().Writer()
	log.SetOutput(said)
	defer log.SetOutput(before)
	fault := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the fault: told") })
	web, err := listenWeb(nil, []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, fault, nil)
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := http.Get("http://" + web.addrs[0].String()); err == nil {
		reply.Body.Close()
		t.Error("a handler that panicked answered")
	}
	if err := web.Close(); err != nil {
		t.Fatal(err)
	}
	if text := said.String(); !strings.Contains(text, "panic serving a request: the fault: told") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log says %q", text)
	}
}

func TestLinesWithoutNames(t *testing.T) {
	for line, want := range map[string]string{
		"http: panic serving [2001:db8::1%eth0]:5353: it: failed\n":        "http: panic serving a request: it: failed\n",
		"2026/11/26 07:00:00 http: panic serving 192.0.2.1:5353: failed\n": "2026/11/26 07:00:00 http: panic serving a request: failed\n",
		"http: TLS handshake error from 192.0.2.1:5353: EOF\n":             "",
		"http2: server connection error from 192.0.2.1:5353: EOF\n":        "",
		"http: Accept error: too many open files; retrying in 5ms\n":       "http: Accept error: too many open files; retrying in 5ms\n",
	} {
		var told bytes.Buffer
		if n, err := io.WriteString(nameless{&told}, line); n != len(line) || err != nil || told.String() != want {
			t.Errorf("%q is told as %q (%d, %v)", line, told.String(), n, err)
		}
	}
}
