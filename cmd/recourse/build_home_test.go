package main

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/policy/store/storetest"
	"github.com/recourse-dns/recourse/redress/household/listening"
	"github.com/recourse-dns/recourse/redress/household/probe"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/links"
)

// Only a name that nobody else can answer for leads here by itself.
func TestWhichPortalsNameIsLocal(t *testing.T) {
	for portal, want := range map[string]string{
		"http://dns.home.arpa:8080": "dns.home.arpa", "http://dns.internal": "dns.internal", "https://dns.own.example": "dns.own.example",
		"https://dns.example.net": "", "http://192.168.1.2": "", "http://localhost:8080": "", "": "",
	} {
		config := new(Config)
		config.Operator.Portal, config.Resolver.PrivateNames = portal, []string{"own.example"}
		got := ""
		if name := config.localPortal(links.New()).Name; name != "" {
			got = name.String()
		}
		if got != want {
			t.Errorf("%q: %q, not %q", portal, got, want)
		}
	}
}

func TestWherePagesListen(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::2")}
	for listener, want := range map[string]string{
		"0.0.0.0:8080": "[192.168.1.2]", "[::]:8080": "[fd00::2]", "192.168.1.2:80": "[192.168.1.2]", "127.0.0.1:80": "[]",
	} {
		if got := fmt.Sprint(servedAt([]netip.AddrPort{netip.MustParseAddrPort(listener)}, own)); got != want {
			t.Errorf("%s: %s, not %s", listener, got, want)
		}
	}
}

// TestHouseholdExample: with the example of a home nothing is needed elsewhere for its portal's name, its pages are
// there for its devices and for no stranger's name, and a device finds out that it asks here.
func TestHouseholdExample(t *testing.T) {
	t.Parallel()
	directory := exampleCopy(t, "household.yaml", `"0\.0\.0\.0:5300", "\[::\]:5300"`, `"127.0.0.1:0"`, `0\.0\.0\.0:8080`, `127.0.0.1:0`)
	s := start(t, directory, "--config", "household.yaml", "--lab")
	for name, want := range map[string]string{"dns.home.arpa": "A 127.0.0.1; ", "other.home.arpa": ""} {
		if reply := s.ask("127.0.0.1", name, dns.TypeA); recordData(reply.Answer) != want {
			t.Errorf("%s: %v", name, reply)
		}
	}
	get := func(host, path string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.web+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		reply, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply, string(body)
	}
	for path, want := range map[string]string{"/": `href="/home/"`, "/home/": "No filter is on for this device", "/home/router/fritzbox": "FRITZ!Box"} {
		if reply, body := get("dns.home.arpa:8080", path); reply.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d\n%s", path, reply.StatusCode, body)
		}
	}
	if reply, _ := get("evil.example", "/home/"); reply.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("by a stranger's name: %d", reply.StatusCode)
	}
	reply, _ := get("dns.home.arpa:8080", "/home/check")
	label := strings.TrimPrefix(reply.Header.Get("Refresh"), "4; url=/home/check/")
	for i := range probe.Names {
		s.ask("127.0.0.1", fmt.Sprintf("%d.%s.check.dns.home.arpa", i, label), dns.TypeA)
	}
	if reply, _ := get("0."+label+".check.dns.home.arpa:8080", "/seen.svg"); reply.StatusCode != http.StatusOK {
		t.Errorf("a picture: %d", reply.StatusCode)
	}
	if _, body := get("dns.home.arpa:8080", "/home/check/"+label); !strings.Contains(body, "Yes, it is working") {
		t.Errorf("the result:\n%s", body)
	}
	s.stop()
}

// What is withheld from a device is heard while somebody listens to it, and of no other device.
func TestANodeListens(t *testing.T) {
	config, _, err := LoadConfig(filepath.Join(write(t, exampleFiles(upstream(t))), "recourse.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), config, false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, started := n.home.ear.Start(byAddr + "127.0.0.2"); !started {
		t.Fatal("it does not listen")
	}
	for _, from := range []string{"127.0.0.2", "127.0.0.1"} {
		dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
		client := dns.Client{Dialer: &dialer}
		for _, name := range []string{"casino.example.", "phish.example.", "free.example."} {
			if _, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), n.do53[0].String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	heard, _ := n.home.ear.Heard(byAddr + "127.0.0.2")
	if len(heard.Groups) != 2 || heard.Groups[0].Names[0] != (listening.Name{Name: "casino.example", Times: 1}) || heard.Groups[1].Rule.Kind != listening.Security {
		t.Errorf("%+v", heard)
	}
	if visitor := n.home.devices.Visitor(resolver.Client{Addr: netip.MustParseAddr("127.0.0.2")}); visitor.Profile != "kids" || !visitor.Fixed || visitor.Device != byAddr+"127.0.0.2" {
		t.Errorf("%+v", visitor)
	}
	var listed []string
	for _, device := range n.home.devices.List() {
		listed = append(listed, device.Device+" "+device.Profile)
	}
	if !slices.Contains(listed, byAddr+"127.0.0.2 kids") {
		t.Errorf("listed: %v", listed)
	}
}

// Charts count from when they are switched on, and forget when they are switched off.
func TestChartsOfAHome(t *testing.T) {
	database := storetest.Open(t)
	sums := map[string]int64{"gambling": 7}
	charts := newHomeCharts(database, func() map[string]int64 { return maps.Clone(sums) }, slog.New(slog.DiscardHandler))
	if err := charts.recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	counted := func() int {
		t.Helper()
		weeks, err := charts.Weeks(t.Context())
		if err != nil || len(weeks) != chartWeeks {
			t.Fatal(weeks, err)
		}
		return weeks[chartWeeks-1].Counts["gambling"]
	}
	if charts.On() || counted() != 0 {
		t.Error("they are on by themselves")
	}
	if err := charts.Switch(t.Context(), "parent", true); err != nil {
		t.Fatal(err)
	}
	sums["gambling"] += 5
	if got := counted(); got != 5 {
		t.Errorf("%d are counted", got)
	}
	again := newHomeCharts(database, func() map[string]int64 { return nil }, slog.New(slog.DiscardHandler))
	if err := again.recall(t.Context()); err != nil || !again.On() {
		t.Errorf("after a restart they are off: %v", err)
	}
	if err := charts.Switch(t.Context(), "parent", false); err != nil {
		t.Fatal(err)
	}
	if charts.On() || counted() != 0 {
		t.Error("what was counted is kept")
	}
	for day, want := range map[int]int{22: 16, 23: 23, 29: 23} {
		if got := monday(time.Date(2026, 11, day, 23, 59, 0, 0, time.UTC)); got.Day() != want {
			t.Errorf("the week of the %dth began on the %dth", day, got.Day())
		}
	}
}
