package load_test

import (
	"encoding/base64"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/load"
)

// overHTTP answers as respond does; "status" and "reset" fail below DNS.
func overHTTP(writer http.ResponseWriter, request *http.Request) {
	packet, err := base64.RawURLEncoding.DecodeString(request.URL.Query().Get("dns"))
	if request.Method == http.MethodPost {
		packet, err = io.ReadAll(request.Body)
	}
	query := new(dns.Msg)
	if err != nil || query.Unpack(packet) != nil || query.Id != 0 || request.URL.Path != "/dns-query" || request.ProtoMajor < 2 ||
		request.Header.Get("Accept") != "application/dns-message" || request.ContentLength > 0 && request.Header.Get("Content-Type") != "application/dns-message" {
		http.Error(writer, "not a query", http.StatusBadRequest)
		return
	}
	switch label, _, _ := strings.Cut(query.Question[0].Name, "."); label {
	case "status":
		http.Error(writer, "no", http.StatusServiceUnavailable)
		return
	case "reset":
		panic(http.ErrAbortHandler)
	}
	octets, err := respond(query).Pack()
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/dns-message")
	_, _ = writer.Write(octets) // a client that has left is not this server's concern
}

func serveHTTP2(t *testing.T, configure func(*http.Server)) resolver.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(overHTTP))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	configure(server.Config)
	server.StartTLS()
	t.Cleanup(server.Close)
	return resolver.Server{Transport: resolver.OverHTTPS, Addr: netip.MustParseAddrPort(server.Listener.Addr().String()), Name: "dns.example"}
}

func TestOverHTTP2(t *testing.T) {
	testOverHTTP(t, serveHTTP2(t, func(*http.Server) {}))
}

func testOverHTTP(t *testing.T, server resolver.Server) {
	t.Helper()
	for _, get := range []bool{false, true} {
		report := run(t, load.Config{
			Server: server, Questions: questions("www", "none", "other", "long", "status", "reset"), GET: get,
			Queries: 1200, Connections: 1, InFlight: 20,
		})
		if report.Sent != 1200 || report.Answered != 600 || report.Wrong != 200 || report.Failed != 400 || report.Lost != 0 {
			t.Errorf("get %t: %s", get, counted(report))
		}
		if got := report.Rcodes; got[dns.RcodeSuccess] != 400 || got[dns.RcodeNameError] != 200 {
			t.Errorf("get %t: answers by code: %v", get, got)
		}
	}
}

// No more streams are opened than the server allows, and its window is respected.
func TestHTTP2Limits(t *testing.T) {
	server := serveHTTP2(t, func(config *http.Server) {
		config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 3, MaxReceiveBufferPerConnection: 1 << 16, MaxReceiveBufferPerStream: 1 << 15}
	})
	extras := load.Extras{Pad: true}
	for _, config := range []load.Config{
		{InFlight: 50}, {InFlight: 50, Connections: 3}, {InFlight: 50, Rate: 500},
	} {
		config.Server, config.Extras, config.Questions, config.Queries = server, extras, questions("www"), 300
		report := run(t, config)
		if report.Answered != 300 {
			t.Errorf("%+v: %s", config, counted(report))
		}
	}
	wide := serveHTTP2(t, func(config *http.Server) {
		config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 2000}
	})
	report := run(t, load.Config{Server: wide, Extras: extras, Questions: questions("www"), Queries: 5000, Connections: 1, InFlight: 2000})
	if report.Answered != 5000 {
		t.Errorf("2,000 at once: %s", counted(report))
	}
}
