package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recourse-dns/recourse/policy"
)

// TestSignInIsChecked: each mistake is one problem at its key.
func TestSignInIsChecked(t *testing.T) {
	const secure, plain, public = "https://dns.example.net", "http://dns.home.arpa:8080", "http://192.0.2.1:8080"
	oidc := func(text string) string { return "desk: {oidc: {" + text + "}}\n" }
	const good = `issuer: "https://login.example.net", client_id: recourse, client_secret_file: secret`
	for _, test := range []struct{ portal, text, problem, warning string }{
		{secure, oidc(good), "", ""},
		{secure, oidc(good + `, roles: {claim: realm_access.roles, map: {desk-run: operator, "https://x/r": second_reviewer}}`), "", ""},
		{secure, oidc(good + `, roles: {map: {desk-run: opperator}}`), "desk.oidc.roles.map.desk-run", ""},
		{secure, oidc(good + `, roles: {map: {court: authority}}`), "desk.oidc.roles.map.court", ""},
		{secure, oidc(`client_id: recourse, client_secret_file: secret`), "desk.oidc.issuer", ""},
		{secure, oidc(`issuer: "http://login.example.net", client_id: recourse, client_secret_file: secret`), "desk.oidc.issuer", ""},
		{secure, oidc(`issuer: login.example.net, client_id: recourse, client_secret_file: secret`), "desk.oidc.issuer", ""},
		{secure, oidc(`issuer: "https://login.example.net", client_secret_file: secret`), "desk.oidc.client_id", ""},
		{secure, oidc(`issuer: "https://login.example.net", client_id: recourse`), "desk.oidc.client_secret_file", ""},
		{secure, oidc(`issuer: "https://login.example.net", client_id: recourse, client_secret_file: absent`), "desk.oidc.client_secret_file", ""},
		{plain, oidc(good), "desk.oidc", ""},
		{"http://localhost:8080", oidc(good), "", ""},
		{plain, "desk: {plain_sign_in: true}\n", "", "desk.plain_sign_in"},
		{public, "desk: {plain_sign_in: true}\n", "operator.portal", ""},
		{plain, "desk: {plain_sign_in: true} # web: \"192.0.2.1:80\"\n", "operator.portal", ""},
		{secure, "desk: {plain_sign_in: true} # web: \"192.0.2.1:80\"\n", "desk.plain_sign_in", ""},
		{plain, "desk: {plain_sign_in: true} # web: \"0.0.0.0:80\", \"192.168.1.2:81\"\n", "", "desk.plain_sign_in"},
	} {
		_, web, _ := strings.Cut(test.text, "# web: ")
		head := strings.NewReplacer("https://dns.example.net", test.portal, "listen: {", "listen: {web: ["+strings.TrimSpace(web)+"], ").Replace(sourcesHead)
		directory := write(t, map[string]string{"recourse.yaml": head + test.text, "secret": strings.Repeat("s", 40) + "\n"})
		_, warnings, err := LoadConfig(filepath.Join(directory, "recourse.yaml"))
		var problems *ConfigError
		switch errors.As(err, &problems); {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", test.text, err)
		case test.problem != "" && (problems == nil || len(problems.Problems) != 1 || problems.Problems[0].Path != test.problem):
			t.Errorf("%s: %v; want one problem at %s", test.text, err, test.problem)
		}
		if test.problem == "" && (len(warnings) > 0) != (test.warning != "") || len(warnings) > 0 && test.warning != "" && warnings[0].Path != test.warning {
			t.Errorf("%s: warnings %v; want %q", test.text, warnings, test.warning)
		}
	}
}

// Over which connections somebody may sign in.
func TestMaySignIn(t *testing.T) {
	for _, test := range []struct {
		about, portal, url, peer, local string
		encrypted, plain, may           bool
	}{
		{"TLS", "https://dns.example.net", "/", "198.51.100.7", "192.0.2.1", true, false, true},
		{"a front end", "https://dns.example.net", "http://dns.example.net/", "127.0.0.1", "127.0.0.1", false, false, true},
		{"past the front end", "https://dns.example.net", "http://192.0.2.1/", "198.51.100.7", "192.0.2.1", false, false, false},
		{"this machine", "http://dns.example.net", "http://localhost:8080/", "127.0.0.1", "127.0.0.1", false, false, true},
		{"this machine by its address", "http://dns.example.net", "http://[::1]:8080/", "::1", "::1", false, false, true},
		{"a proxy on this machine", "http://dns.example.net", "http://dns.example.net/", "127.0.0.1", "127.0.0.1", false, false, false},
		{"home, not permitted", "http://dns.home.arpa", "http://dns.home.arpa/", "192.168.1.5", "192.168.1.1", false, false, false},
		{"home", "http://dns.home.arpa", "http://dns.home.arpa/", "192.168.1.5", "192.168.1.1", false, true, true},
		{"home by its address", "http://dns.home.arpa", "http://192.168.1.1/", "192.168.1.5", "192.168.1.1", false, true, true},
		{"the same link", "http://dns.home.arpa", "http://dns.home.arpa/", "2001:db8:1:2::5", "2001:db8:1:2::1", false, true, true},
		{"another link", "http://dns.home.arpa", "http://dns.home.arpa/", "2001:db8:1:3::5", "2001:db8:1:2::1", false, true, false},
		{"from outside", "http://dns.home.arpa", "http://dns.home.arpa/", "198.51.100.7", "192.168.1.1", false, true, false},
		{"at an address outside", "http://dns.home.arpa", "http://192.0.2.1/", "192.168.1.5", "192.0.2.1", false, true, false},
	} {
		config := &Config{Operator: policy.Operator{Portal: test.portal}, Desk: Desk{PlainSignIn: test.plain}}
		r := httptest.NewRequest(http.MethodGet, test.url, nil)
		r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(test.peer), 99).String()
		if r.TLS = nil; test.encrypted {
			r.TLS = new(tls.ConnectionState)
		}
		local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(test.local), 80))
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		if config.maySignIn(r) != test.may {
			t.Errorf("%s: %t", test.about, !test.may)
		}
	}
}

// What a telephone reads off the terminal, drawn.
func TestClaimIsDrawn(t *testing.T) {
	drawn := printClaim(shownClaim{Code: "7K4Q-92QF-M3TX", Addresses: []string{"http://192.168.1.1:8080"}})
	if !strings.Contains(drawn, "7K4Q-92QF-M3TX") || !strings.Contains(drawn, "http://192.168.1.1:8080/claim\n") || strings.Count(drawn, "\x1b[0m\n") < 15 {
		t.Error(drawn)
	}
}
