package load_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/load"
)

func TestHold(t *testing.T) {
	servers := []resolver.Server{serve(t, resolver.OverTCP), serve(t, resolver.OverTLS), serveHTTP2(t, func(*http.Server) {}), serveQUIC(t)}
	for _, server := range servers {
		opened := 0
		report, err := load.Hold(t.Context(), load.Config{
			Server: server, Questions: questions("www"), Connections: 40, Time: time.Millisecond, TLS: &tls.Config{InsecureSkipVerify: true},
			Sources: []netip.Addr{netip.MustParseAddr("127.2.0.1"), netip.MustParseAddr("127.2.0.2")},
		}, func(open int) { opened = open })
		if err != nil || opened != 40 || report.Connections != 40 || report.Sent != 40 || report.Answered != 40 {
			t.Errorf("%s: %d were open; %s, %v", server, opened, counted(report), err)
		}
	}
}

// Connections that the server ends have not lasted.
func TestHoldNotLasting(t *testing.T) {
	report, err := load.Hold(t.Context(), load.Config{
		Server: serve(t, resolver.OverTCP), Questions: questions("www", "close"), Connections: 10, Time: time.Millisecond,
	}, func(int) {})
	if err == nil || report.Answered > 5 || report.Connections == 0 {
		t.Errorf("%s, %v", counted(report), err)
	}
	if _, err := load.Hold(t.Context(), load.Config{Server: serve(t, resolver.OverUDP), Questions: questions("www"), Time: 1}, func(int) {}); err == nil {
		t.Error("UDP has connections")
	}
}
